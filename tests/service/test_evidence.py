"""The audit log tells of each click who, as whom, on which facts and under which rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.house import R1, FakeHouse
from fakes.people import token_of
from fakes.values import ALEX, BLAKE, NOW, RILEY, ROLE, TENANT, an_actor, person

from bot.domain.errors import UnavailableError
from bot.domain.model import (
    ApprovalPolicy,
    Facts,
    Holders,
    Identity,
    PathKind,
    RolePath,
    State,
    Unreadable,
    UserAssertion,
)
from bot.service import evidence


async def test_a_sent_decision_tells_whose_token_was_used_and_how_old_the_facts_were(
    house: FakeHouse,
) -> None:
    await house.taken_in()
    await house.facts.live(ROLE, an_actor(ALEX).identity)
    house.clock.move(3)
    await house.click()
    (line,) = [one for one in house.audit() if one.event == "decision.claimed"]
    assert line.actor == f"{TENANT}/{ALEX}"
    assert (line.facts["token_oid"], line.facts["token_tid"]) == (ALEX, TENANT)
    assert (line.facts["facts_read_at"], line.facts["facts_age_seconds"]) == (NOW.isoformat(), 3.0)
    assert line.facts["facts_read"] == {"is_approver": True, "eligible": [], "active": []}
    assert "not the requester" in line.facts["rules"]


async def test_a_refusal_tells_what_it_was_judged_on(house: FakeHouse) -> None:
    await house.taken_in()
    await house.click(by=RILEY)
    line = house.audit()[-1]
    assert line.event == "decision.refused"
    assert {"facts_read_at", "facts_age_seconds", "facts_read", "rules"} <= line.facts.keys()
    assert "token_oid" not in line.facts, "no token was asked for"


async def test_a_refusal_tells_the_path_that_conflicts(house: FakeHouse) -> None:
    await house.taken_in()
    house.graph.make_eligible(ALEX, via="Tier 0 admins")
    await house.click()
    line = house.audit()[-1].facts
    assert line["facts_read"]["eligible"] == [{"how": "group", "scope": "/", "via": ["Tier 0 admins"]}]
    assert line["refusals"] == [{"reason": "eligible-through-group", "detail": "Tier 0 admins"}]


def test_facts_about_everybody_are_counted() -> None:
    holders = Holders((RolePath(ALEX, PathKind.DIRECT, "/"),), ())
    facts = Facts(ApprovalPolicy(True, (person(ALEX), person(BLAKE))), holders, NOW)
    told = evidence.of_facts(facts, NOW)
    assert told["facts_read"] == {"approvers": 2, "eligible": 1, "active": 0}


async def test_what_could_not_be_read_is_named_with_its_reason(house: FakeHouse) -> None:
    await house.taken_in()
    house.clock.move(60)
    house.graph.fail["holders"] = UnavailableError("Graph is down")
    await house.click()
    assert house.audit()[-1].facts["facts_read"] == {
        "is_approver": True,
        "eligibility": "unreadable: Graph is down",
    }


async def test_another_users_token_is_named_in_the_attack_it_is_audited_as(house: FakeHouse) -> None:
    await house.taken_in()
    house.tokens.hold(an_actor(ALEX).channel_user_id, token_of(Identity(TENANT, BLAKE)))
    await house.click()
    attack, not_sent = house.audit()[-2:]
    assert (attack.event, attack.actor) == ("attack.token-of-another", f"{TENANT}/{ALEX}")
    assert (attack.facts["token_oid"], attack.facts["token_tid"]) == (BLAKE, TENANT)
    assert not_sent.facts["rules"] == ["the token is the clicker's own"]


@pytest.mark.parametrize(
    ("state", "why", "rule"),
    [
        pytest.param(State.WITHDRAWN, "not-open", "the request is open in PIM", id="withdrawn"),
        pytest.param(State.EXPIRED, "not-open", "the request is open in PIM", id="expired"),
        pytest.param(State.APPROVED, "already-decided", "decided once", id="approved"),
    ],
)
async def test_a_click_on_what_is_over_is_audited_with_how_it_stood(
    house: FakeHouse, state: State, why: str, rule: str
) -> None:
    await house.taken_in()
    await house.alter(state=state)
    await house.click()
    line = house.audit()[-1]
    assert (line.event, line.actor) == ("decision.not-sent", f"{TENANT}/{ALEX}")
    assert (line.facts["why"], line.facts["rules"]) == (why, [rule])
    assert (line.facts["state"], line.facts["version"]) == (state.value, 2)


async def test_what_graph_stopped_tells_the_token_it_was_tried_with(house: FakeHouse) -> None:
    await house.taken_in()
    house.approvals.reading.append(UnavailableError())
    await house.click()
    line = house.audit()[-1]
    assert (line.event, line.facts["why"], line.facts["token_oid"]) == (
        "decision.not-sent",
        "try-again",
        ALEX,
    )


@pytest.mark.parametrize("token", ["", "a.b.c", "not a token", "a.bnVsbA.c", "a.W10.c"])
def test_a_token_that_can_not_be_read_names_nobody(token: str) -> None:
    assert evidence.of_token(UserAssertion(token)) == {"token_oid": "unreadable", "token_tid": "unreadable"}


def test_facts_of_which_nothing_could_be_read_still_tell_when() -> None:
    facts = Facts(Unreadable("approver policy", "no"), Unreadable("eligibility", "no"), NOW)
    told = evidence.of_facts(replace(facts), NOW + timedelta(seconds=1))
    assert told["facts_read"] == {"approver policy": "unreadable: no", "eligibility": "unreadable: no"}
    assert R1 not in str(told)

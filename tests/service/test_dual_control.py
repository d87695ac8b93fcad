"""A role that takes the approval of more than one."""

from __future__ import annotations

import asyncio

import pytest
from fakes.house import R1, FakeHouse
from fakes.people import token_of
from fakes.values import ALEX, BLAKE, RILEY, ROLE, TENANT, a_decision, an_actor, person

from bot.domain.content import OpsCard, PingCause
from bot.domain.errors import UnavailableError
from bot.domain.model import ApprovalPolicy, Choice, Identity, PimStatus, State
from bot.service.common import OPS_PING, RECOVER

EMERY = "bbbbbbbb-0000-4000-8000-000000000009"


@pytest.fixture
async def house() -> FakeHouse:
    made = FakeHouse(quorum=2)
    made.graph.policy = ApprovalPolicy(True, tuple(person(one) for one in (ALEX, BLAKE, EMERY)))
    made.tokens.hold(an_actor(EMERY).channel_user_id, token_of(Identity(TENANT, EMERY)))
    await made.taken_in()
    return made


async def test_the_first_approval_is_counted_and_nothing_is_sent(house: FakeHouse) -> None:
    card = await house.click(ALEX, reason="seen")
    assert (card.notice, house.request().state) == ("vote-counted", State.PENDING)
    assert [v.by.identity.object_id for v in house.request().votes] == [ALEX]
    assert not house.approvals.received
    assert not house.effects(RECOVER)
    line = house.audit()[-1]
    assert (line.event, line.facts["votes"], line.facts["quorum"]) == ("decision.vote-counted", 1, 2)
    assert line.facts["token_oid"] == ALEX


async def test_the_last_approval_is_sent_by_whoever_gave_it_with_all_names(house: FakeHouse) -> None:
    await house.click(ALEX, reason="seen")
    card = await house.click(BLAKE, reason="checked")
    assert (card.notice, house.request().state) == ("recorded-approved", State.APPROVED)
    (decision,) = house.approvals.received
    assert decision.by.object_id == BLAKE
    for wanted in (ALEX, BLAKE, "seen", "checked"):
        assert wanted in decision.justification


async def test_one_person_can_not_approve_twice(house: FakeHouse) -> None:
    await house.click(ALEX)
    assert (await house.click(ALEX)).notice == "already-voted"
    assert len(house.request().votes) == 1
    assert not house.approvals.received


async def test_one_denial_is_enough(house: FakeHouse) -> None:
    await house.click(ALEX)
    assert (await house.click(BLAKE, Choice.DENY)).notice == "recorded-denied"
    assert house.request().state is State.DENIED


async def test_who_has_approved_can_still_deny(house: FakeHouse) -> None:
    await house.click(ALEX)
    assert (await house.click(ALEX, Choice.DENY)).notice == "recorded-denied"


async def test_two_at_the_same_moment_are_two_votes_and_one_decision(house: FakeHouse) -> None:
    cards = await asyncio.gather(house.click(ALEX), house.click(BLAKE))
    assert sorted(str(card.notice) for card in cards) == ["recorded-approved", "vote-counted"]
    assert len(house.approvals.received) == 1
    assert house.request().state is State.APPROVED


async def test_an_earlier_vote_counts_no_more_once_its_voter_has_a_conflict(house: FakeHouse) -> None:
    await house.click(ALEX)
    house.graph.make_eligible(ALEX)
    house.clock.move(60)
    assert (await house.click(BLAKE)).notice == "vote-counted"
    assert [v.by.identity.object_id for v in house.request().votes] == [BLAKE]
    assert "decision.vote-dropped" in house.events()
    assert not house.approvals.received
    assert (await house.click(EMERY)).notice == "recorded-approved"


async def test_a_voter_of_whom_nothing_can_be_read_holds_the_decision_up_and_keeps_the_vote(
    house: FakeHouse,
) -> None:
    await house.click(ALEX)
    house.clock.move(60)
    await house.facts.live(ROLE, an_actor(BLAKE).identity)
    house.graph.fail["holders"] = UnavailableError()
    assert (await house.click(BLAKE)).notice == "try-again"
    assert [v.by.identity.object_id for v in house.request().votes] == [ALEX]
    house.graph.fail.clear()
    assert (await house.click(BLAKE)).notice == "recorded-approved"


async def test_a_conflicted_approver_does_not_vote_either(house: FakeHouse) -> None:
    house.graph.make_eligible(BLAKE)
    house.clock.move(60)
    assert (await house.click(BLAKE)).notice == "refused"
    assert (await house.click(RILEY)).notice == "refused"
    assert house.request().votes == ()


async def test_a_vote_takes_the_voters_own_token(house: FakeHouse) -> None:
    house.tokens.hold(an_actor(ALEX).channel_user_id, token_of(Identity(TENANT, BLAKE)))
    assert (await house.click(ALEX)).notice == "assertion-mismatch"
    assert house.request().votes == ()


@pytest.mark.parametrize("by", [pytest.param(EMERY, id="named"), pytest.param(None, id="nameless")])
async def test_an_approval_in_the_portal_before_the_quorum_alarms_ops(
    house: FakeHouse, by: str | None
) -> None:
    await house.click(ALEX)
    await house.recovery.conclude(house.request(), a_decision(by=by))
    assert house.request().state is State.DECIDED_ELSEWHERE
    await ping(house)
    ((_, content),) = house.channel.posts
    assert isinstance(content, OpsCard)
    assert content.cause is PingCause.QUORUM_BYPASSED
    assert house.audit()[-1].facts["cause"] == "quorum-bypassed"


async def test_it_is_found_by_reconciliation_too(house: FakeHouse) -> None:
    house.graph.turn(R1, PimStatus.GRANTED)
    await house.reconciler.reconcile()
    assert [row.payload["cause"] for row in house.effects(OPS_PING) if "bypassed" in row.key] == [
        "quorum-bypassed"
    ]


async def test_neither_a_denial_elsewhere_nor_our_own_approval_alarms_anybody(house: FakeHouse) -> None:
    await house.click(ALEX)
    await house.click(BLAKE)
    assert not [row for row in house.effects(OPS_PING) if "bypassed" in row.key]
    other = FakeHouse(quorum=2)
    await other.taken_in()
    await other.recovery.conclude(other.request(), a_decision(Choice.DENY, by=RILEY))
    assert not [row for row in other.effects(OPS_PING) if "bypassed" in row.key]


async def ping(house: FakeHouse) -> None:
    """Carry out the alarm, which is due now; the first rung is not."""
    effect = await house.lease(OPS_PING)
    assert effect.payload["cause"] == "quorum-bypassed"
    await house.escalation.ping(effect)

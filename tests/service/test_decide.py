"""A click becomes one decision in Graph, by the approver's own token, or nothing at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.house import PORTAL, R1, SIGN_IN, FakeHouse
from fakes.people import token_of
from fakes.values import ALEX, BLAKE, NOW, RILEY, TENANT, a_decision, an_actor, person

from bot.domain.content import Viewer
from bot.domain.errors import (
    ClaimsChallengeError,
    DirectoryError,
    InteractionRequiredError,
    NotFoundError,
    PermissionMissingError,
    RejectedError,
    UnavailableError,
)
from bot.domain.model import Choice, Identity, PimStatus, Reason, State, UserAssertion
from bot.service.common import CARD_SYNC, RECOVER
from cards.text import NOTICES

OTHER_TENANT = "aaaaaaaa-0000-4000-8000-00000000000f"
TROUBLES = [
    pytest.param(ClaimsChallengeError(claims="{}"), "step-up-needed", id="step-up"),
    pytest.param(InteractionRequiredError(code="AADSTS65001"), "consent-needed", id="consent"),
    pytest.param(InteractionRequiredError(code="AADSTS50058"), "interaction-needed", id="interaction"),
    pytest.param(InteractionRequiredError(code="AADSTS50173"), "sign-in-revoked", id="revoked"),
    pytest.param(InteractionRequiredError(code="AADSTS700082"), "sign-in-expired", id="expired"),
    pytest.param(RejectedError(code="AADSTS53003"), "sign-in-blocked", id="blocked"),
    pytest.param(PermissionMissingError(), "permission-missing", id="permission"),
    pytest.param(UnavailableError(), "try-again", id="unavailable"),
    pytest.param(RejectedError(), "rejected", id="rejected"),
    pytest.param(NotFoundError(), "not-open", id="gone"),
]


def untouched(house: FakeHouse) -> bool:
    """Nothing was claimed, and Graph heard nothing."""
    return (
        house.request().state is State.PENDING
        and house.request().claim is None
        and not house.approvals.received
        and not house.effects(RECOVER)
    )


# The way it should go ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "state", "notice", "status"),
    [
        pytest.param(Choice.APPROVE, State.APPROVED, "recorded-approved", PimStatus.GRANTED, id="approve"),
        pytest.param(Choice.DENY, State.DENIED, "recorded-denied", PimStatus.DENIED, id="deny"),
    ],
)
async def test_a_click_is_sent_with_the_approvers_token_and_recorded(
    house: FakeHouse, choice: Choice, state: State, notice: str, status: PimStatus
) -> None:
    await house.taken_in()
    card = await house.click(choice=choice, reason="  agreed  ")
    (patch,) = house.approvals.taken
    assert (patch.by, patch.choice, patch.justification) == (an_actor().identity, choice, "agreed")
    assert (patch.approval_id, patch.step_id) == (R1, R1)
    assert (house.request().state, card.request.state, card.notice) == (state, state, notice)
    assert house.request().decision == replace(a_decision(choice), justification="agreed", at=NOW)
    assert house.graph.requests[R1].status is status
    assert card.portal_url == PORTAL


async def test_a_recorded_decision_needs_no_recovery_and_wakes_the_card(house: FakeHouse) -> None:
    await house.taken_in()
    await house.click()
    assert not house.effects(RECOVER)
    assert [row.payload for row in house.effects(CARD_SYNC)] == [{"request": R1}]


async def test_a_decision_is_audited_from_claim_to_record_with_what_it_relied_on(house: FakeHouse) -> None:
    await house.taken_in()
    await house.click()
    assert house.events() == ["request.taken-in", "decision.claimed", "decision.recorded"]
    _, claimed, recorded = house.audit()
    assert claimed.actor == recorded.actor == f"{TENANT}/{ALEX}"
    assert claimed.facts["facts_read_at"] == NOW.isoformat()
    assert "not the requester" in claimed.facts["rules"]
    assert recorded.facts["reviewed_by"] == ALEX


async def test_the_claim_and_its_recovery_are_written_before_graph_hears(house: FakeHouse) -> None:
    await house.taken_in()
    seen = []

    async def look() -> None:
        (row,) = house.effects(RECOVER)
        seen.append((house.request().state, row.due_at, row.payload))

    house.approvals.when_decided = look
    await house.click()
    assert seen == [(State.DECIDING, NOW + timedelta(seconds=30), {"request": R1, "claim": "id-1"})]


async def test_a_long_reason_is_cut(house: FakeHouse) -> None:
    await house.taken_in()
    await house.click(reason="x" * 501)
    assert house.approvals.taken[0].justification == "x" * 500


async def test_a_click_survives_that_ops_were_pinged_meanwhile(house: FakeHouse) -> None:
    await house.taken_in()

    async def ping() -> None:
        await house.alter(rung=1)

    house.approvals.when_read = ping
    assert (await house.click()).notice == "recorded-approved"
    assert house.request().rung == 1


# Refused -----------------------------------------------------------------------------------


async def test_who_is_eligible_is_refused_with_the_reason_and_an_audit_line(house: FakeHouse) -> None:
    await house.taken_in()
    house.clock.move(11)
    house.graph.make_eligible(ALEX, via="Tier 0 admins")
    card = await house.click()
    assert (card.viewer, card.notice) == (Viewer.REFUSED, "refused")
    assert [(r.reason, r.detail) for r in card.refusals] == [(Reason.ELIGIBLE_THROUGH_GROUP, "Tier 0 admins")]
    assert untouched(house)
    line = house.audit()[-1]
    assert (line.event, line.actor) == ("decision.refused", f"{TENANT}/{ALEX}")
    assert line.facts["refusals"] == [{"reason": "eligible-through-group", "detail": "Tier 0 admins"}]


async def test_nobody_decides_on_their_own_request(house: FakeHouse) -> None:
    house.graph.policy = replace(house.graph.policy, approvers=(person(ALEX), person(RILEY)))
    await house.taken_in()
    card = await house.click(by=RILEY, choice=Choice.DENY)
    assert Reason.OWN_REQUEST in {r.reason for r in card.refusals}
    assert untouched(house)


@pytest.mark.parametrize(
    ("unreadable", "fact"),
    [
        pytest.param("approval_policy", "approver policy", id="policy"),
        pytest.param("holders", "eligibility", id="holders"),
    ],
)
async def test_a_fact_that_can_not_be_read_refuses_and_is_named(
    house: FakeHouse, unreadable: str, fact: str
) -> None:
    await house.taken_in()
    house.clock.move(11)
    house.graph.fail[unreadable] = UnavailableError()
    card = await house.click()
    assert [(r.reason, r.detail) for r in card.refusals] == [(Reason.FACT_UNREADABLE, fact)]
    assert untouched(house)


@pytest.mark.parametrize("when", ["frozen", "live"])
async def test_a_reason_is_asked_for_where_the_policy_asks(house: FakeHouse, when: str) -> None:
    asking, not_asking = replace(house.graph.policy, justification_required=True), house.graph.policy
    house.graph.policy = asking if when == "frozen" else not_asking
    await house.taken_in()
    house.clock.move(11)
    house.graph.policy = asking if when == "live" else not_asking
    assert (await house.click(reason="  \n")).notice == "reason-required"
    assert untouched(house)
    line = house.audit()[-1].facts
    assert (line["choice"], line["why"]) == ("Approve", "reason-required")
    assert (await house.click(reason="because")).notice == "recorded-approved"


async def test_without_a_policy_asking_a_reason_may_be_left_out(house: FakeHouse) -> None:
    await house.taken_in()
    assert (await house.click(reason="")).notice == "recorded-approved"


# Tokens ------------------------------------------------------------------------------------


async def test_who_is_not_signed_in_is_given_the_link(house: FakeHouse) -> None:
    await house.taken_in()
    house.tokens.drop(an_actor().channel_user_id)
    card = await house.click()
    assert (card.notice, card.sign_in_link) == ("sign-in-needed", f"{SIGN_IN}?act=secret-1")
    assert card.viewer is Viewer.ABLE
    assert untouched(house)
    assert house.audit()[-1].event == "decision.not-sent"


async def test_a_token_service_that_is_down_is_no_sign_in(house: FakeHouse) -> None:
    await house.taken_in()
    house.tokens.fail = UnavailableError()
    card = await house.click()
    assert (card.notice, card.sign_in_link) == ("try-again", None)
    assert untouched(house)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(token_of(Identity(TENANT, BLAKE)), id="another-oid"),
        pytest.param(token_of(Identity(OTHER_TENANT, ALEX)), id="another-tid"),
        pytest.param(UserAssertion("not-a-token"), id="unreadable"),
    ],
)
async def test_anothers_token_sends_nothing_and_is_audited_as_an_attack(
    house: FakeHouse, token: UserAssertion
) -> None:
    await house.taken_in()
    house.tokens.hold(an_actor().channel_user_id, token)
    assert (await house.click()).notice == "assertion-mismatch"
    assert untouched(house)
    assert house.events()[1:] == ["attack.token-of-another", "decision.not-sent"]
    assert house.audit()[1].actor == f"{TENANT}/{ALEX}"


# Before the claim --------------------------------------------------------------------------


@pytest.mark.parametrize(("error", "notice"), TROUBLES)
async def test_trouble_before_the_claim_leaves_the_request_pending(
    house: FakeHouse, error: DirectoryError, notice: str
) -> None:
    await house.taken_in()
    house.approvals.reading.append(error)
    assert (await house.click()).notice == notice
    assert untouched(house)
    assert house.audit()[-1].facts["why"] == notice


async def test_a_decision_found_at_the_click_is_recorded_as_made_elsewhere(house: FakeHouse) -> None:
    await house.taken_in()
    house.graph.complete(R1, a_decision(Choice.DENY, BLAKE))
    card = await house.click()
    assert (card.notice, card.request.state) == ("already-decided", State.DECIDED_ELSEWHERE)
    assert house.request().decision == a_decision(Choice.DENY, BLAKE)
    assert not house.approvals.received


async def test_a_step_that_is_no_longer_open_is_settled_by_the_requests_status(house: FakeHouse) -> None:
    await house.taken_in()
    house.graph.turn(R1, PimStatus.WITHDRAWN)
    card = await house.click()
    assert (card.notice, card.request.state) == ("not-open", State.WITHDRAWN)


async def test_what_can_not_be_settled_at_the_click_is_left_to_reconciliation(house: FakeHouse) -> None:
    await house.taken_in()
    house.graph.closed.add(R1)
    house.graph.fail["request"] = UnavailableError()
    assert (await house.click()).notice == "not-open"
    assert untouched(house)


async def test_who_pim_does_not_list_sends_nothing(house: FakeHouse) -> None:
    await house.taken_in()
    await house.facts.live(house.request().role.definition_id, an_actor(ALEX).identity)
    house.graph.policy = replace(house.graph.policy, approvers=(person(BLAKE),))
    assert (await house.click()).notice == "not-assigned"
    assert untouched(house)


def test_every_notice_has_words() -> None:
    source = {"sign-in-needed", "not-assigned", "assertion-mismatch", "outcome-unknown", "being-decided"}
    assert source | {param.values[1] for param in TROUBLES} <= set(NOTICES)

"""After the claim Graph has the word: what became of a decision, however it was answered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.approvals import Killed, all_together
from fakes.house import R1, FakeHouse
from fakes.values import ALEX, BLAKE, NOW, a_claim, a_decision

from bot.domain import lifecycle
from bot.domain.errors import (
    AlreadyDecidedError,
    ClaimsChallengeError,
    DirectoryError,
    InteractionRequiredError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionMissingError,
    RejectedError,
    UnavailableError,
)
from bot.domain.model import Choice, State
from bot.service import sending
from bot.service.common import RECOVER
from bot.service.recover import recovery

TROUBLES = [
    pytest.param(ClaimsChallengeError(claims="{}"), "step-up-needed", id="step-up"),
    pytest.param(InteractionRequiredError(code="AADSTS65001"), "consent-needed", id="consent"),
    pytest.param(InteractionRequiredError(code="AADSTS50076"), "interaction-needed", id="interaction"),
    pytest.param(PermissionMissingError(), "permission-missing", id="permission"),
    pytest.param(UnavailableError(), "try-again", id="unavailable"),
    pytest.param(RejectedError(), "rejected", id="rejected"),
    pytest.param(NotFoundError(), "not-open", id="gone"),
]


# After the claim ---------------------------------------------------------------------------


@pytest.mark.parametrize(("error", "notice"), TROUBLES)
async def test_what_graph_refuses_gives_the_claim_back(
    house: FakeHouse, error: DirectoryError, notice: str
) -> None:
    await house.taken_in()
    house.approvals.before.append(error)
    card = await house.click()
    assert (card.notice, card.request.state) == (notice, State.PENDING)
    assert not house.effects(RECOVER)
    assert house.events()[-2:] == ["decision.released", "decision.not-sent"]
    assert house.audit()[-2].facts["why"] == type(error).__name__
    assert house.audit()[-1].facts["why"] == notice
    assert (await house.click()).notice == "recorded-approved"


async def test_a_claim_that_somebody_else_resolved_meanwhile_is_not_given_back(house: FakeHouse) -> None:
    await house.taken_in()

    async def resolve() -> None:
        await house.alter(state=State.WITHDRAWN)

    house.approvals.when_decided = resolve
    house.approvals.before.append(RejectedError())
    assert (await house.click()).notice == "rejected"
    assert house.request().state is State.WITHDRAWN


@pytest.mark.parametrize(
    ("by", "notice", "state"),
    [
        pytest.param(BLAKE, "already-decided", State.DECIDED_ELSEWHERE, id="someone-else"),
        pytest.param(ALEX, "recorded-approved", State.APPROVED, id="me"),
    ],
)
async def test_a_conflict_is_decided_by_who_graph_says_reviewed_it(
    house: FakeHouse, by: str, notice: str, state: State
) -> None:
    await house.taken_in()

    async def decided() -> None:
        house.graph.complete(R1, a_decision(by=by))

    house.approvals.when_decided = decided
    card = await house.click()
    assert (card.notice, card.request.state) == (notice, state)
    assert house.request().decision == a_decision(by=by)
    assert not house.approvals.taken
    assert not house.effects(RECOVER)


async def test_my_earlier_decision_with_the_other_choice_is_not_this_click(house: FakeHouse) -> None:
    await house.taken_in()

    async def decided() -> None:
        house.graph.complete(R1, a_decision(Choice.DENY))

    house.approvals.when_decided = decided
    card = await house.click(choice=Choice.APPROVE)
    assert card.request.state is State.DECIDED_ELSEWHERE
    assert card.notice == "recorded-denied"


async def test_a_lost_answer_is_read_again_and_found_to_be_mine(house: FakeHouse) -> None:
    await house.taken_in()
    house.approvals.after.append(OutcomeUnknownError())
    card = await house.click()
    assert (card.notice, card.request.state) == ("recorded-approved", State.APPROVED)
    assert len(house.approvals.received) == 1


async def test_a_lost_call_is_repeated_once_the_step_is_read_as_open(house: FakeHouse) -> None:
    await house.taken_in()
    house.approvals.before.append(OutcomeUnknownError())
    card = await house.click()
    assert (card.notice, card.request.state) == ("recorded-approved", State.APPROVED)
    assert (len(house.approvals.received), len(house.approvals.taken)) == (2, 1)


async def test_a_lost_call_that_lost_to_somebody_else_says_so(house: FakeHouse) -> None:
    await house.taken_in()

    async def decided() -> None:
        house.graph.complete(R1, a_decision(Choice.DENY, BLAKE))

    house.approvals.when_decided = decided
    house.approvals.before.append(OutcomeUnknownError())
    card = await house.click()
    assert (card.notice, card.request.state) == ("already-decided", State.DECIDED_ELSEWHERE)
    assert len(house.approvals.received) == 1


@pytest.mark.parametrize("failure", [OutcomeUnknownError(), AlreadyDecidedError()], ids=["lost", "conflict"])
async def test_an_outcome_that_can_not_be_read_stays_under_the_claim(
    house: FakeHouse, failure: DirectoryError
) -> None:
    await house.taken_in()
    house.approvals.before.append(failure)
    house.approvals.reading.extend([None, UnavailableError()])
    card = await house.click()
    assert (card.notice, card.request.state) == ("outcome-unknown", State.DECIDING)
    assert [row.due_at for row in house.effects(RECOVER)] == [NOW + timedelta(seconds=30)]
    assert house.request().decision is None


async def test_a_call_that_is_lost_again_and_again_is_left_to_recovery(house: FakeHouse) -> None:
    await house.taken_in()
    house.approvals.before.extend([OutcomeUnknownError()] * 3)
    assert (await house.click()).notice == "outcome-unknown"
    assert len(house.approvals.received) == 3
    assert len(house.effects(RECOVER)) == 1


async def test_a_graph_that_does_not_answer_in_time_leaves_the_rest_to_recovery(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_TIME_LIMIT", timedelta(milliseconds=5))
    await house.taken_in()
    house.approvals.when_decided = asyncio.Event().wait
    card = await house.click()
    assert (card.notice, house.request().state) == ("outcome-unknown", State.DECIDING)


async def test_a_decision_that_reconciliation_recorded_first_is_still_mine(house: FakeHouse) -> None:
    await house.taken_in()
    house.approvals.after.append(OutcomeUnknownError())
    readings = 0

    async def recorded_first() -> None:
        nonlocal readings
        readings += 1
        if readings == 2:
            await house.recovery.conclude(house.request(), house.graph.decided[R1])

    house.approvals.when_read = recorded_first
    card = await house.click()
    assert (card.notice, card.request.state) == ("recorded-approved", State.APPROVED)
    assert house.events().count("decision.recorded") == 1


# At the same time --------------------------------------------------------------------------


async def test_of_two_approvers_at_the_same_time_exactly_one_decides(house: FakeHouse) -> None:
    await house.taken_in()
    house.approvals.when_read = all_together(2)
    cards = await asyncio.gather(house.click(ALEX), house.click(BLAKE, Choice.DENY))
    assert len(house.approvals.received) == len(house.approvals.taken) == 1
    winner = house.approvals.taken[0]
    assert house.request().decision == replace(
        a_decision(winner.choice, winner.by.object_id), justification="looks right", at=NOW
    )
    notices = {card.notice for card in cards}
    assert len(notices & {"recorded-approved", "recorded-denied"}) == 1
    assert len(notices & {"already-decided", "being-decided"}) == 1
    assert house.events().count("decision.recorded") == 1


async def test_one_click_delivered_twice_is_one_decision(house: FakeHouse) -> None:
    await house.taken_in()
    house.approvals.when_read = all_together(2)
    await asyncio.gather(house.click(), house.click())
    house.approvals.when_read = None
    again = await house.click()
    assert again.notice == "already-decided"
    assert len(house.approvals.received) == 1
    assert house.events().count("decision.recorded") == 1


async def test_a_decision_read_before_its_own_click_has_recorded_it_is_still_that_clicks(
    house: FakeHouse,
) -> None:
    """Blake's click was loaded before Alex claimed, and reads the approval after Alex's PATCH."""
    await house.taken_in()
    house.clock.move(11)
    house.graph.calls.clear()
    house.graph.gate = asyncio.Event()
    blake = asyncio.create_task(house.click(BLAKE))
    while not house.graph.calls["approval_policy"]:  # noqa: ASYNC110 - one turn of the loop at a time
        await asyncio.sleep(0)
    await _claimed_and_patched_by_alex(house)
    house.graph.gate.set()
    card = await blake
    assert (card.notice, card.request.state) == ("already-decided", State.APPROVED)
    assert house.events()[-2:] == ["decision.recorded", "decision.not-sent"]
    assert not house.effects(RECOVER)


async def _claimed_and_patched_by_alex(house: FakeHouse) -> None:
    claim = a_claim()
    claimed = lifecycle.claim(house.request(), claim)
    async with house.store.transaction() as tx:
        assert await tx.save_request(claimed)
        await tx.enqueue(recovery(claimed, claim))
    house.graph.complete(R1, a_decision())


async def test_a_dead_process_leaves_the_claim_and_its_recovery(house: FakeHouse) -> None:
    await house.taken_in()
    house.approvals.after.append(Killed())
    with pytest.raises(Killed):
        await house.click()
    assert house.request().state is State.DECIDING
    assert len(house.effects(RECOVER)) == 1

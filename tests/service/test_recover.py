"""What became of a claimed decision is found out from Graph, whoever died on the way."""

from __future__ import annotations

import pytest
from fakes.approvals import Killed
from fakes.house import R1, FakeHouse
from fakes.values import BLAKE, NOW, a_claim, a_decision, an_actor

from bot.domain import lifecycle
from bot.domain.audit import AuditEvent
from bot.domain.errors import NotFoundError, PermissionMissingError, UnavailableError
from bot.domain.model import Choice, Decision, PimStatus, State
from bot.service import sending
from bot.service.common import RECOVER, ContentionError, change
from bot.service.recover import CLAIM_LEASE


async def killed(house: FakeHouse, *, patched: bool, choice: Choice = Choice.APPROVE) -> None:
    """Alex clicks, and the process dies before or after Graph took the decision."""
    await house.taken_in()
    (house.approvals.after if patched else house.approvals.before).append(Killed())
    with pytest.raises(Killed):
        await house.click(choice=choice)
    house.restart()


async def recover(house: FakeHouse) -> None:
    house.clock.move(CLAIM_LEASE.total_seconds())
    await house.recovery.recover(await house.lease(RECOVER))


@pytest.mark.parametrize(
    ("choice", "state"),
    [
        pytest.param(Choice.APPROVE, State.APPROVED, id="approved"),
        pytest.param(Choice.DENY, State.DENIED, id="denied"),
    ],
)
async def test_killed_between_patch_and_record_it_is_recorded_as_the_claimants(
    house: FakeHouse, choice: Choice, state: State
) -> None:
    await killed(house, patched=True, choice=choice)
    await recover(house)
    assert house.request().state is state
    assert house.request().decision == Decision(choice, a_claim().by, "looks right", NOW)
    assert house.audit()[-1].event == "decision.recorded"
    assert not house.effects(RECOVER)
    assert len(house.approvals.taken) == 1


async def test_killed_between_claim_and_patch_it_is_decidable_again(house: FakeHouse) -> None:
    await killed(house, patched=False)
    await recover(house)
    assert house.request().state is State.PENDING
    assert house.audit()[-1].event == "decision.released"
    assert not house.effects(RECOVER)
    assert (await house.click(BLAKE)).notice == "recorded-approved"


async def test_recovery_is_not_due_while_a_decision_may_still_be_on_its_way(house: FakeHouse) -> None:
    await killed(house, patched=False)
    house.clock.move(CLAIM_LEASE.total_seconds() - 1)
    assert not await house.store.claim_effects("me", [RECOVER], 1, 30)


@pytest.mark.parametrize(
    ("status", "state", "choice"),
    [
        pytest.param(PimStatus.GRANTED, State.DECIDED_ELSEWHERE, Choice.APPROVE, id="granted"),
        pytest.param(PimStatus.REVOKED, State.DECIDED_ELSEWHERE, Choice.APPROVE, id="given-back"),
        pytest.param(PimStatus.DENIED, State.DECIDED_ELSEWHERE, Choice.DENY, id="denied"),
        pytest.param(PimStatus.WITHDRAWN, State.WITHDRAWN, None, id="withdrawn"),
        pytest.param(PimStatus.FAILED, State.FAILED, None, id="failed"),
    ],
)
async def test_without_the_claimants_token_the_status_tells_but_not_who(
    house: FakeHouse, status: PimStatus, state: State, choice: Choice | None
) -> None:
    await killed(house, patched=True)
    house.tokens.drop(an_actor().channel_user_id)
    house.graph.turn(R1, status)
    await recover(house)
    assert house.request().state is state
    decision = house.request().decision
    assert (decision and (decision.choice, decision.by)) == (choice and (choice, None))
    assert not house.effects(RECOVER)


@pytest.mark.parametrize("error", [PermissionMissingError(), NotFoundError()], ids=["forbidden", "gone"])
async def test_an_approval_that_the_claimant_may_no_longer_read_is_told_by_status(
    house: FakeHouse, error: Exception
) -> None:
    await killed(house, patched=False)
    house.approvals.reading.append(error)
    await recover(house)
    assert house.request().state is State.PENDING


@pytest.mark.parametrize("where", ["token service", "approval", "request"])
async def test_a_graph_that_can_not_be_reached_is_asked_again(house: FakeHouse, where: str) -> None:
    await killed(house, patched=False)
    house.clock.move(CLAIM_LEASE.total_seconds())
    effect = await house.lease(RECOVER)
    if where == "token service":
        house.tokens.fail = UnavailableError()
    elif where == "approval":
        house.approvals.reading.append(UnavailableError())
    else:
        house.graph.fail["request"] = UnavailableError()
    with pytest.raises(UnavailableError):
        await house.recovery.recover(effect)
    assert house.request().state is State.DECIDING
    assert len(house.effects(RECOVER)) == 1
    house.tokens.fail = None
    house.graph.fail.clear()
    await house.recovery.recover(effect)
    assert house.request().state is State.PENDING
    assert not house.effects(RECOVER)


async def test_a_request_that_graph_has_not_settled_is_asked_about_again(house: FakeHouse) -> None:
    await killed(house, patched=False)
    house.graph.turn(R1, PimStatus.IN_TRANSIT)
    with pytest.raises(UnavailableError, match="not settled"):
        await recover(house)
    assert house.request().state is State.DECIDING


async def test_another_reviewer_was_quicker(house: FakeHouse) -> None:
    await killed(house, patched=False)
    house.graph.complete(R1, a_decision(Choice.DENY, BLAKE))
    await recover(house)
    assert house.request().state is State.DECIDED_ELSEWHERE
    assert house.request().decision == a_decision(Choice.DENY, BLAKE)
    assert house.audit()[-1].event == "request.settled-elsewhere"


async def test_a_justification_that_graph_keeps_to_itself_is_the_claims(house: FakeHouse) -> None:
    await killed(house, patched=False)
    house.graph.complete(R1, Decision(Choice.APPROVE, a_claim().by, "", NOW))
    await recover(house)
    decision = house.request().decision
    assert decision is not None
    assert (decision.justification, house.request().state) == ("looks right", State.APPROVED)


async def test_a_patch_that_lands_after_its_release_is_still_ours(house: FakeHouse) -> None:
    await killed(house, patched=False)
    await recover(house)
    house.graph.complete(R1, a_decision())
    settled = await house.recovery.settle(house.request(), house.graph.requests[R1])
    assert settled is not None
    assert (settled.state, settled.decision) == (State.APPROVED, a_decision())
    assert house.audit()[-1].event == "decision.recorded"


async def test_a_late_decision_of_the_claimants_with_the_other_choice_was_made_elsewhere(
    house: FakeHouse,
) -> None:
    await killed(house, patched=False)
    house.graph.complete(R1, a_decision(Choice.DENY))
    await recover(house)
    assert house.request().state is State.DECIDED_ELSEWHERE
    assert house.request().decision == a_decision(Choice.DENY)


# Claims that are not to be touched ---------------------------------------------------------


async def test_a_stale_claim_is_ignored(house: FakeHouse) -> None:
    await killed(house, patched=False)
    newer = a_claim(by=BLAKE, claim_id="claim-2")
    await house.alter(claim=newer)
    await recover(house)
    assert (house.request().state, house.request().claim) == (State.DECIDING, newer)
    assert not house.effects(RECOVER)


async def test_recovery_of_a_claim_that_was_recorded_does_nothing(house: FakeHouse) -> None:
    await killed(house, patched=True)
    house.clock.move(CLAIM_LEASE.total_seconds())
    effect = await house.lease(RECOVER)
    await house.recovery.conclude(house.request(), house.graph.decided[R1])
    before = (house.request(), house.events())
    await house.recovery.recover(effect)
    assert (house.request(), house.events()) == before


async def test_a_release_is_for_the_claim_it_names(house: FakeHouse) -> None:
    await killed(house, patched=False)
    assert await house.recovery.release(house.request(), "another", "why") is None
    assert house.request().state is State.DECIDING


async def test_a_conclusion_is_written_once(house: FakeHouse) -> None:
    await killed(house, patched=True)
    stale = house.request()
    assert await house.recovery.conclude(stale, a_decision()) is not None
    assert await house.recovery.conclude(stale, a_decision()) is None
    assert house.events().count("decision.recorded") == 1


@pytest.mark.parametrize("status", [PimStatus.GRANTED, PimStatus.WITHDRAWN], ids=["granted", "withdrawn"])
async def test_what_was_seen_before_a_claim_does_not_settle_it(house: FakeHouse, status: PimStatus) -> None:
    seen = await house.taken_in()
    house.graph.turn(R1, status)
    await house.alter(state=State.DECIDING, claim=a_claim())
    assert await house.recovery.settle(seen, house.graph.requests[R1]) is None
    assert house.request().state is State.DECIDING


@pytest.mark.parametrize("status", [None, PimStatus.WITHDRAWN], ids=["gone", "withdrawn"])
async def test_what_is_closed_already_is_not_closed_again(house: FakeHouse, status: PimStatus | None) -> None:
    seen = await house.taken_in()
    await house.alter(state=State.EXPIRED)
    if status is not None:
        house.graph.turn(R1, status)
    pim = house.graph.requests[R1] if status else None
    assert await house.recovery.settle(seen, pim) is None
    assert house.request().state is State.EXPIRED


# Starting ----------------------------------------------------------------------------------


async def test_a_start_hurries_recovery_of_what_is_being_decided_and_nothing_else(house: FakeHouse) -> None:
    await killed(house, patched=True)
    await house.taken_in(id="r2", approval_id="r2")
    released = lifecycle.claim(house.request("r2"), a_claim(claim_id="released"))
    await house.alter("r2", claim=released.claim)
    await house.recovery.hurry()
    assert [(row.payload["request"], row.due_at) for row in house.effects(RECOVER)] == [(R1, NOW)]
    await house.recovery.recover(await house.lease(RECOVER))
    assert house.request().state is State.APPROVED


async def test_hurrying_finds_claims_whose_recovery_is_lost(house: FakeHouse) -> None:
    await house.taken_in()
    await house.alter(state=State.DECIDING, claim=a_claim())
    await house.recovery.hurry()
    assert [row.key for row in house.effects(RECOVER)] == ["decision.recover:claim-1"]


# Changing a request ------------------------------------------------------------------------


async def test_a_change_that_keeps_losing_gives_up(house: FakeHouse) -> None:
    request = await house.taken_in()
    with pytest.raises(ContentionError):
        await change(house.store, house.clock, R1, lambda _: request, event=AuditEvent.SETTLED)
    assert house.request() == request
    assert house.events() == ["request.taken-in"]


async def test_a_change_of_an_unknown_request_makes_nothing(house: FakeHouse) -> None:
    made = await change(house.store, house.clock, "nothing", lambda r: r, event=AuditEvent.SETTLED)
    assert made is None
    assert not house.store.state.audit


def test_a_claim_is_given_longer_than_a_decision_may_take() -> None:
    assert sending._TIME_LIMIT < CLAIM_LEASE

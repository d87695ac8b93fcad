"""Reconciliation makes what is here what Graph has, and says when it could not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from fakes.house import R1, FakeHouse
from fakes.manual_clock import ManualClock
from fakes.signals import wake
from fakes.values import ALEX, BLAKE, NOW, RILEY, ROLE, a_claim, a_decision, a_pim_request, person
from structlog.testing import capture_logs

from bot.domain.errors import IncompleteListingError, PermissionMissingError, UnavailableError
from bot.domain.group_roles import Access, GroupRole
from bot.domain.model import Choice, Danger, PimStatus, Pool, Role, State, Unreadable
from bot.ports import Effect
from bot.service.common import CARD_SYNC, OPS_PING, RECONCILE
from bot.service.recover import SETTLING

DAY = timedelta(hours=24).total_seconds()


async def test_a_new_request_is_taken_in_once(house: FakeHouse) -> None:
    house.graph.put(a_pim_request())
    await house.reconciler.reconcile()
    first = (house.request(), dict(house.store.state.effects), house.events())
    await house.reconciler.reconcile()
    assert (house.request(), dict(house.store.state.effects), house.events()) == first
    assert house.events() == ["request.taken-in"]


async def test_a_request_that_is_over_here_is_not_taken_in_again(house: FakeHouse) -> None:
    await house.taken_in()
    over = await house.alter(state=State.DENIED)
    await house.reconciler.reconcile()
    assert house.request() == over


@pytest.mark.parametrize(
    ("status", "state"),
    [
        pytest.param(PimStatus.WITHDRAWN, State.WITHDRAWN, id="withdrawn"),
        pytest.param(PimStatus.EXPIRED, State.EXPIRED, id="expired"),
        pytest.param(PimStatus.FAILED, State.FAILED, id="failed"),
        pytest.param(PimStatus.GRANTED, State.DECIDED_ELSEWHERE, id="approved"),
        pytest.param(PimStatus.REVOKED, State.DECIDED_ELSEWHERE, id="approved-and-given-back"),
        pytest.param(PimStatus.DENIED, State.DECIDED_ELSEWHERE, id="denied"),
        pytest.param(PimStatus.IN_TRANSIT, State.PENDING, id="in-transit"),
        pytest.param(PimStatus.UNKNOWN, State.PENDING, id="unknown"),
    ],
)
async def test_what_happened_elsewhere_is_followed(house: FakeHouse, status: PimStatus, state: State) -> None:
    await house.taken_in()
    house.store.state.effects.clear()
    house.graph.turn(R1, status)
    await house.reconciler.reconcile()
    assert house.request().state is state
    moved = state is not State.PENDING
    assert [row.payload for row in house.effects(CARD_SYNC)] == [{"request": R1}] * moved
    assert house.events().count("request.settled-elsewhere") == moved


@pytest.mark.parametrize(
    ("status", "choice"),
    [
        pytest.param(PimStatus.GRANTED, Choice.APPROVE, id="approved"),
        pytest.param(PimStatus.DENIED, Choice.DENY, id="denied"),
    ],
)
async def test_a_decision_made_elsewhere_names_nobody_that_graph_did_not(
    house: FakeHouse, status: PimStatus, choice: Choice
) -> None:
    await house.taken_in()
    house.graph.turn(R1, status)
    await house.reconciler.reconcile()
    decision = house.request().decision
    assert decision is not None
    assert (decision.choice, decision.by) == (choice, None)
    assert house.audit()[-1].facts["reviewed_by"] == "not told"


@pytest.mark.parametrize(
    ("after", "state"),
    [
        pytest.param(DAY - 1, State.WITHDRAWN, id="within-the-window"),
        pytest.param(DAY, State.EXPIRED, id="after-the-window"),
    ],
)
async def test_a_request_that_vanished_was_withdrawn_or_ran_out(
    house: FakeHouse, after: float, state: State
) -> None:
    await house.taken_in()
    del house.graph.requests[R1]
    house.clock.move(after)
    await house.reconciler.reconcile()
    assert (house.request().state, house.request().ended_at) == (state, house.clock.now())
    assert house.audit()[-1].facts["status"] == "gone"


async def test_a_young_request_that_graph_does_not_find_everywhere_yet_is_left_open(house: FakeHouse) -> None:
    before = await house.taken_in()
    found = house.graph.requests.pop(R1)
    house.clock.move(SETTLING.total_seconds() - 1)
    await house.reconciler.reconcile()
    assert house.request() == before
    house.graph.requests[R1] = found
    assert (await house.click()).notice == "recorded-approved"


@pytest.mark.parametrize(
    ("after", "warned"),
    [pytest.param(60, False, id="the-list-lags"), pytest.param(DAY / 2, True, id="a-contradiction")],
)
async def test_a_closed_request_that_graph_still_has_pending_is_reported(
    house: FakeHouse, after: float, warned: bool
) -> None:
    await house.taken_in()
    await house.alter(state=State.WITHDRAWN, ended_at=house.clock.now())
    house.clock.move(after)
    with capture_logs() as logs:
        await house.reconciler.reconcile()
    assert ("closed_here_but_pending_in_graph" in [line["event"] for line in logs]) is warned
    assert house.request().state is State.WITHDRAWN


async def test_an_unknown_status_after_the_window_is_expiry(house: FakeHouse) -> None:
    await house.taken_in()
    house.graph.turn(R1, PimStatus.UNKNOWN)
    house.clock.move(DAY)
    await house.reconciler.reconcile()
    assert house.request().state is State.EXPIRED


async def test_a_list_that_lags_behind_settles_nothing(house: FakeHouse) -> None:
    before = await house.taken_in()
    house.graph.unlisted.add(R1)
    await house.reconciler.reconcile()
    assert house.request() == before
    assert house.graph.calls["request"] == 1


async def test_a_decision_on_its_way_is_never_settled_here(house: FakeHouse) -> None:
    await house.taken_in()
    deciding = await house.alter(state=State.DECIDING, claim=a_claim())
    house.graph.complete(R1, a_decision(by=BLAKE))
    await house.reconciler.reconcile()
    assert house.request() == deciding
    assert not house.graph.calls["request"]


async def test_a_patch_that_landed_after_its_release_is_the_claimants(house: FakeHouse) -> None:
    await house.taken_in()
    await house.alter(claim=a_claim())
    house.graph.complete(R1, a_decision())
    await house.reconciler.reconcile()
    assert (house.request().state, house.request().decision) == (State.APPROVED, a_decision())


# Forecasts that are incomplete -------------------------------------------------------------


@pytest.mark.parametrize("unreadable", [f"role:{ROLE}", f"person:{RILEY}", "approval_policy", "holders"])
async def test_what_could_not_be_read_is_completed_and_then_frozen(house: FakeHouse, unreadable: str) -> None:
    house.graph.put(a_pim_request())
    house.graph.fail[unreadable] = UnavailableError()
    await house.reconciler.reconcile()
    house.graph.fail.clear()
    await house.reconciler.reconcile()
    whole = house.request()
    assert (whole.requester, whole.role.display_name) == (person(RILEY), "Security Administrator")
    assert [m.person for m in whole.pool.able] == [person(ALEX), person(BLAKE)]  # type: ignore[union-attr]
    assert house.events() == ["request.taken-in", "request.forecast-completed"]
    house.clock.move(11)
    house.graph.policy = replace(house.graph.policy, approvers=(person(ALEX),))
    house.graph.roles[ROLE] = Role(ROLE, "Renamed", Danger.HIGH)
    await house.reconciler.reconcile()
    assert house.request() == whole


async def test_while_nothing_more_can_be_read_nothing_changes(house: FakeHouse) -> None:
    house.graph.put(a_pim_request())
    house.graph.fail["holders"] = UnavailableError("try 1")
    await house.reconciler.reconcile()
    before = house.request()
    house.graph.fail["holders"] = UnavailableError("try 2, worded otherwise")
    await house.reconciler.reconcile()
    assert house.request() == before


async def test_a_pool_that_was_read_stays_frozen_while_a_name_is_missing(house: FakeHouse) -> None:
    house.graph.put(a_pim_request())
    house.graph.fail["person"] = UnavailableError()
    await house.reconciler.reconcile()
    frozen = house.request().pool
    house.clock.move(11)
    house.graph.fail = {"holders": UnavailableError()}
    await house.reconciler.reconcile()
    assert (house.request().pool, house.request().requester) == (frozen, person(RILEY))


async def test_a_pool_is_completed_step_by_step_and_never_loses_what_was_read(house: FakeHouse) -> None:
    house.graph.put(a_pim_request())
    house.graph.fail = {"approval_policy": UnavailableError(), "holders": UnavailableError()}
    await house.reconciler.reconcile()
    assert isinstance(house.request().pool, Unreadable)
    del house.graph.fail["approval_policy"]
    await house.reconciler.reconcile()
    half = house.request().pool
    assert isinstance(half, Pool)
    assert half.unreadable is not None
    house.graph.fail["approval_policy"] = UnavailableError()
    await house.reconciler.reconcile()
    assert house.request().pool == half


async def test_a_pool_that_turns_out_empty_pings_ops_in_the_same_breath(house: FakeHouse) -> None:
    house.graph.put(a_pim_request())
    house.graph.policy = replace(house.graph.policy, approvers=(person(RILEY),))
    house.graph.fail["holders"] = UnavailableError()
    await house.reconciler.reconcile()
    house.graph.fail.clear()
    house.clock.move(20)
    await house.reconciler.reconcile()
    assert [r.payload["cause"] for r in house.effects(OPS_PING) if r.due_at == house.clock.now()] == [
        "empty-pool"
    ]


async def test_a_request_closed_meanwhile_is_not_completed(house: FakeHouse) -> None:
    house.graph.fail["holders"] = UnavailableError()
    seen = await house.taken_in()
    house.graph.fail.clear()
    closed = await house.alter(state=State.WITHDRAWN)
    await house.intake.complete(seen, house.graph.requests[R1])
    assert house.request() == closed


# Trouble -----------------------------------------------------------------------------------


async def test_one_unreadable_request_keeps_no_other_from_its_card(house: FakeHouse) -> None:
    for one in ("r1", "r2", "r3"):
        await house.taken_in(id=one, approval_id=one)
        house.graph.turn(one, PimStatus.WITHDRAWN)
    house.graph.put(a_pim_request(id="new"))
    house.graph.fail["request:r2"] = UnavailableError("r2 can't be read")
    with pytest.raises(UnavailableError, match="r2"):
        await house.reconciler.reconcile()
    states = {one: house.request(one).state for one in ("r1", "r2", "r3", "new")}
    assert states == {
        "r1": State.WITHDRAWN,
        "r2": State.PENDING,
        "r3": State.WITHDRAWN,
        "new": State.PENDING,
    }


async def test_many_requests_are_taken_in_side_by_side(house: FakeHouse) -> None:
    for number in range(20):
        house.graph.put(a_pim_request(id=f"r{number}"))
    await house.reconciler.reconcile()
    assert len(house.store.state.requests) == 20
    assert house.graph.calls["approval_policy"] == 1


# When not everything could be listed ---------------------------------------------------------


def a_group_request(group: str, request_id: str) -> dict[str, object]:
    key = GroupRole(group, Access.MEMBER).key
    return {"id": request_id, "approval_id": request_id, "role_definition_id": key}


async def test_a_group_that_can_not_be_listed_hides_no_other_and_settles_nothing(house: FakeHouse) -> None:
    await house.taken_in(id="r1", approval_id="r1")
    for group, one in (("g1", "m1"), ("g2", "m2")):
        await house.taken_in(**a_group_request(group, one))
    for one in ("r1", "m1", "m2"):
        house.graph.turn(one, PimStatus.WITHDRAWN)
    new = a_pim_request(id="new")
    house.graph.fail["pending_requests"] = IncompleteListingError(found=(new,), groups=frozenset({"g1"}))
    with capture_logs() as logs:
        await house.reconciler.reconcile()
    states = {one: house.request(one).state for one in ("r1", "m1", "m2", "new")}
    assert states == {
        "r1": State.WITHDRAWN,
        "m1": State.PENDING,
        "m2": State.WITHDRAWN,
        "new": State.PENDING,
    }
    assert [line["groups"] for line in logs if line["event"] == "pending_requests_incomplete"] == [["g1"]]


async def test_what_could_not_be_listed_is_told_once_and_when_it_is_over(house: FakeHouse) -> None:
    house.graph.fail["pending_requests"] = IncompleteListingError(found=(), groups=frozenset({"g1"}))
    with capture_logs() as logs:
        assert [await house.reconciler.reconcile() for _ in range(3)] == [False] * 3
        del house.graph.fail["pending_requests"]
        assert await house.reconciler.reconcile()
    told = [line["groups"] for line in logs if line["event"] == "pending_requests_incomplete"]
    assert told == [["g1"], []]


async def test_directory_roles_that_can_not_be_listed_hide_no_groups_card(house: FakeHouse) -> None:
    await house.taken_in(id="r1", approval_id="r1")
    house.graph.turn("r1", PimStatus.WITHDRAWN)
    new = a_pim_request(**a_group_request("g1", "m1"))
    failed = IncompleteListingError(found=(new,), directory_roles=UnavailableError("Graph is away"))
    house.graph.fail["pending_requests"] = failed
    with pytest.raises(UnavailableError, match="Graph is away"):
        await house.reconciler.reconcile()
    assert (house.request("r1").state, house.request("m1").state) == (State.PENDING, State.PENDING)


async def test_a_groups_request_that_can_not_be_read_is_left_to_the_next_round(house: FakeHouse) -> None:
    await house.taken_in(**a_group_request("g1", "m1"))
    house.graph.turn("m1", PimStatus.WITHDRAWN)
    house.graph.fail["request:m1"] = PermissionMissingError()
    await leased_round(house)
    assert house.request("m1").state is State.PENDING
    (row,) = house.effects(RECONCILE)
    assert row.due_at == NOW + timedelta(seconds=10)
    del house.graph.fail["request:m1"]
    await house.reconciler.reconcile()
    assert house.request("m1").state is State.WITHDRAWN


async def test_a_round_that_could_not_list_a_group_comes_again_after_the_poll_interval(
    house: FakeHouse,
) -> None:
    house.graph.fail["pending_requests"] = IncompleteListingError(found=(), groups=frozenset({"g1"}))
    await leased_round(house)
    (row,) = house.effects(RECONCILE)
    assert (row.due_at, row.lease_owner) == (NOW + timedelta(seconds=10), None)


# The row -----------------------------------------------------------------------------------


async def leased_round(house: FakeHouse) -> None:
    async with house.store.transaction() as tx:
        await tx.wake(Effect(RECONCILE, RECONCILE, house.clock.now()))
    await house.reconciler.run(await house.lease(RECONCILE))


async def test_a_round_comes_again_after_the_poll_interval(house: FakeHouse) -> None:
    house.graph.put(a_pim_request())
    await leased_round(house)
    assert house.request().state is State.PENDING
    (row,) = house.effects(RECONCILE)
    assert (row.due_at, row.lease_owner) == (NOW + timedelta(seconds=10), None)


async def test_a_signal_has_the_next_round_run_now(house: FakeHouse) -> None:
    await leased_round(house)
    house.clock.move(3)
    await wake(house.store, house.clock)
    assert [row.due_at for row in house.effects(RECONCILE)] == [house.clock.now()]


async def test_a_round_whose_lease_was_lost_leaves_the_row_to_its_new_owner(house: FakeHouse) -> None:
    await wake(house.store, house.clock)
    mine = await house.lease(RECONCILE)
    house.clock.move(31)
    await house.lease(RECONCILE, owner="another")
    await house.reconciler.run(mine)
    (row,) = house.effects(RECONCILE)
    assert row.lease_owner == "another"


async def test_a_round_that_can_not_read_graph_raises_and_keeps_its_lease(house: FakeHouse) -> None:
    house.graph.fail["pending_requests"] = UnavailableError()
    with pytest.raises(UnavailableError):
        await leased_round(house)
    (row,) = house.effects(RECONCILE)
    assert row.lease_owner == "me"


async def test_no_round_finished_is_not_fresh_even_on_a_clock_that_ticks(house: FakeHouse) -> None:
    class Ticking(ManualClock):
        def now(self) -> datetime:
            self.move(0.001)
            return super().now()

    house.reconciler._clock = Ticking(house.clock.now())
    await house.reconciler.begin()
    assert not await house.reconciler.fresh()

"""A pending request is written down once, with its card and its ladder set going."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.house import R1, FakeHouse
from fakes.values import ALEX, BLAKE, NOW, RILEY, ROLE, TENANT, a_pim_request, person

from bot.domain.errors import PermissionMissingError, UnavailableError
from bot.domain.model import Danger, Identity, Person, Pool, Reason, Role, State, Unreadable
from bot.service.common import CARD_SYNC, OPS_PING


async def test_what_graph_said_is_what_is_kept(house: FakeHouse) -> None:
    request = await house.taken_in(justification="ticket 1234", scope="/administrativeUnits/1")
    assert (request.state, request.version, request.rung) == (State.PENDING, 1, 0)
    assert (request.requester, request.role.display_name) == (person(RILEY), "Security Administrator")
    assert (request.scope, request.justification) == ("/administrativeUnits/1", "ticket 1234")
    assert request.expires_at == NOW + timedelta(hours=24)
    assert request.tenant_id == TENANT


async def test_a_request_is_taken_in_with_its_card_and_its_first_rung(house: FakeHouse) -> None:
    await house.taken_in()
    assert [(r.key, r.due_at, r.payload) for r in house.effects(CARD_SYNC)] == [
        (f"card.sync:{R1}", NOW, {"request": R1})
    ]
    assert [(r.key, r.due_at, r.payload) for r in house.effects(OPS_PING)] == [
        (
            f"ops.ping:{R1}:1",
            NOW + timedelta(minutes=5),
            {"request": R1, "rung": 1, "cause": "unanswered"},
        )
    ]


async def test_a_request_is_taken_in_once(house: FakeHouse) -> None:
    await house.taken_in()
    before = house.store.state
    assert not await house.intake.take_in(a_pim_request(justification="another"))
    assert house.store.state == before


async def test_a_crash_while_writing_leaves_nothing_half_done(house: FakeHouse) -> None:
    house.store.fail_commit = ConnectionError()
    with pytest.raises(ConnectionError):
        await house.intake.take_in(a_pim_request())
    assert not house.store.state.requests
    assert not house.store.state.effects
    assert not house.store.state.audit


async def test_the_pool_is_forecast_and_the_audit_log_has_it(house: FakeHouse) -> None:
    house.graph.make_eligible(ALEX)
    request = await house.taken_in()
    assert isinstance(request.pool, Pool)
    assert [m.person for m in request.pool.able] == [person(BLAKE)]
    (line,) = house.audit()
    assert (line.event, line.actor) == ("request.taken-in", f"{TENANT}/{RILEY}")
    assert line.facts["pool"] == {ALEX: [{"reason": "eligible-directly", "detail": ""}], BLAKE: []}


async def test_an_empty_pool_pings_ops_at_once_and_the_ladder_still_stands(house: FakeHouse) -> None:
    house.graph.make_eligible(ALEX)
    house.graph.make_eligible(BLAKE, via="Tier 0 admins")
    await house.taken_in()
    pings = {r.key: (r.due_at, r.payload["cause"]) for r in house.effects(OPS_PING)}
    assert pings == {
        f"ops.ping:{R1}:empty-pool": (NOW, "empty-pool"),
        f"ops.ping:{R1}:1": (NOW + timedelta(minutes=5), "unanswered"),
    }


async def test_a_pool_of_one_is_told_to_ops_at_once(house: FakeHouse) -> None:
    house.graph.make_eligible(ALEX)
    await house.taken_in()
    pings = {r.key: (r.due_at, r.payload["cause"]) for r in house.effects(OPS_PING)}
    assert pings == {
        f"ops.ping:{R1}:thin-pool": (NOW, "thin-pool"),
        f"ops.ping:{R1}:1": (NOW + timedelta(minutes=5), "unanswered"),
    }


async def test_a_pool_of_two_is_enough(house: FakeHouse) -> None:
    await house.taken_in()
    assert [r.payload["cause"] for r in house.effects(OPS_PING)] == ["unanswered"]


async def test_guests_are_forecast_as_unable(house: FakeHouse) -> None:
    guest = replace(person(ALEX), guest=True)
    unknown = replace(person(BLAKE), guest=None)
    house.graph.policy = replace(house.graph.policy, approvers=(guest, unknown))
    request = await house.taken_in()
    assert isinstance(request.pool, Pool)
    assert [[r.reason for r in m.refusals] for m in request.pool.members] == [
        [Reason.GUEST],
        [Reason.FACT_UNREADABLE],
    ]


async def test_a_policy_that_names_only_the_requester_is_an_empty_pool(house: FakeHouse) -> None:
    house.graph.policy = replace(house.graph.policy, approvers=(person(RILEY),))
    request = await house.taken_in()
    assert isinstance(request.pool, Pool)
    assert [r.reason for m in request.pool.members for r in m.refusals] == [Reason.OWN_REQUEST]
    assert f"ops.ping:{R1}:empty-pool" in house.store.state.effects


# What can't be read ------------------------------------------------------------------------


async def test_an_unreadable_policy_shows_a_card_and_lets_nobody_decide(house: FakeHouse) -> None:
    house.graph.fail["approval_policy"] = PermissionMissingError("missing X")
    request = await house.taken_in()
    assert request.pool == Unreadable("approver policy", "missing X")
    assert house.effects(CARD_SYNC)
    assert house.audit()[0].facts["pool"] == {"unreadable": "approver policy"}
    assert (await house.click()).notice == "refused"


async def test_unreadable_eligibility_names_the_approvers_but_none_of_them_as_able(house: FakeHouse) -> None:
    house.graph.fail["holders"] = UnavailableError("down")
    request = await house.taken_in()
    assert isinstance(request.pool, Pool)
    assert len(request.pool.members) == 2
    assert (request.pool.able, request.pool.unreadable) == ((), Unreadable("eligibility", "down"))
    assert house.effects(CARD_SYNC)


@pytest.mark.parametrize("unreadable", ["approval_policy", "holders"])
async def test_a_pool_that_is_not_known_is_not_called_empty(house: FakeHouse, unreadable: str) -> None:
    house.graph.fail[unreadable] = UnavailableError()
    await house.taken_in()
    assert [r.payload["cause"] for r in house.effects(OPS_PING)] == ["unanswered"]


async def test_names_that_can_not_be_read_are_ids_and_the_danger_is_the_worst(house: FakeHouse) -> None:
    house.graph.roles[ROLE] = Role(ROLE, "Reports Reader", Danger.ELEVATED)
    house.graph.fail = {"role": UnavailableError(), "person": UnavailableError()}
    request = await house.taken_in()
    assert request.role == Role(ROLE, ROLE, Danger.CRITICAL)
    assert request.requester == Person(Identity(TENANT, RILEY), RILEY)
    assert house.effects(CARD_SYNC)


# The ladder --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "rung"),
    [
        pytest.param(timedelta(minutes=4, seconds=59), 1, id="none-missed"),
        pytest.param(timedelta(minutes=7), 1, id="one-missed"),
        pytest.param(timedelta(minutes=16), 2, id="two-missed"),
        pytest.param(timedelta(hours=3), 4, id="repeats-missed"),
    ],
)
async def test_of_missed_rungs_only_the_latest_fires(house: FakeHouse, late: timedelta, rung: int) -> None:
    house.clock.move(late.total_seconds())
    await house.taken_in()
    assert [r.payload["rung"] for r in house.effects(OPS_PING)] == [rung]


async def test_a_request_that_ends_before_the_first_rung_has_none(house: FakeHouse) -> None:
    house.intake = replace(house.intake, ladder=replace(house.intake.ladder, rungs=(timedelta(days=2),)))
    await house.taken_in()
    assert not house.effects(OPS_PING)

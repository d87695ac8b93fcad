"""Facts are live: young, whole, and read once however many ask."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fakes.house import FakeHouse
from fakes.values import ALEX, BLAKE, NOW, ROLE, an_actor, person

from bot.domain.errors import PermissionMissingError, RejectedError
from bot.domain.model import Holders, Unreadable
from bot.service import facts as facts_module


async def test_facts_say_when_they_were_read(house: FakeHouse) -> None:
    facts = await house.facts.live(ROLE)
    assert (facts.policy, facts.holders) == (house.graph.policy, house.graph.held)
    assert facts.read_at == NOW


@pytest.mark.parametrize(
    ("age", "readings"), [pytest.param(10, 1, id="young"), pytest.param(10.001, 2, id="too-old")]
)
async def test_facts_are_kept_for_ten_seconds(house: FakeHouse, age: float, readings: int) -> None:
    first = await house.facts.live(ROLE)
    house.clock.move(age)
    second = await house.facts.live(ROLE)
    assert house.graph.calls["approval_policy"] == house.graph.calls["holders"] == readings
    assert (second.read_at == first.read_at) is (readings == 1)


@pytest.mark.parametrize(
    ("call", "fact"),
    [
        pytest.param("approval_policy", "approver policy", id="policy"),
        pytest.param("holders", "eligibility", id="holders"),
    ],
)
async def test_what_could_not_be_read_is_named_and_never_kept(house: FakeHouse, call: str, fact: str) -> None:
    house.graph.fail[call] = PermissionMissingError("X is missing")
    facts = await house.facts.live(ROLE)
    assert Unreadable(fact, "X is missing") in (facts.policy, facts.holders)
    house.graph.fail.clear()
    again = await house.facts.live(ROLE)
    assert (again.policy, again.holders) == (house.graph.policy, house.graph.held)


async def test_old_facts_do_not_outlive_a_reading_that_fails(house: FakeHouse) -> None:
    await house.facts.live(ROLE)
    house.clock.move(11)
    house.graph.fail["holders"] = RejectedError()
    assert isinstance((await house.facts.live(ROLE)).holders, Unreadable)
    assert isinstance((await house.facts.live(ROLE)).holders, Unreadable)


async def test_facts_about_one_actor_are_theirs_and_kept_apart(house: FakeHouse) -> None:
    house.graph.make_eligible(BLAKE)
    alex, blake = an_actor(ALEX).identity, an_actor(BLAKE).identity
    of_alex = await house.facts.live(ROLE, alex)
    of_blake = await house.facts.live(ROLE, blake)
    everybody = await house.facts.live(ROLE)
    assert (of_alex.about, of_blake.about, everybody.about) == (alex, blake, None)
    assert of_alex.policy == replace(house.graph.policy, approvers=(person(ALEX),))
    assert (of_alex.holders, of_blake.holders) == (Holders((), ()), house.graph.held)
    house.clock.move(10)
    assert await house.facts.live(ROLE, alex) is of_alex
    assert await house.facts.live(ROLE, blake) is of_blake


async def test_nothing_is_left_of_readings_that_failed(house: FakeHouse) -> None:
    house.graph.fail["holders"] = RejectedError()
    await asyncio.gather(*(house.facts.live(ROLE, an_actor(f"x{n}").identity) for n in range(20)))
    assert not house.facts._reading


async def test_a_bug_is_no_unreadable_fact(house: FakeHouse) -> None:
    house.graph.fail["holders"] = RuntimeError("bug")
    with pytest.raises(RuntimeError, match="bug"):
        await house.facts.live(ROLE)


async def test_many_askers_at_once_are_one_reading(house: FakeHouse) -> None:
    house.graph.gate = asyncio.Event()
    asking = [asyncio.create_task(house.facts.live(ROLE)) for _ in range(5)]
    await asyncio.sleep(0)
    house.graph.gate.set()
    answers = await asyncio.gather(*asking)
    assert all(answer is answers[0] for answer in answers)
    assert house.graph.calls["approval_policy"] == 1


async def test_one_role_does_not_wait_for_another(house: FakeHouse) -> None:
    await house.facts.live(ROLE)
    house.graph.gate = asyncio.Event()
    slow = asyncio.create_task(house.facts.live("another role"))
    await asyncio.sleep(0)
    assert (await house.facts.live(ROLE)).read_at == NOW
    house.graph.gate.set()
    await slow


async def test_the_cache_is_bounded_and_forgets_the_oldest(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts_module, "_CACHE_SIZE", 2)
    for role in ("a", "b", "c"):
        await house.facts.live(role)
    await house.facts.live("c")
    await house.facts.live("b")
    assert house.graph.calls["approval_policy"] == 3
    await house.facts.live("a")
    assert house.graph.calls["approval_policy"] == 4

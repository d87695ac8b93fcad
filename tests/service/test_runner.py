"""The effect runner carries out what is due, and never forgets or doubles it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from fakes.manual_clock import ManualClock
from fakes.memory_store import EffectRow, MemoryStore
from structlog.testing import capture_logs

from bot.domain.errors import (
    ChannelRefusedError,
    ChannelUnavailableError,
    PermissionMissingError,
    RejectedError,
    UnavailableError,
)
from bot.ports import Effect, LeasedEffect, Transaction
from bot.service.runner import EffectRunner, Handler, settle
from bot.store import StoreUnavailableError

KIND = "post"


@dataclass
class House:
    """A store, a clock, and a handler that does as it is told."""

    clock: ManualClock = field(default_factory=ManualClock)
    done: list[LeasedEffect] = field(default_factory=list)
    fail_with: Exception | None = None

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)

    def runner(self, handlers: Mapping[str, Handler] | None = None, **options: Any) -> EffectRunner:
        return EffectRunner(self.store, self.clock, handlers or {KIND: self.handle}, "me", **options)

    async def handle(self, effect: LeasedEffect) -> None:
        if self.fail_with is not None:
            raise self.fail_with
        async with self.store.transaction() as tx:
            assert await tx.finish(effect)
        self.done.append(effect)

    async def enqueue(self, key: str = "e1", after: float = 0, kind: str = KIND) -> None:
        async with self.store.transaction() as tx:
            await tx.enqueue(Effect(key, kind, self.clock.now() + timedelta(seconds=after)))

    async def wake(self, key: str = "e1") -> None:
        async with self.store.transaction() as tx:
            await tx.wake(Effect(key, KIND, self.clock.now()))

    def row(self, key: str = "e1") -> EffectRow:
        return self.store.state.effects[key]


@pytest.fixture
def house() -> House:
    return House()


@asynccontextmanager
async def running(runner: EffectRunner, grace: float = 5) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(runner.run())
    try:
        yield task
    finally:
        await runner.stop(grace)
        await asyncio.wait_for(task, 5)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - one helper for conditions of all sorts
            await asyncio.sleep(0.001)


async def test_due_effects_are_carried_out(house: House) -> None:
    await house.enqueue("a")
    await house.enqueue("b")
    async with running(house.runner()):
        await until(lambda: len(house.done) == 2)
    assert house.row("a").done_at is not None


async def test_a_poke_is_answered_without_the_clock_moving(house: House) -> None:
    runner = house.runner()
    async with running(runner):
        await until(lambda: house.clock.waiting)
        await house.enqueue()
        runner.poke()
        await until(lambda: house.done)


async def test_what_nobody_poked_for_is_found_within_the_idle_time(house: House) -> None:
    async with running(house.runner(idle_seconds=0.5)):
        await until(lambda: house.clock.waiting)
        await house.enqueue()
        house.clock.move(0.5)
        await until(lambda: house.done)


async def test_an_effect_due_sooner_than_the_next_poll_is_on_time(house: House) -> None:
    await house.enqueue(after=0.1)
    async with running(house.runner(idle_seconds=0.5)):
        await until(lambda: house.clock.waiting)
        assert not house.done
        house.clock.move(0.1)
        await until(lambda: house.done)


async def test_a_clock_that_jumps_makes_timers_fire_at_once(house: House) -> None:
    await house.enqueue(after=300)
    async with running(house.runner()):
        await until(lambda: house.clock.waiting)
        house.clock.move(300)
        await until(lambda: house.done)


async def test_the_runner_waits_instead_of_spinning(house: House) -> None:
    claims = 0
    claim = house.store.claim_effects

    async def counted(*args: Any) -> tuple[LeasedEffect, ...]:
        nonlocal claims
        claims += 1
        return await claim(*args)

    house.store.claim_effects = counted  # type: ignore[method-assign]
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(effect: LeasedEffect) -> None:
        begun.set()
        await go_on.wait()
        await house.handle(effect)

    await house.enqueue()
    async with running(house.runner({KIND: slow})):
        await begun.wait()
        await until(lambda: house.clock.waiting)
        before = claims
        house.clock.move(60)  # past the lease: due, but held by this very process
        await until(lambda: claims > before)
        before = claims
        for _ in range(200):
            await asyncio.sleep(0)
        assert claims == before
        go_on.set()
        await until(lambda: house.done)
    assert [effect.attempts for effect in house.done] == [1]


async def test_effects_run_side_by_side_up_to_the_limit(house: House) -> None:
    inside, most = 0, 0

    async def handler(effect: LeasedEffect) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        for _ in range(20):
            await asyncio.sleep(0)
        inside -= 1
        await house.handle(effect)

    for number in range(10):
        await house.enqueue(f"e{number}")
    async with running(house.runner({KIND: handler}, concurrency=3)):
        await until(lambda: len(house.done) == 10)
    assert most == 3


async def test_an_effect_woken_while_it_runs_runs_again_afterwards_and_never_beside_itself(
    house: House,
) -> None:
    inside, most = 0, 0

    async def handler(effect: LeasedEffect) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        if len(house.done) < 20:
            await house.wake()
        await house.handle(effect)
        runner.poke()
        for _ in range(len(house.done)):
            await asyncio.sleep(0)
        inside -= 1

    runner = house.runner({KIND: handler})
    await house.enqueue()
    with capture_logs() as logs:
        async with running(runner):
            await until(lambda: len(house.done) == 21)
    assert most == 1
    assert [line for line in logs if line["log_level"] != "info"] == []


async def test_unknown_kinds_stay_for_a_newer_replica(house: House) -> None:
    await house.enqueue("new", kind="kind-of-a-newer-release")
    await house.enqueue("old")
    async with running(house.runner()):
        await until(lambda: house.done)
    assert house.row("new").attempts == 0


# Failures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "again_in"),
    [
        pytest.param(UnavailableError(), [1, 2, 4, 8, 16, 32, 60, 60], id="backs-off-up-to-a-minute"),
        pytest.param(RuntimeError("bug"), [1, 2, 4], id="a-bug-is-tried-again-too"),
        pytest.param(ChannelUnavailableError(retry_after=30), [30, 30], id="retry-after-is-honoured"),
        pytest.param(ChannelUnavailableError(retry_after=0), [1, 1], id="but-never-at-once"),
        pytest.param(ChannelUnavailableError(retry_after=1e9), [300], id="nor-for-hours"),
        pytest.param(ChannelUnavailableError(retry_after=float("nan")), [1, 2], id="nor-nonsense"),
        pytest.param(ChannelRefusedError(), [300, 300], id="refused-for-good"),
        pytest.param(RejectedError(), [300], id="rejected"),
        pytest.param(PermissionMissingError(), [300], id="permission-missing"),
    ],
)
async def test_a_failed_effect_comes_again(house: House, error: Exception, again_in: list[float]) -> None:
    house.fail_with = error
    await house.enqueue()
    async with running(house.runner()):
        for attempt, seconds in enumerate(again_in, start=1):
            await until(lambda: house.row().last_error and house.row().lease_owner is None)
            assert house.row().run_at == house.clock.now() + timedelta(seconds=seconds)
            assert house.row().attempts == attempt
            if attempt == len(again_in):
                house.fail_with = None
            else:
                house.store.state.effects["e1"] = _without_error(house.row())
            await until(lambda: house.clock.waiting)
            house.clock.move(seconds)
        await until(lambda: house.done)


def _without_error(row: EffectRow) -> EffectRow:
    return EffectRow(**(vars(row) | {"last_error": None}))


async def test_what_only_a_person_can_mend_is_an_error_in_the_log(house: House) -> None:
    house.fail_with = ChannelRefusedError("bot not installed")
    await house.enqueue()
    with capture_logs() as logs:
        async with running(house.runner()):
            await until(lambda: house.row().last_error)
    (line,) = [line for line in logs if line["event"] == "effect_refused"]
    assert (line["log_level"], line["key"], line["again_in"]) == ("error", "e1", 300)
    assert "bot not installed" in line["why"]


async def test_a_second_attempt_is_noted(house: House) -> None:
    house.fail_with = UnavailableError()
    await house.enqueue()
    with capture_logs() as logs:
        async with running(house.runner()):
            await until(lambda: house.row().last_error)
            house.fail_with = None
            await until(lambda: house.clock.waiting)
            house.clock.move(1)
            await until(lambda: house.done)
    assert [line["attempts"] for line in logs if line["event"] == "effect_repeated"] == [2]


async def test_one_effect_that_fails_does_not_hold_up_another(house: House) -> None:
    async def handler(effect: LeasedEffect) -> None:
        if effect.key == "bad":
            raise RuntimeError("bug")
        await house.handle(effect)

    await house.enqueue("bad")
    await house.enqueue("good")
    async with running(house.runner({KIND: handler})):
        await until(lambda: house.done and house.row("bad").last_error)


async def test_a_handler_that_settles_nothing_is_reported_and_tried_again(house: House) -> None:
    async def forgetful(effect: LeasedEffect) -> None:
        pass

    await house.enqueue()
    with capture_logs() as logs:
        async with running(house.runner({KIND: forgetful})):
            await until(lambda: house.row().last_error)
    assert house.row().done_at is None
    assert [line["log_level"] for line in logs if line["event"] == "effect_unsettled"] == ["error"]


async def test_a_handler_that_hangs_is_stopped_before_its_lease_ends(house: House) -> None:
    stopped = asyncio.Event()

    async def hangs(_: LeasedEffect) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    await house.enqueue()
    async with running(house.runner({KIND: hangs}, lease_seconds=0.1)):
        await until(stopped.is_set)
        await until(lambda: house.row().last_error)
    assert "Timeout" in (house.row().last_error or "")
    assert house.row().lease_owner is None


async def test_a_handler_that_can_not_be_stopped_is_not_silent(house: House) -> None:
    go_on = asyncio.Event()

    async def deaf(effect: LeasedEffect) -> None:
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue
        await house.handle(effect)

    await house.enqueue()
    with capture_logs() as logs:
        runner = house.runner({KIND: deaf}, lease_seconds=0.01)
        async with running(runner):
            async with asyncio.timeout(5):
                while not [line for line in logs if line["event"] == "effect_stuck"]:
                    runner.poke()
                    await asyncio.sleep(0.005)
            go_on.set()
            await until(lambda: house.done)
    assert len(house.done) == 1


async def test_a_handler_cancelled_from_inside_is_tried_again(house: House) -> None:
    async def gives_up(_: LeasedEffect) -> None:
        raise asyncio.CancelledError

    await house.enqueue()
    async with running(house.runner({KIND: gives_up})):
        await until(lambda: house.row().last_error)


async def test_the_loop_outlives_a_store_that_fails(house: House) -> None:
    async with running(house.runner()) as task:
        await until(lambda: house.clock.waiting)
        house.store.fail = StoreUnavailableError()
        house.clock.move(0.5)
        with capture_logs() as logs:
            await until(lambda: [line["event"] for line in logs].count("effect_loop_failed") == 2)
        assert not task.done()
        house.store.fail = None
        await house.enqueue()
        await until(lambda: house.done)


async def test_an_effect_whose_result_could_not_be_written_is_given_back_once_the_store_is_well(
    house: House,
) -> None:
    async def handler(effect: LeasedEffect) -> None:
        if effect.attempts == 1:
            house.store.fail = StoreUnavailableError()
        await house.handle(effect)

    await house.enqueue()
    async with running(house.runner({KIND: handler})):
        await until(lambda: house.store.fail)
        await until(lambda: house.row().lease_owner)
        house.store.fail = None
        await until(lambda: not house.row().lease_owner)
        await until(lambda: house.clock.waiting)
        house.clock.move(1)
        await until(lambda: house.done)
    assert [effect.attempts for effect in house.done] == [2]


async def test_the_heartbeat_is_fresh_while_the_loop_goes_round_and_stale_while_it_can_not(
    house: House,
) -> None:
    runner = house.runner()
    assert house.clock.now() - runner.heartbeat > timedelta(days=1)
    async with running(runner):
        await until(lambda: house.clock.waiting)
        assert runner.heartbeat == house.clock.now()
        house.store.fail = StoreUnavailableError()
        house.clock.move(60)
        for _ in range(50):
            await asyncio.sleep(0)
        assert house.clock.now() - runner.heartbeat == timedelta(seconds=60)
        house.store.fail = None
        await until(lambda: runner.heartbeat == house.clock.now())


async def test_leases_of_an_earlier_run_under_the_same_name_are_taken_back_at_the_start(house: House) -> None:
    await house.enqueue()
    await house.store.claim_effects("me", [KIND], 1, 10)
    async with running(house.runner()):
        await until(lambda: house.done)


# Stopping ----------------------------------------------------------------------------------


async def test_stopping_lets_handlers_end_and_claims_no_more(house: House) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(effect: LeasedEffect) -> None:
        begun.set()
        await go_on.wait()
        await house.handle(effect)

    await house.enqueue("a")
    runner = house.runner({KIND: slow}, concurrency=1)
    async with running(runner):
        await begun.wait()
        await house.enqueue("b")
        stop = asyncio.create_task(runner.stop(5))
        await asyncio.sleep(0)
        go_on.set()
        await stop
    assert [effect.key for effect in house.done] == ["a"]
    assert house.row("b").attempts == 0


async def test_stopping_cancels_what_is_left_and_frees_its_lease(house: House) -> None:
    begun = asyncio.Event()

    async def hangs(_: LeasedEffect) -> None:
        begun.set()
        await asyncio.Event().wait()

    await house.enqueue()
    async with running(house.runner({KIND: hangs}), grace=0.01):
        await begun.wait()
    assert house.row().lease_owner is None
    assert house.row().run_at == house.clock.now()


async def test_stopping_without_a_store_says_so_and_ends(house: House) -> None:
    with capture_logs() as logs:
        async with running(house.runner()):
            await until(lambda: house.clock.waiting)
            house.store.fail = StoreUnavailableError()
    assert "effect_leases_not_freed" in [line["event"] for line in logs]


async def test_a_runner_that_never_ran_can_be_stopped(house: House) -> None:
    await house.runner().stop(1)


# Recording ---------------------------------------------------------------------------------


async def test_a_result_is_recorded_although_the_store_fails_at_first(house: House) -> None:
    tries = 0

    async def record(tx: Transaction) -> str:
        nonlocal tries
        tries += 1
        await tx.save_service_url("19:a", "https://smba.example/")
        if tries < 3:
            raise StoreUnavailableError
        return "recorded"

    assert await settle(house.store, record) == "recorded"
    assert house.store.state.service_urls == {"19:a": "https://smba.example/"}


async def test_a_result_that_can_not_be_recorded_raises_in_the_end(house: House) -> None:
    house.store.fail_commit = StoreUnavailableError()

    async def record(tx: Transaction) -> None:
        del tx

    with pytest.raises(StoreUnavailableError):
        await settle(house.store, record, tries=2)

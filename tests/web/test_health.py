"""Alive and ready, over HTTP; and what readiness makes of rounds that another replica finished."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from fakes.manual_clock import ManualClock
from fakes.memory_store import MemoryStore
from fakes.signals import wake
from structlog.testing import capture_logs

from bot.domain.errors import UnavailableError
from bot.ports import Effect, LeasedEffect
from bot.service.common import RECONCILE
from bot.service.reconcile import Reconciler
from bot.store import StoreUnavailableError
from bot.web.health import Check, routes

POLL = timedelta(seconds=10)
SECRET = "postgresql://bot:hunter2@db"


async def well() -> str | None:
    return None


async def get(path: str, **checks: Check) -> tuple[int, dict[str, Any]]:
    app = web.Application()
    app.add_routes(routes(checks, patience=0.05))
    async with TestClient(TestServer(app)) as client, client.get(path) as answer:
        return answer.status, await answer.json()


def failing(error: Exception) -> Check:
    async def check() -> str | None:
        raise error

    return check


async def test_alive_is_alive_whatever_the_checks_say():
    assert await get("/healthz", store=failing(OSError())) == (200, {"status": "alive"})


async def test_ready_when_every_check_is_well():
    assert await get("/readyz", store=well, tokens=well) == (
        200,
        {"status": "ready", "checks": {"store": "ok", "tokens": "ok"}},
    )


async def test_what_a_check_finds_wrong_is_named():
    async def stale() -> str | None:
        return "Graph was not read lately"

    assert await get("/readyz", store=well, reconciliation=stale) == (
        503,
        {"status": "not ready", "checks": {"store": "ok", "reconciliation": "Graph was not read lately"}},
    )


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(StoreUnavailableError(SECRET), id="store"),
        pytest.param(UnavailableError(SECRET), id="Graph"),
        pytest.param(OSError(SECRET), id="the operating system"),
        pytest.param(KeyError(SECRET), id="a fault of our own"),
    ],
)
async def test_a_check_that_fails_is_named_and_its_error_is_for_the_log(error: Exception):
    with capture_logs() as logs:
        status, said = await get("/readyz", store=failing(error), tokens=well)
    assert (status, said["checks"]) == (503, {"store": "failed", "tokens": "ok"})
    assert [(line["event"], line["check"], line["error"]) for line in logs] == [
        ("not_ready", "store", type(error).__name__)
    ]


async def test_a_check_that_does_not_answer_is_given_up_and_named():
    async def hang() -> str | None:
        await asyncio.Event().wait()
        return None

    status, said = await get("/readyz", tokens=hang, store=well)
    assert (status, said["checks"]) == (503, {"tokens": "no answer", "store": "ok"})


async def test_checks_are_made_side_by_side():
    first, second = asyncio.Event(), asyncio.Event()

    async def one() -> str | None:
        first.set()
        await second.wait()
        return None

    async def other() -> str | None:
        second.set()
        await first.wait()
        return None

    assert (await get("/readyz", one=one, other=other))[0] == 200


# Reconciliation, seen from every replica ---------------------------------------------------


class Replicas:
    """Two processes on one store; rounds are claimed, finished and failed by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(self.clock)
        self.one, self.other = self._reconciler(), self._reconciler()

    def _reconciler(self) -> Reconciler:
        unused: Any = None
        return Reconciler(
            directory=unused, intake=unused, recovery=unused, store=self.store, clock=self.clock, poll=POLL
        )

    async def claim(self, owner: str = "one") -> LeasedEffect:
        (effect,) = await self.store.claim_effects(owner, [RECONCILE], 1, 10)
        return effect

    async def finish(self, effect: LeasedEffect) -> None:
        async with self.store.transaction() as tx:
            assert await tx.reschedule(effect, self.clock.now() + POLL)

    async def fail(self, effect: LeasedEffect, after: float = 1) -> None:
        assert await self.store.retry_effect(effect, self.clock.now() + timedelta(seconds=after), "failed")


@pytest.fixture
def replicas() -> Replicas:
    return Replicas()


async def test_nothing_is_fresh_before_a_round_was_finished(replicas: Replicas):
    assert not await replicas.one.fresh()
    await replicas.one.begin()
    assert not await replicas.one.fresh()
    effect = await replicas.claim()
    assert not await replicas.one.fresh()
    await replicas.finish(effect)
    assert await replicas.one.fresh()


async def test_a_round_that_another_replica_finished_counts(replicas: Replicas):
    await replicas.one.begin()
    await replicas.other.begin()
    await replicas.finish(await replicas.claim("one"))
    assert await replicas.one.fresh()
    assert await replicas.other.fresh()


async def test_what_was_read_before_this_process_began_does_not_count(replicas: Replicas):
    await replicas.one.begin()
    await replicas.finish(await replicas.claim())
    replicas.clock.move(1)
    await replicas.other.begin()
    assert not await replicas.other.fresh()
    await replicas.finish(await replicas.claim())
    assert await replicas.other.fresh()


async def test_a_round_under_way_when_this_process_begins_does_not_count_but_the_next_does(
    replicas: Replicas,
):
    await replicas.one.begin()
    under_way = await replicas.claim("one")
    replicas.clock.move(1)
    await replicas.other.begin()
    await replicas.finish(under_way)
    assert not await replicas.other.fresh()
    await replicas.finish(await replicas.claim("one"))
    assert await replicas.other.fresh()


async def test_signals_never_make_it_look_fresher(replicas: Replicas):
    await replicas.one.begin()
    replicas.clock.move(1)
    await wake(replicas.store, replicas.clock)
    await replicas.fail(await replicas.claim())
    await wake(replicas.store, replicas.clock)
    assert not await replicas.one.fresh()


async def test_a_signal_after_a_finished_round_leaves_it_fresh(replicas: Replicas):
    await replicas.one.begin()
    replicas.clock.move(1)
    await replicas.finish(await replicas.claim())
    await wake(replicas.store, replicas.clock)
    assert await replicas.one.fresh()


async def test_rounds_that_keep_failing_go_stale(replicas: Replicas):
    await replicas.one.begin()
    await replicas.finish(await replicas.claim())
    for _ in range(3):
        replicas.clock.move(30)
        assert await replicas.one.fresh()
        await replicas.fail(await replicas.claim())
    replicas.clock.move(1)
    assert not await replicas.one.fresh()
    await replicas.finish(await replicas.claim())
    assert await replicas.one.fresh()


async def test_a_signal_while_rounds_fail_does_not_hide_that(replicas: Replicas):
    await replicas.one.begin()
    await replicas.finish(await replicas.claim())
    replicas.clock.move(91)
    async with replicas.store.transaction() as tx:
        await tx.wake(Effect(RECONCILE, RECONCILE, replicas.clock.now()))
    assert not await replicas.one.fresh()

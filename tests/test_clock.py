"""A clock that follows another, over a real stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from bot.clock import FollowedClock, SystemClock, SystemIds

HOUR = 3600.0


class Leader:
    """The clock that is followed: what it sends, and how often it was asked."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.asked = 0

    def send(self, offset: object) -> None:
        self.lines.put_nowait(json.dumps({"offset_seconds": offset}).encode() + b"\n")

    def hang_up(self) -> None:
        self.lines.put_nowait(None)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        answer = web.StreamResponse()
        await answer.prepare(request)
        while (line := await self.lines.get()) is not None:
            await answer.write(line)
        return answer


@pytest.fixture
def leader() -> Leader:
    return Leader()


@pytest.fixture
async def clock(leader: Leader, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FollowedClock]:
    monkeypatch.setattr("bot.clock._RECONNECT_SECONDS", 0.0)
    app = web.Application()
    app.router.add_get("/clock/stream", leader.stream)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        clock = FollowedClock(str(server.make_url("/clock/")))
        following = asyncio.create_task(clock.follow(session))
        yield clock
        assert not following.done()
        following.cancel()
        leader.hang_up()
        await asyncio.gather(following, return_exceptions=True)


def ahead(clock: FollowedClock) -> float:
    return (clock.now() - SystemClock().now()).total_seconds()


async def moved(clock: FollowedClock) -> None:
    async with asyncio.timeout(10):
        await clock.wait(HOUR)


async def test_it_goes_with_the_computers_clock_until_told_otherwise():
    assert ahead(FollowedClock("http://127.0.0.1:1")) == pytest.approx(0, abs=5)


async def test_it_follows_every_move_and_whoever_waits_is_told(clock: FollowedClock, leader: Leader):
    for offset in (300.0, 2 * HOUR, 0.0):
        leader.send(offset)
        await moved(clock)
        assert ahead(clock) == pytest.approx(offset, abs=5)


async def test_everybody_who_waits_is_told(clock: FollowedClock, leader: Leader):
    waiting = [asyncio.create_task(moved(clock)) for _ in range(3)]
    await asyncio.sleep(0)
    leader.send(HOUR)
    await asyncio.gather(*waiting)


async def test_without_a_move_a_wait_ends_by_itself(clock: FollowedClock):
    async with asyncio.timeout(10):
        await clock.wait(0.01)
        await clock.wait(-5)


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(None, id="connection lost"),
        pytest.param(b"no json\n", id="no JSON"),
        pytest.param(b"[]\n", id="a list"),
        pytest.param(b"{}\n", id="no offset"),
        pytest.param(b'{"offset_seconds": "soon"}\n', id="offset in words"),
        pytest.param(b'{"offset_seconds": null}\n', id="offset of null"),
        pytest.param(b'{"offset_seconds": NaN}\n', id="not a number"),
        pytest.param(b'{"offset_seconds": 1e300}\n', id="past all time"),
    ],
)
async def test_after_a_lost_stream_or_nonsense_it_keeps_its_time_and_takes_the_stream_up_again(
    clock: FollowedClock, leader: Leader, nonsense: bytes | None
):
    leader.send(HOUR)
    await moved(clock)
    with capture_logs() as logs:
        leader.lines.put_nowait(nonsense)
        if nonsense is not None:
            leader.hang_up()
        leader.send(2 * HOUR)
        assert ahead(clock) == pytest.approx(HOUR, abs=5)
        await moved(clock)
    assert ahead(clock) == pytest.approx(2 * HOUR, abs=5)
    assert leader.asked == 2
    assert [line["event"] for line in logs] == ([] if nonsense is None else ["clock_lost"])


async def test_while_nobody_answers_it_keeps_trying(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.clock._RECONNECT_SECONDS", 0.0)
    clock = FollowedClock("http://127.0.0.1:1")
    async with aiohttp.ClientSession() as session:
        with capture_logs() as logs:
            following = asyncio.create_task(clock.follow(session))
            async with asyncio.timeout(10):
                while len(logs) < 2:  # noqa: ASYNC110 - a log has no event to wait for
                    await asyncio.sleep(0)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert {line["event"] for line in logs} == {"clock_lost"}


async def test_the_computers_clock_is_utc_and_waits():
    assert SystemClock().now().tzinfo is UTC
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=5)  # noqa: TID251 - to compare with
    await SystemClock().wait(-1)


def test_secrets_are_long_url_safe_and_each_another():
    made = {SystemIds().new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(43 <= len(one) <= 128 and one.isascii() and "/" not in one and "+" not in one for one in made)
    assert len({SystemIds().new_id() for _ in range(100)}) == 100

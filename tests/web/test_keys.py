from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from channel_samples import HandClock, jwk

from bot.domain.errors import UnavailableError
from bot.web.keys import FAILURE_PAUSE, LIFETIME, UNKNOWN_KID_PAUSE, ChannelKeys


@dataclass
class Issuer:
    """OpenID metadata and a key set on loopback, with faults on demand."""

    names: list[str] = field(default_factory=lambda: ["k1"])
    status: int = 200
    jwks_uri: Any = None
    document: Any = None
    fetched: int = 0
    base: str = ""
    hold: asyncio.Event | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def metadata(self, _request: web.Request) -> web.Response:
        self.fetched += 1
        self.asked.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.status != 200:
            return web.Response(status=self.status, headers={"Location": "/keys"})
        return web.json_response({"jwks_uri": self.jwks_uri or f"{self.base}/keys"})

    async def keys(self, _request: web.Request) -> web.Response:
        document = {"keys": [jwk(name, ["msteams"]) for name in self.names]}
        return web.json_response(document if self.document is None else self.document)


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    app = web.Application()
    app.add_routes([web.get("/openid", issuer.metadata), web.get("/keys", issuer.keys)])
    async with TestServer(app) as server:
        issuer.base = str(server.make_url("")).rstrip("/")
        yield issuer


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def keys(issuer: Issuer, clock: HandClock) -> AsyncIterator[ChannelKeys]:
    async with aiohttp.ClientSession() as session:
        yield ChannelKeys(session, f"{issuer.base}/openid", clock)


async def test_keys_are_fetched_once_a_day(keys: ChannelKeys, issuer: Issuer, clock: HandClock):
    assert set(await keys.current()) == {"k1"}
    clock.advance(LIFETIME - timedelta(seconds=1))
    await keys.current()
    assert issuer.fetched == 1
    issuer.names = ["k2"]
    clock.advance(timedelta(seconds=1))
    assert set(await keys.current()) == {"k2"}
    assert issuer.fetched == 2


async def test_a_hundred_who_wait_cause_one_fetch(keys: ChannelKeys, issuer: Issuer):
    issuer.hold = asyncio.Event()
    waiting = [asyncio.ensure_future(keys.current()) for _ in range(100)]
    await issuer.asked.wait()
    issuer.hold.set()
    assert {frozenset(found) for found in await asyncio.gather(*waiting)} == {frozenset({"k1"})}
    assert issuer.fetched == 1


async def test_a_rotation_is_noticed_at_once(keys: ChannelKeys, issuer: Issuer):
    before = await keys.current()
    issuer.names = ["k1", "k2"]
    assert set(await keys.refreshed(before)) == {"k1", "k2"}


async def test_made_up_key_ids_can_not_hammer_the_issuer(keys: ChannelKeys, issuer: Issuer, clock: HandClock):
    seen = await keys.current()
    for _ in range(50):
        seen = await keys.refreshed(seen)
    assert issuer.fetched == 2
    clock.advance(UNKNOWN_KID_PAUSE)
    await keys.refreshed(seen)
    assert issuer.fetched == 3


async def test_many_who_miss_the_same_key_cause_one_refresh(keys: ChannelKeys, issuer: Issuer):
    seen = await keys.current()
    issuer.names = ["k2"]
    found = await asyncio.gather(*(keys.refreshed(seen) for _ in range(20)))
    assert all(set(one) == {"k2"} for one in found)
    assert issuer.fetched == 2


async def test_a_failed_refresh_does_not_use_up_the_turn_of_the_next(
    keys: ChannelKeys, issuer: Issuer, clock: HandClock
):
    seen = await keys.current()
    issuer.status = 503
    assert await keys.refreshed(seen) is seen
    issuer.status, issuer.names = 200, ["k2"]
    assert await keys.refreshed(seen) is seen
    clock.advance(FAILURE_PAUSE)
    assert set(await keys.refreshed(seen)) == {"k2"}


async def test_old_keys_stay_in_use_while_the_issuer_is_down(
    keys: ChannelKeys, issuer: Issuer, clock: HandClock
):
    await keys.current()
    issuer.status = 500
    clock.advance(LIFETIME)
    assert set(await keys.current()) == {"k1"}
    assert set(await keys.current()) == {"k1"}
    assert issuer.fetched == 2, "and it is not asked again with every message"
    issuer.status, issuer.names = 200, ["k2"]
    clock.advance(FAILURE_PAUSE)
    assert set(await keys.current()) == {"k2"}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 500}, id="error"),
        pytest.param({"status": 302}, id="redirect"),
        pytest.param({"jwks_uri": "http://keys.example/keys"}, id="keys over plain http elsewhere"),
        pytest.param({"jwks_uri": 5}, id="jwks_uri is a number"),
        pytest.param({"jwks_uri": "keys"}, id="jwks_uri is relative"),
        pytest.param({"document": {"keys": []}}, id="no keys"),
        pytest.param({"document": []}, id="no key set"),
        pytest.param({"document": {"keys": [], "padding": "x" * (1 << 20)}}, id="too large"),
    ],
)
async def test_without_any_key_nothing_can_be_judged(
    keys: ChannelKeys, issuer: Issuer, clock: HandClock, fault: dict[str, Any]
):
    for name, value in fault.items():
        setattr(issuer, name, value)
    with pytest.raises(UnavailableError):
        await keys.current()
    with pytest.raises(UnavailableError):
        await keys.current()
    assert issuer.fetched == 1, "and it is not asked again with every message"
    issuer.status, issuer.jwks_uri, issuer.document = 200, None, None
    clock.advance(FAILURE_PAUSE)
    assert set(await keys.current()) == {"k1"}


async def test_an_issuer_that_is_not_there_is_unavailable(clock: HandClock, unused_tcp_port: int):
    async with aiohttp.ClientSession() as session:
        keys = ChannelKeys(session, f"http://127.0.0.1:{unused_tcp_port}/openid", clock)
        with pytest.raises(UnavailableError):
            await keys.current()

"""(a) Messages with a reply, token validation on: this bot against stock botbuilder, taking turns.

Both get the same bytes from the same load generator, a message as the sandbox's Teams sends it with a
channel token that the sandbox signed, and both reply through the sandbox's connector.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import web

import cards
from bot.demo.processes import DemoError, Stage
from bot.demo.remote import Remote
from bot.domain.replies import HelpReply
from tests.bench.figures import Row, spread
from tests.bench.rival import stock_bot

_CONNECTIONS: Final = 16
_AT_LEAST: Final = 30
_CREATED: Final = 201


@dataclass(frozen=True, slots=True)
class Sample:
    """A delivery as it came from the sandbox."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Load:
    """What one bot answered, over all its turns."""

    milliseconds: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.milliseconds) / self.seconds

    def shown(self) -> str:
        return f"{self.rate:,.0f} msg/s, {spread(self.milliseconds)} ({len(self.milliseconds):,} messages)"


async def compare(stage: Stage, remote: Remote, *, rounds: int, seconds: float, most: int) -> list[Row]:
    """``rounds`` of at most ``seconds`` and ``most`` messages for each bot."""
    own = f"{stage.bot.url}/api/messages"
    sample, reply = await _captured(remote), cards.render(HelpReply())
    await remote.post("teams/connect", {"messaging_endpoint": own})
    async with (
        stock_bot(stage, reply, public_roots=True) as stock,
        stock_bot(stage, reply, public_roots=False) as lean,
        _session() as session,
    ):
        loads = {own: Load(), stock: Load(), lean: Load()}
        for url in loads:
            await _drive(session, url, sample, Load(), 5.0, 2 * _CONNECTIONS)
        for _ in range(rounds):
            for url, load in loads.items():
                await _with_replies(remote, session, url, sample, load, seconds, most)
    return _rows(loads[own], loads[stock], loads[lean])


def _rows(own: Load, stock: Load, lean: Load) -> list[Row]:
    ratio = own.rate / stock.rate
    aim = f"at least {_AT_LEAST} times"
    return [
        Row("(a) message with reply, Second Key", own.shown()),
        Row("(a) message with reply, stock CloudAdapter", stock.shown()),
        Row("(a) throughput against stock", f"{ratio:.1f} times", aim, met=ratio >= _AT_LEAST, must=True),
        Row("(a) the same, stock without the public CA roots", lean.shown()),
        Row("(a) throughput against that", f"{own.rate / lean.rate:.1f} times"),
    ]


@asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield session


async def _captured(remote: Remote) -> Sample:
    """Let the sandbox deliver a message here, and keep it."""
    kept: list[Sample] = []

    async def keep(request: web.Request) -> web.Response:
        wanted = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        kept.append(Sample(wanted, await request.read()))
        return web.Response(status=_CREATED)

    app = web.Application()
    app.add_routes([web.post("/api/messages", keep)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages"
        await remote.post("teams/connect", {"messaging_endpoint": url})
        await remote.post("teams/message", {"user": "riley", "personal": True, "text": "hello"})
    finally:
        await runner.cleanup()
    return kept[0]


async def _with_replies(
    remote: Remote,
    session: aiohttp.ClientSession,
    url: str,
    sample: Sample,
    load: Load,
    seconds: float,
    most: int,
) -> None:
    """Drive, and see that every message was replied to. Raises ``DemoError``."""
    since, before = await remote.position(), len(load.milliseconds)
    await _drive(session, url, sample, load, seconds, most)
    lines = (await remote.get("log", since=since))["lines"]
    replies = sum(line["event"] in {"message_posted", "card_posted"} for line in lines)
    if replies != len(load.milliseconds) - before:
        raise DemoError(f"{len(load.milliseconds) - before} messages, but {replies} replies")


async def _drive(
    session: aiohttp.ClientSession, url: str, sample: Sample, load: Load, seconds: float, most: int
) -> None:
    """Every connection sends the next message when the last one is answered."""
    clock = asyncio.get_running_loop().time
    began = clock()
    left = iter(range(most))

    async def one_connection() -> None:
        for _ in left:
            sent = clock()
            async with session.post(url, data=sample.body, headers=sample.headers) as answer:
                if answer.status != _CREATED:
                    raise DemoError(f"{url}: {answer.status} {(await answer.text())[:200]}")
            load.milliseconds.append((clock() - sent) * 1000)
            if clock() - began >= seconds:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(_CONNECTIONS):
            group.create_task(one_connection())
    load.seconds += clock() - began

"""(d) Start-up until ``/readyz`` says so, and memory when idle."""

from __future__ import annotations

import asyncio
import statistics
from typing import Final

import psutil

from bot.demo.processes import DemoError, Stage
from tests.bench.figures import Row

_READY_SECONDS: Final = 3.0
_RESIDENT_MB: Final = 130
_MB: Final = 1_000_000


async def start_up(stage: Stage, *, warm: int) -> list[Row]:
    """Once with an empty database, then ``warm`` times again; leaves the bot running."""
    first = await stage.bot.start(stage.session)
    times = []
    for _ in range(warm):
        await stage.bot.stop()
        times.append(await stage.bot.start(stage.session))
    median = statistics.median(times)
    return [
        Row("(d) first start to ready, empty database", f"{first:.2f} s"),
        Row(
            "(d) warm start to ready",
            f"{median:.2f} s (median of {warm})",
            f"{_READY_SECONDS:.0f} s",
            met=median <= _READY_SECONDS,
        ),
    ]


async def memory(stage: Stage, when: str, *, idle_seconds: float) -> Row:
    """Of the bot's process, after it had nothing to do for a while."""
    await asyncio.sleep(idle_seconds)
    if stage.bot.process is None:
        raise DemoError("the bot is not running")
    used = psutil.Process(stage.bot.process.pid).memory_full_info()
    resident, unique = used.rss / _MB, used.uss / _MB
    return Row(
        f"(d) memory when idle, {when}",
        f"{resident:.0f} MB resident, {unique:.0f} MB of it unshared",
        f"{_RESIDENT_MB} MB resident",
        met=resident <= _RESIDENT_MB,
    )

"""``make bench``: measure, print a table, write ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from bot.demo.processes import DemoError, stage
from bot.demo.remote import Remote
from tests.bench import footprint, parsing, throughput, turnaround, typed, verdict
from tests.bench.figures import Row, markdown, show

_REPORT: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_SETTINGS: Final = {"SECONDKEY_POLL_SECONDS": "3600"}
"""Cards have to come from notifications, not from the poll."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured."""

    warm_starts: int
    rounds: int
    seconds: float
    most: int
    requests: int
    idle_seconds: float
    parses: int
    rows: int
    groups: int
    verdicts: int


_FULL: Final = Extent(
    warm_starts=3,
    rounds=2,
    seconds=4.0,
    most=10_000,
    requests=100,
    idle_seconds=3.0,
    parses=2000,
    rows=100_000,
    groups=2000,
    verdicts=20,
)
_QUICK: Final = Extent(
    warm_starts=1,
    rounds=1,
    seconds=1.0,
    most=500,
    requests=4,
    idle_seconds=0.2,
    parses=20,
    rows=4000,
    groups=100,
    verdicts=2,
)


async def measure(extent: Extent) -> list[Row]:
    """Every figure, in the order of the report. Raises ``DemoError``."""
    with tempfile.TemporaryDirectory(prefix="secondkey-bench-") as directory:
        async with stage(Path(directory), _SETTINGS) as set_up:
            remote = Remote(set_up.session, set_up.sandbox["http"])
            starts = await footprint.start_up(set_up, warm=extent.warm_starts)
            fresh = await footprint.memory(set_up, "after the start", idle_seconds=extent.idle_seconds)
            messages = await throughput.compare(
                set_up, remote, rounds=extent.rounds, seconds=extent.seconds, most=extent.most
            )
            await remote.post("teams/install")
            # The throughput comes first: the stock bot can't follow the sandbox's clock.
            turnarounds = await turnaround.measure(remote, requests=extent.requests)
            typing = await typed.measure(remote, requests=extent.requests)
            worked = await footprint.memory(set_up, "after all of this", idle_seconds=extent.idle_seconds)
            read = parsing.measure(rounds=extent.parses)
        # By itself: a large tenant beside the others would slow them down.
        judged = await verdict.measure(rows=extent.rows, groups=extent.groups, clicks=extent.verdicts)
    return [*messages, *turnarounds, *starts, fresh, worked, *read, *judged, *typing]


def machine() -> str:
    """The machine in words, without its name."""
    memory = round(psutil.virtual_memory().total / 2**30)
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory} GB of memory, {platform.system()},"
        f" Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return names[0].replace("(R)", "").strip() if names else platform.machine()


def report(rows: list[Row], date: str | None) -> str:
    when = f" on {date}" if date else ""
    return f"""\
<!-- Written by `make bench`; not to be edited. -->
# Benchmarks

Measured{when} with everything on one machine:
{machine()}.
Bot, sandbox, load generator and the stock bot shared its cores, so that the ratios and the time above the
sandbox say more than the absolute figures.

{markdown(rows)}

How it is measured:

- **(a)** 16 connections send a message that the sandbox signed (RS256), each the next one when the last is
  answered; the bot validates the token and replies through the sandbox's connector with the card of `help`,
  3.4 KB. Second Key is `secondkey serve`, which reads and logs the command and draws the card each time;
  stock is botbuilder's `CloudAdapter` with that card, drawn beforehand, and the same sandbox. They take
  turns, and every message must have had its reply. Stock makes a TLS session and asks for a token with
  every reply, and reads all trusted CA certificates each time. As it comes, it trusts the public roots
  (certifi's); that is the comparison which is judged. With a bundle of two certificates it is a good deal
  faster, and the ratio that much lower: both are shown beside it and not judged. Second Key reads its
  certificates once, at the start.
- **(b)** From the moment the sandbox sends the change notification until its connector has accepted the card.
  One request after the other; every one starts with cold caches, since the clock is moved on in between.
- **(c)** From the moment the sandbox sends the click until its connector has accepted the edited card, with
  the decision recorded in Graph by the approver's own token in between. Three approvers in turn.
- *Above the sandbox*: without the time during which the sandbox was working on some call of the bot's.
- **(d)** Time until `/readyz` answers 200, which includes migrations, tokens and a first reconciliation.
  Nine tenths of the memory are there before the first request: libraries and our own code, most of it
  SQLAlchemy, botbuilder, aiohttp, TLS and settings. What comes on top is room for messages under way,
  which the allocator keeps, compiled SQL and SQLite's pages.
- **(e)** In this process, nothing sent: the example of every command in the README's table, each many times.
- **(f)** The facts about one approver read through the real Graph adapter, and judged; nothing kept from one
  click to the next, but for the last row. The tenant is a sandbox of its own: the role has a twentieth of
  the rows, more than a page, and the approver, who has no path to it, is in 30 groups, four of which can
  have roles, and may activate a membership that opens another. A batch counts as one request. The time is
  mostly the sandbox's, on the same machine.
- **(g)** From the moment the sandbox sends the typed message; Graph's part and the policy read beforehand
  are the sandbox's. Withdrawn after each, and the clock moved on, so that every one starts with cold caches.

To repeat: `make bench`. It takes two minutes, needs no network, and exits 1 when the ratio of (a), one of
the latencies (b), (c) and (g) or the requests of (f) miss their aim.
"""


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument(
        "--quick", action="store_true", help="only see that it works: judges and writes nothing"
    )
    options.add_argument("--out", type=Path, help="where the report goes (default: docs/benchmarks.md)")
    options.add_argument("--date", help="to be named in the report")
    given = options.parse_args()
    try:
        rows = asyncio.run(measure(_QUICK if given.quick else _FULL))
    except DemoError as error:
        sys.stderr.write(f"The benchmark broke off: {error}\n")
        return 2
    show(rows)
    out = given.out or (None if given.quick else _REPORT)
    if out is not None:
        out.write_text(report(rows, given.date), encoding="utf-8")
    missed = any(row.must and row.met is False for row in rows)
    return 1 if missed and not given.quick else 0


if __name__ == "__main__":
    sys.exit(main())

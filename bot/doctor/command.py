"""``secondkey doctor``: load, look, tell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

from rich.console import Console

from bot import settings
from bot.doctor import report
from bot.doctor.findings import Result, exit_code
from bot.doctor.registry import CHECKS
from bot.doctor.running import Check, run_all
from bot.doctor.tools import TrustError, open_tools
from bot.settings import Settings, SettingsError

USAGE: Final = 2
NAMES: Final = tuple(check.name for check in CHECKS)


def examine(*, as_json: bool, only: Collection[str] = (), person: UUID | None = None) -> int:
    """Look at everything (or at some checks and what they need), print it, and return the exit code.
    ``person``: object id of whoever delegated permissions are tried as.
    """
    err = Console(stderr=True)
    try:
        loaded = settings.load()
        results = asyncio.run(look(loaded, chosen(only), err, person))
    except SettingsError as error:
        _tell_faults(error.faults, err, as_json=as_json)
        return USAGE
    except TrustError as error:
        _tell_faults([str(error)], err, as_json=as_json)
        return USAGE
    if as_json:
        print(report.as_json(results))  # noqa: T201 - what was asked for
    else:
        report.show(results, Console())
    return exit_code(results)


def chosen(only: Collection[str]) -> tuple[Check, ...]:
    """All checks, or those named with those they need."""
    if not only:
        return CHECKS
    wanted = set(only)
    for check in reversed(CHECKS):  # what is needed comes before what needs it
        if check.name in wanted:
            wanted |= set(check.needs)
    return tuple(check for check in CHECKS if check.name in wanted)


async def look(
    loaded: Settings, checks: Collection[Check], console: Console, person: UUID | None = None
) -> tuple[Result, ...]:
    """Progress goes to ``console`` when that is a terminal."""
    async with open_tools(loaded, person=str(person) if person else None) as tools:
        with console.status("Looking ...") as status:
            running: list[str] = []

            def progress(title: str, begun: bool) -> None:
                (running.append if begun else running.remove)(title)
                status.update(f"Looking at: {', '.join(running)}" if running else "Looking ...")

            return await run_all(checks, tools, progress)


def _tell_faults(faults: Iterable[str], err: Console, *, as_json: bool) -> None:
    if as_json:
        document = {"worst": "critical", "exit_code": USAGE, "checks": [], "settings": list(faults)}
        print(json.dumps(document, indent=2))  # noqa: T201 - what was asked for
        return
    err.print("These settings have to be put right first:")
    for fault in faults:
        err.print(f"  {fault}", markup=False)
    err.print("Every setting is explained in the README.")

"""Runs the checks side by side, each within its time; none that fails hides another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from bot.doctor.findings import Finding, Result, Severity, error, info
from bot.doctor.tools import Tools

_SECONDS: Final = 20.0

log = structlog.get_logger(__name__)

Look = Callable[[Tools], Awaitable[Iterable[Finding]]]


@dataclass(frozen=True, slots=True)
class Check:
    """``needs`` names checks without which this one can't tell anything."""

    name: str
    title: str
    look: Look
    tells: str
    needs: tuple[str, ...] = ()
    seconds: float = _SECONDS


Progress = Callable[[str, bool], None]
"""Called with a check's title when it begins (True) and when it is over (False)."""


async def run_all(checks: Iterable[Check], tools: Tools, progress: Progress) -> tuple[Result, ...]:
    """The results, in the order of ``checks``. Raises nothing that a check raises."""
    running: dict[str, asyncio.Task[Result]] = {}
    async with asyncio.TaskGroup() as group:
        for check in checks:
            needed = {name: running[name] for name in check.needs}
            running[check.name] = group.create_task(_one(check, tools, needed, progress), name=check.name)
    return tuple(task.result() for task in running.values())


async def _one(
    check: Check, tools: Tools, needed: Mapping[str, asyncio.Task[Result]], progress: Progress
) -> Result:
    failed = [result.title for task in needed.values() if (result := await task).worst >= Severity.ERROR]
    loop = asyncio.get_running_loop()
    began = loop.time()
    if failed:
        findings: tuple[Finding, ...] = (_skipped(check, failed),)
    else:
        progress(check.title, True)
        findings = await _found(check, tools)
        progress(check.title, False)
    return Result(check.name, check.title, findings, round(loop.time() - began, 3))


async def _found(check: Check, tools: Tools) -> tuple[Finding, ...]:
    try:
        async with asyncio.timeout(check.seconds):
            return tuple(await check.look(tools))
    except TimeoutError:
        return (
            error(
                f"{check.name}.no-answer",
                f"no answer within {check.seconds:g} seconds",
                "It is not known whether this works.",
                "Look whether this machine reaches Microsoft (proxy, firewall, DNS), and run it again.",
            ),
        )
    except Exception as failure:
        # The message may quote what a service answered; the log cleans it, and the report gets the type.
        log.warning("doctor_check_failed", check=check.name, exc_info=failure)
        return (
            error(
                f"{check.name}.failed",
                f"the check itself failed ({type(failure).__name__})",
                "It is not known whether this works.",
                "Run it again; if it stays so, report it with the lines that were logged.",
            ),
        )


def _skipped(check: Check, failed: list[str]) -> Finding:
    return info(f"{check.name}.skipped", f"not looked at, because of: {', '.join(failed)}")

"""Plays cases: cases that agree on settings share a sandbox and a bot, tidied up in between."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from bot.demo.cases import Case
from bot.demo.processes import DemoError, stage
from bot.demo.scene import Scene
from bot.demo.telling import Teller, step
from bot.demo.town import Town
from bot.store.reading import AuditReader, open_audit

_SETTINGS: Final = {"SECONDKEY_POLL_SECONDS": "1"}
_CACHED: Final = 61
_LONGEST_ACTIVATION: Final = 8 * 3600
_PATIENCE: Final = 15.0


async def play_cases(cases: Sequence[Case], teller: Teller) -> list[str]:
    """Play them all, whatever becomes of each. Returns the names of those that went wrong."""
    wrong: list[str] = []
    for _, group in groupby(sorted(cases, key=_told), key=_told):
        left = list(group)
        while left:
            # Where tidying up fails, the rest gets a clean stage.
            wrong += await _play_on_one_stage(left, teller)
    return wrong


def _told(case: Case) -> tuple[Any, ...]:
    """What the bot of a case is told."""
    return case.settings, case.toml


async def _play_on_one_stage(left: list[Case], teller: Teller) -> list[str]:
    """Play off the front of ``left`` until it is empty or the stage can't be tidied."""
    wrong = []
    async with _town(left[0], teller) as (town, log):
        while left:
            case = left.pop(0)
            teller.chapter(case.name, case.shows)
            if not await _play(case, town, teller, log):
                wrong.append(case.name)
            try:
                await _tidy(town, log)
            except DemoError as error:
                teller.failed("tidied", "The stage can't be cleaned up after this case", str(error))
                return wrong if case.name in wrong else [*wrong, case.name]
    return wrong


@asynccontextmanager
async def _town(case: Case, teller: Teller) -> AsyncIterator[tuple[Town, AuditReader]]:
    settings = dict(case.settings)
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="secondkey-demo-")))
        async with step(teller, "stage", "A sandbox tenant and a bot are up") as facts:
            set_up = await stack.enter_async_context(stage(directory, {**_SETTINGS, **settings}, case.toml))
            town = Town.of(set_up)
            facts["seconds_to_ready"] = round(await town.open(), 2)
            facts.update(settings | ({"secondkey.toml": case.toml.strip()} if case.toml else {}))
        yield town, await stack.enter_async_context(open_audit(set_up.bot.env["SECONDKEY_DATABASE_URL"]))


async def _play(case: Case, town: Town, teller: Teller, log: AuditReader) -> bool:
    try:
        async with AsyncExitStack() as undo:
            await case.play(Scene(town, teller, log, undo))
    except DemoError:
        return False  # the step that broke off has said why
    except Exception as error:  # noqa: BLE001 (one case's trouble is not the others')
        teller.failed("broke-off", "The case broke off", f"{type(error).__name__}: {error}")
        return False
    return True


async def _tidy(town: Town, log: AuditReader) -> None:
    """Nothing is pending, held or broken any more. Raises ``DemoError``."""
    await town.remote.delete("faults")
    state = await town.remote.get("state")
    for request in state["requests"]:
        if request["status"].startswith("Pending"):
            await town.remote.post("portal/cancel", {"request": request["id"]})
            await _settled(request["id"], town, log)
    active = any(entry["activated"] for entry in state["assignments"]) or state["group_assignments"]
    # So that nothing the bot has read for this case counts for the next, or is held still.
    await town.remote.post("clock/advance", {"seconds": _LONGEST_ACTIVATION if active else _CACHED})


async def _settled(request: str, town: Town, log: AuditReader) -> None:
    for _ in range(int(_PATIENCE * 10)):
        if any(line.event == "request.settled-elsewhere" for line in await log.trail(request)):
            return
        await town.remote.get("log", since=await town.remote.position(), wait=0.1)
    raise DemoError(f"the bot did not notice that {request} was withdrawn")

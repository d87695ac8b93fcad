"""Plays the demo: sets the stage, tells the story, cleans up."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from bot.demo import playing
from bot.demo.cases import GROUPS, Case
from bot.demo.processes import DemoError, Stage, stage
from bot.demo.story import Story
from bot.demo.telling import AsJson, OnTerminal, Teller, step
from bot.demo.town import Town

_FAILED: Final = 1
_INTERRUPTED: Final = 130


def play_cases(cases: Sequence[Case], *, script: bool) -> int:
    """Play cases by name. Returns the exit code as ``play`` does."""
    return asyncio.run(_until_interrupted(_play_cases(cases, _teller(script=script)), stay=False))


def list_cases(*, script: bool) -> None:
    """Print every case, grouped; with ``script`` as JSON lines."""
    _teller(script=script).index(GROUPS)


def play(*, script: bool, stay: bool) -> int:
    """Play the story (``script``: as JSON lines), or leave everything running (``stay``) until
    Ctrl-C. Returns the exit code: 0, 1 when a step did not happen, 130 when interrupted.
    """
    return asyncio.run(_until_interrupted(_play(_teller(script=script), stay=stay), stay=stay))


def _teller(*, script: bool) -> Teller:
    return AsJson() if script else OnTerminal()


async def _until_interrupted(work: Coroutine[Any, Any, int], *, stay: bool) -> int:
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        print("Stopped.", file=sys.stderr)
        return 0 if stay else _INTERRUPTED


async def _play_cases(cases: Sequence[Case], teller: Teller) -> int:
    try:
        wrong = await playing.play_cases(cases, teller)
    except DemoError as error:
        print(f"The cases broke off: {error}", file=sys.stderr)
        return _FAILED
    went = f"Not as it should: {', '.join(wrong)}." if wrong else "Each as it should."
    teller.says("1 case played" if len(cases) == 1 else f"{len(cases)} cases played", went)
    return _FAILED if wrong else 0


async def _play(teller: Teller, *, stay: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="secondkey-demo-") as directory:
        try:
            async with AsyncExitStack() as stack:
                async with step(teller, "sandbox-ready", "A sandbox tenant is up") as facts:
                    set_up = await stack.enter_async_context(stage(Path(directory)))
                    facts["sandbox"] = set_up.sandbox["http"]
                    facts["people"] = ", ".join(one["name"] for one in set_up.sandbox["users"].values())
                story = Story(Town.of(set_up), teller)
                if stay:
                    await _stay(story, set_up, teller)
                await story.play()
        except DemoError as error:
            print(f"The story broke off: {error}", file=sys.stderr)
            return _FAILED
    teller.says("That was the main job, end to end", _AFTERWARDS)
    return 0


async def _stay(story: Story, set_up: Stage, teller: Teller) -> None:
    await story.open_up()
    teller.says("Sandbox and bot are running. Ctrl-C stops both.", _how_to_poke(set_up))
    await asyncio.Event().wait()


_AFTERWARDS: Final = """\
Everything ran over HTTP with signed tokens: Entra, Graph, the Bot
Connector and the token service were the sandbox, the bot was the real one.
To look around yourself: make demo ARGS=--serve"""


def _how_to_poke(set_up: Stage) -> str:
    people = "\n".join(f"  {key:<7}{one['persona']}" for key, one in set_up.sandbox["users"].items())
    return f"""\
The bot:         {set_up.bot.url}  (GET /healthz, /readyz)
The sandbox:     {set_up.sandbox["http"]}  (Graph, connector, token service, remote control)
Entra (https):   {set_up.sandbox["login"]}, trusted by {set_up.sandbox["ca_bundle"]}
The bot's log:   {set_up.bot.log}

In another terminal:
  S={set_up.sandbox["http"]}/_sandbox

  # ask for a role, as if in the portal
  curl -s $S/portal/activate -d '{_WISH}'
  # see the cards of the approver channel; each has an id
  curl -s "$S/teams/activities?channel=approvers&history=0"
  # click as somebody
  curl -s $S/teams/click -d '{_CLICK}'
  # move the clock five minutes, and read what ops got
  curl -s $S/clock/advance -d '{{"seconds": 300}}'
  curl -s "$S/teams/activities?channel=ops&history=0"
  # break something: status, retry_after, delay_seconds, drop, after, times
  curl -s $S/faults -d '{_FAULT}'
  # look whether everything is well (this tenant has faults on purpose; a healthy one:
  # secondkey doctor --sandbox)
  (set -a; . {set_up.bot.settings_file}; secondkey doctor)
  # read everything that happened
  curl -s "$S/log?since=0"

Who is who:
{people}
"""


_WISH: Final = (
    '{"user": "riley", "role": "Security Administrator", "duration": "PT2H", "justification": "because"}'
)
_CLICK: Final = '{"user": "alex", "activity_id": "ID", "verb": "approve", "inputs": {"reason": "checked"}}'
_FAULT: Final = '{"service": "graph", "match": "PATCH", "status": 503, "times": 1}'

"""Plays the demo: sets the stage, tells the story, cleans up."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from bot.demo.processes import DemoError, Stage, stage
from bot.demo.remote import Remote
from bot.demo.story import Story
from bot.demo.telling import AsJson, OnTerminal, Teller, step

_FAILED: Final = 1
_INTERRUPTED: Final = 130


def play(*, script: bool, stay: bool) -> int:
    """Play the story (``script``: as JSON lines), or leave everything running (``stay``) until
    Ctrl-C. Returns the exit code: 0, 1 when a step did not happen, 130 when interrupted.
    """
    teller: Teller = AsJson() if script else OnTerminal()
    return asyncio.run(_until_interrupted(teller, stay=stay))


async def _until_interrupted(teller: Teller, *, stay: bool) -> int:
    task = asyncio.create_task(_play(teller, stay=stay))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        print("Stopped.", file=sys.stderr)
        return 0 if stay else _INTERRUPTED


async def _play(teller: Teller, *, stay: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="secondkey-demo-") as directory:
        try:
            async with AsyncExitStack() as stack:
                async with step(teller, "sandbox-ready", "A sandbox tenant is up") as facts:
                    set_up = await stack.enter_async_context(stage(Path(directory)))
                    facts["sandbox"] = set_up.sandbox["http"]
                    facts["people"] = ", ".join(one["name"] for one in set_up.sandbox["users"].values())
                story = Story(set_up, Remote(set_up.session, set_up.sandbox["http"]), teller)
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
    remote, bot = f"{set_up.sandbox['http']}/_sandbox", set_up.bot.url
    people = "\n".join(f"  {key:<7}{one['persona']}" for key, one in set_up.sandbox["users"].items())
    return f"""\
The bot:           {bot}  (GET /healthz, /readyz)
The sandbox:       {set_up.sandbox["http"]}
Entra (https):     {set_up.sandbox["login"]}
Its authority:     {set_up.sandbox["ca_bundle"]}
The bot's log:     {set_up.bot.log}

Ask for a role, as if in the portal:
  curl -s {remote}/portal/activate -d '{{"user": "riley", "role": "Security Administrator",
    "duration": "PT2H", "justification": "because", "ticket": "INC1"}}'
See the cards of the approver channel (each has an id):
  curl -s '{remote}/teams/activities?channel=approvers'
Click as somebody:
  curl -s {remote}/teams/click -d '{{"user": "alex", "activity_id": "ID", "verb": "approve",
    "inputs": {{"reason": "checked"}}}}'
Move the clock five minutes, read what ops got, read the log:
  curl -s {remote}/clock/advance -d '{{"seconds": 300}}'
  curl -s '{remote}/teams/activities?channel=ops'
  curl -s '{remote}/log?since=0'
Break something (429, 503, slow …):
  curl -s {remote}/faults -d '{{"service": "graph", "match": "PATCH", "status": 503, "times": 1}}'

Who is who:
{people}"""

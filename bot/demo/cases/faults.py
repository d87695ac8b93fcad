"""The network fails, services are busy, the bot dies: one decision all the same, and no false word."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from bot.demo.cases._case import Case
from bot.demo.cases._lines import decided, not_sent
from bot.demo.processes import DemoError
from bot.demo.scene import Scene


async def _approved_through(scene: Scene, title: str, service: str, match: str, **how: Any) -> None:
    asked = await scene.ask()
    await scene.change(title, lambda: scene.fault(service, match, **how))
    await scene.decided("alex", asked)
    await scene.audited(asked, *decided("alex"))


async def lost_answer(scene: Scene) -> None:
    await _approved_through(
        scene, "Graph's answer to the decision will be lost", "graph", "PATCH ", drop=True, after=True
    )


async def lost_decision(scene: Scene) -> None:
    await _approved_through(scene, "The decision will not reach Graph", "graph", "PATCH ", drop=True)


async def busy(scene: Scene) -> None:
    await _approved_through(
        scene, "Graph is busy: 429, in one second again", "graph", "PATCH ", status=429, retry_after=1
    )


async def token_service_down(scene: Scene) -> None:
    asked = await scene.ask()
    await scene.change(
        "The token service is down", lambda: scene.fault("token", "GET ", status=503, times=None)
    )
    await scene.told("alex", asked, "Nothing was recorded: try again")
    await scene.pending(asked)
    await scene.change("It is up again", lambda: scene.town.remote.delete("faults"))
    await scene.decided("alex", asked, "deny", "on second thoughts")
    await scene.audited(
        asked, not_sent("alex", "what a decision relies on can be read"), *decided("alex", "Deny")
    )


async def keys_rotated(scene: Scene) -> None:
    asked = await scene.ask()

    async def rotate() -> None:
        await scene.town.remote.post("keys/rotate", {"which": "channel", "retire": True})
        await scene.town.remote.post("keys/rotate", {"which": "entra", "retire": True})
        await scene.town.remote.post("tokens/expire")

    await scene.change("Signing keys are replaced, and every token of the bot expires", rotate)
    await scene.decided("alex", asked)
    await scene.audited(asked, *decided("alex"))


async def killed(scene: Scene) -> None:
    """The bot dies after Graph took the decision and before it heard so."""
    asked = await scene.ask()
    held = await scene.fault("graph", "PATCH ", drop=True, after=True, delay_seconds=2)
    async with scene.step("killed", "Alex clicks Approve; the bot is killed before Graph's answer is here"):
        clicking = asyncio.create_task(scene.town.click("alex", asked.card))
        await scene.town.fault_met(held)
        await scene.town.bot.kill()
        with contextlib.suppress(DemoError):
            await clicking
    async with scene.step("restarted", "The bot starts again and asks Graph what became of it") as facts:
        facts["seconds_to_ready"] = round(await scene.town.bot.start(scene.town.stage.session), 2)
    await scene.recorded("alex", asked, "approved")
    await scene.audited(asked, *decided("alex"))


CASES = (
    Case("lost-answer", "Graph took the decision, and its answer is lost", lost_answer),
    Case("lost-decision", "The decision is lost before Graph has it, and is sent again", lost_decision),
    Case("busy", "Graph answers 429 and is asked again", busy),
    Case("token-service-down", "No token can be had: nothing is sent, and the card says so",
         token_service_down),
    Case("keys-rotated", "Signing keys rotate and tokens expire without anybody noticing", keys_rotated),
    Case("killed", "The bot is killed in the middle of a decision and finds out what became of it", killed),
)  # fmt: skip

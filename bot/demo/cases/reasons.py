"""Approvers say why where the role's policy asks for it."""

from __future__ import annotations

from bot.demo.cases._case import Case
from bot.demo.cases._lines import decided, not_sent
from bot.demo.processes import DemoError
from bot.demo.scene import ROLE, Asked, Scene

_ASKS = "Exchange Administrator"
_RULE = "a reason is given where one is required"
_CACHED = 11.0


async def _card_insists(scene: Scene, asked: Asked) -> None:
    async with scene.step("clicked", "Alex clicks Approve without a reason: the card does not send it") as f:
        try:
            await scene.town.click("alex", asked.card, reason="")
        except DemoError as refused:
            f["client_said"] = str(refused).partition(": ")[2]
        else:
            raise DemoError("the card was sent without a reason")


async def required(scene: Scene) -> None:
    asked = await scene.ask(_ASKS)
    await _card_insists(scene, asked)
    await scene.told("alex", asked, "asks for a reason", reason="", force=True)
    await scene.pending(asked)
    await scene.decided("alex", asked, "deny", "the maintenance window is tomorrow")
    await scene.audited(asked, not_sent("alex", _RULE), *decided("alex", "Deny"))


async def required_meanwhile(scene: Scene) -> None:
    asked = await scene.ask()
    await scene.change(
        "The policy now asks approvers for a reason", lambda: scene.policy(ROLE, approver_justification=True)
    )
    await scene.later(_CACHED, "the policy is read again at the click")
    await scene.told("alex", asked, "asks for a reason", reason="   ")
    await scene.decided("alex", asked, "deny", "now with a reason")
    await scene.audited(asked, not_sent("alex", _RULE), *decided("alex", "Deny"))


async def to_deny(scene: Scene) -> None:
    asked = await scene.ask()
    await scene.told("alex", asked, "Say why you deny it", verb="deny", reason="", force=True)
    await scene.pending(asked)
    await scene.decided("alex", asked, "deny", "not during the freeze")
    await scene.audited(asked, not_sent("alex", _RULE), *decided("alex", "Deny"))


CASES = (
    Case("reason-required", "Where the policy asks for it, a reason is demanded by card and bot", required),
    Case("reason-to-deny", "A denial needs a reason, whatever the policy says", to_deny),
    Case("reason-required-meanwhile", "Also when the policy asks since the card was posted",
         required_meanwhile),
)  # fmt: skip

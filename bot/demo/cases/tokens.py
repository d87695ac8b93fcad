"""Whose token it is: a decision is made by the clicker's own, or not at all."""

from __future__ import annotations

from bot.demo.cases._case import Case
from bot.demo.cases._lines import decided, not_sent
from bot.demo.scene import Line, Scene


async def of_another(scene: Scene) -> None:
    """The token service hands out Sam's token for Alex."""
    asked = await scene.ask()
    await scene.change("The token service mixes Alex up with Sam", lambda: _mix_up(scene, {"alex": "sam"}))
    await scene.told("alex", asked, "another account's than this Teams user")
    await scene.pending(asked)
    await scene.change("It is put right", lambda: _mix_up(scene, {}))
    await scene.decided("alex", asked, "deny", "now as myself")
    await scene.audited(
        asked,
        Line("attack.token-of-another", who="alex", as_whom="sam"),
        not_sent("alex", "the token is the clicker's own"),
        *decided("alex", "Deny"),
    )


async def _mix_up(scene: Scene, people: dict[str, str]) -> None:
    remote = scene.town.remote
    scene.undo.push_async_callback(remote.post, "teams/settings", {"mixed_up": {}})
    await remote.post("teams/settings", {"mixed_up": people})


CASES = (
    Case("token-of-another", "The token service hands out somebody else's token: refused as an attack",
         of_another),
)  # fmt: skip

"""Two at once, or too late: one decision in Graph, and the truth on every card."""

from __future__ import annotations

import asyncio

from bot.demo.cases._case import Case
from bot.demo.cases._lines import decided, not_sent
from bot.demo.remote import brief
from bot.demo.scene import Asked, Line, Scene
from bot.demo.town import must, shown

_OPEN = "the request is open in PIM"
_DAY = 24 * 3600


async def _both(scene: Scene, asked: Asked, first: str, second: str) -> tuple[str, str]:
    """Alex and Emery click at the same time. Returns winner and loser, each told the truth."""
    title = f"Within a millisecond Alex clicks {first.capitalize()} and Emery {second.capitalize()}"
    async with scene.step("clicked", title) as facts:
        answers = await asyncio.gather(
            scene.town.click("alex", asked.card, first), scene.town.click("emery", asked.card, second)
        )
        told = dict(zip(("alex", "emery"), map(shown, answers), strict=True))
        reviewer = (await scene.town.graph(asked.id))["approval"]["reviewedBy"]["id"]
        winner, loser = ("alex", "emery") if reviewer == scene.town.id_of("alex") else ("emery", "alex")
        must("Recorded: you" in told[winner], f"the winner was told: {told[winner]}")
        must("Recorded: you" not in told[loser], f"the loser was told: {told[loser]}")
        must(scene.name(winner) in told[loser], f"the loser is not told who won: {told[loser]}")
        facts["won"], facts["loser_was_told"] = scene.name(winner), brief(told[loser])
    return winner, loser


async def two_approvers(scene: Scene) -> None:
    asked = await scene.ask()
    winner, loser = await _both(scene, asked, "approve", "approve")
    await scene.recorded(winner, asked, "approved")
    await scene.audited(asked, *decided(winner), also=(not_sent(loser),))


async def deny_against_approve(scene: Scene) -> None:
    asked = await scene.ask()
    winner, loser = await _both(scene, asked, "approve", "deny")
    choice = "Approve" if winner == "alex" else "Deny"
    await scene.recorded(winner, asked, "approved" if winner == "alex" else "denied")
    await scene.audited(asked, *decided(winner, choice), also=(not_sent(loser),))


async def click_delivered_twice(scene: Scene) -> None:
    asked = await scene.ask()
    async with scene.step("clicked", "Alex' one click on Approve arrives twice") as facts:
        answers = await asyncio.gather(*(scene.town.click("alex", asked.card) for _ in range(2)))
        told = [shown(answer) for answer in answers]
        must(any("Recorded: you approved" in one for one in told), f"told: {told}")
        facts["told"] = [brief(one, 100) for one in told]
    await scene.recorded("alex", asked, "approved")
    await scene.audited(asked, *decided("alex"), also=(not_sent("alex"),))


async def portal_meanwhile(scene: Scene) -> None:
    """Graph answers 409, which is an outcome and no error."""
    asked = await scene.ask()
    fault = await scene.fault("graph", "PATCH ", delay_seconds=0.5)
    async with scene.step("clicked", "Alex clicks Approve; before it reaches Graph, Emery denies there") as f:
        clicking = asyncio.create_task(scene.town.click("alex", asked.card))
        await scene.town.fault_met(fault)
        await scene.town.decide_in_portal("emery", asked.id, "Deny", "no")
        said = shown(await clicking)
        must("already decided" in said and scene.name("emery") in said, f"Alex was told: {said}")
        sent = await scene.town.patches(asked.id)
        must([one["status"] for one in sent] == [409], f"Graph answered {sent}")
        f["told"], f["graph_answered"] = brief(said), 409
    await scene.closed(asked, "Denied", scene.name("emery"))
    await scene.audited(
        asked,
        decided("alex")[0],
        Line("request.settled-elsewhere", who="emery", facts={"choice": "Deny"}),
    )


async def after_withdrawal(scene: Scene) -> None:
    asked = await scene.ask()
    await scene.change(
        "Riley withdraws the request in the portal",
        lambda: scene.town.remote.post("portal/cancel", {"user": "riley", "request": asked.id}),
    )
    await scene.stale("alex", asked, "no longer open")
    await scene.closed(asked, "Withdrawn")
    settled = Line("request.settled-elsewhere", facts={"event": "withdraw"})
    await scene.audited(asked, also=(not_sent("alex", _OPEN), settled))


async def after_expiry(scene: Scene) -> None:
    asked = await scene.ask()
    await scene.later(_DAY + 1, "PIM lets the request lapse")
    await scene.stale("alex", asked, "no longer open")
    await scene.closed(asked, "Lapsed")
    settled = Line("request.settled-elsewhere", facts={"event": "expire"})
    await scene.audited(asked, also=(not_sent("alex", _OPEN), settled))


async def after_decision(scene: Scene) -> None:
    asked = await scene.ask()
    await scene.decided("alex", asked)
    await scene.stale("emery", asked, "already decided", scene.name("alex"), verb="deny")
    await scene.audited(asked, *decided("alex"), not_sent("emery", "decided once"))


async def not_found(scene: Scene) -> None:
    """Graph answers 404, which closes nothing by itself: its replicas may not agree yet."""
    asked = await scene.ask()
    await scene.change(
        "Graph no longer finds the approval",
        lambda: scene.fault("graph", "GET .*roleAssignmentApprovals/", status=404),
    )
    await scene.told("alex", asked, "no longer open")
    await scene.pending(asked)
    await scene.decided("emery", asked, "deny", "found again")
    await scene.audited(asked, not_sent("alex", _OPEN, as_whom="alex"), *decided("emery", "Deny"))


CASES = (
    Case("two-approvers", "Two approve within a millisecond: one decision, the other told who won",
         two_approvers),
    Case("deny-against-approve", "One approves, one denies at the same time: the first counts",
         deny_against_approve),
    Case("click-delivered-twice", "One click arrives twice: one decision", click_delivered_twice),
    Case("portal-meanwhile", "The portal decides while a click is on its way: 409 is an outcome",
         portal_meanwhile),
    Case("after-withdrawal", "A click after the requester took it back", after_withdrawal),
    Case("after-expiry", "A click after PIM let it lapse", after_expiry),
    Case("after-decision", "A click on a card that was decided meanwhile", after_decision),
    Case("not-found", "Graph does not find the approval: 404 is an outcome, and closes nothing", not_found),
)  # fmt: skip

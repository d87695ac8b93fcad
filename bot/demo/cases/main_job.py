"""What happens every day."""

from __future__ import annotations

from functools import partial

from bot.demo.cases._case import Case
from bot.demo.cases._lines import decided
from bot.demo.scene import Asked, Line, Scene
from bot.demo.town import must


async def approve(scene: Scene) -> None:
    asked = await scene.ask(why="Phishing wave", ticket="INC0012345")
    await scene.decided("alex", asked)
    await scene.audited(asked, Line("request.taken-in", who="riley"), *decided("alex"))


async def deny(scene: Scene) -> None:
    asked = await scene.ask()
    await scene.decided("emery", asked, "deny", "not during the freeze")
    await scene.audited(asked, *decided("emery", "Deny"))


async def overdue(scene: Scene) -> None:
    asked = await scene.ask()
    since = await scene.town.remote.position()
    await scene.later(301, "nobody has answered")
    await scene.ops_read(since, "nobody has answered for 5 minutes")
    await scene.closed(asked, "Overdue")
    await scene.decided("alex", asked, "deny", "too late for tonight")
    await scene.audited(
        asked, Line("request.escalated", facts={"rung": 1, "cause": "unanswered"}), *decided("alex", "Deny")
    )


async def nobody_can(scene: Scene) -> None:
    since = await scene.town.remote.position()
    asked = await scene.ask("Conditional Access Administrator")
    await scene.ops_read(since, "Nobody in the approver pool may decide")
    await scene.refused("blake", asked, "You are eligible for this role yourself")
    await scene.audited(
        asked,
        Line("request.escalated", facts={"cause": "empty-pool"}),
        also=(Line("decision.refused", who="blake", rule="eligible-directly", judged=True),),
    )


async def in_the_portal(scene: Scene) -> None:
    await denied_in_the_portal(scene, await scene.ask())


async def denied_in_the_portal(scene: Scene, asked: Asked) -> None:
    """The rest of the case, whatever was asked for."""
    deny = partial(scene.town.decide_in_portal, "emery", asked.id, "Deny", "no")
    await scene.change("Emery denies it in the portal", deny)
    await scene.closed(asked, "Denied outside this channel")
    await scene.audited(asked, Line("request.settled-elsewhere", facts={"choice": "Deny"}))


async def old_client(scene: Scene) -> None:
    """A client that knows no Action.Execute sends its fallback, a message."""
    asked = await scene.ask()
    async with scene.step("clicked", "Alex clicks Approve in an old Teams client") as facts:
        answer = await scene.town.click("alex", asked.card, as_submit=True)
        must(answer["status"] in {200, 201, 202}, f"the bot answered {answer}")
        facts["bot_answered"] = answer["status"]
    await scene.recorded("alex", asked, "approved")
    await scene.audited(asked, *decided("alex"))


CASES = (
    Case("approve", "An approver without a conflict approves, by their own token", approve),
    Case("deny", "One denies, with a reason", deny),
    Case("overdue", "Nobody answers for five minutes: ops are pinged, and the card says so", overdue),
    Case("nobody-can", "Every approver has a conflict: ops hear of it at once", nobody_can),
    Case("old-client", "A client without Universal Actions decides as well", old_client),
    Case("in-the-portal", "A decision made in the portal reaches the card", in_the_portal),
)

"""Dual control: a role that takes two approvals, where PIM takes the first."""

from __future__ import annotations

from functools import partial

from bot.demo.cases._case import Case
from bot.demo.cases._lines import decided
from bot.demo.scene import ROLE, Asked, Line, Scene
from bot.demo.town import must

_TWO = f'[roles."{ROLE}"]\nquorum = 2\n'
_COUNTED = "Your approval is counted"


def _voted(who: str) -> Line:
    return Line("decision.vote-counted", who=who, as_whom=who, rule="not the requester", judged=True)


async def _joint(scene: Scene, asked: Asked, *people: str) -> None:
    async with scene.step("joint", "Graph's justification names everybody who approved") as facts:
        justification = (await scene.town.graph(asked.id))["approval"]["justification"]
        for one in people:
            must(scene.name(one) in justification, f"{scene.name(one)} is not in: {justification}")
            must(
                scene.town.id_of(one) in justification, f"{scene.town.id_of(one)} is not in: {justification}"
            )
        facts["graph_says"] = justification


async def two(scene: Scene) -> None:
    asked = await scene.ask()
    await scene.told("alex", asked, _COUNTED, reason="seen with the SOC")
    await scene.pending(asked)
    await scene.decided("emery", asked)
    await _joint(scene, asked, "alex", "emery")
    await scene.audited(asked, _voted("alex"), *decided("emery"))


async def twice(scene: Scene) -> None:
    asked = await scene.ask()
    await scene.told("alex", asked, _COUNTED)
    await scene.stale("alex", asked, "You have approved already")
    await scene.pending(asked)
    await scene.decided("emery", asked, "deny", "once is not enough")
    line = Line("decision.not-sent", who="alex", as_whom="alex", rule="one person is one approval")
    await scene.audited(asked, _voted("alex"), line, *decided("emery", "Deny"))


async def one_denies(scene: Scene) -> None:
    asked = await scene.ask()
    await scene.told("alex", asked, _COUNTED)
    await scene.decided("emery", asked, "deny", "not during the freeze")
    await scene.audited(asked, _voted("alex"), *decided("emery", "Deny"))


async def conflicted_since(scene: Scene) -> None:
    """Alex' vote counts no more once Alex is eligible; Emery's is the first, Dana's the second."""
    asked = await scene.ask()
    await scene.told("alex", asked, _COUNTED)
    await scene.change("Alex is made eligible for the role", partial(scene.eligible, "alex"))
    await scene.later(11, "what was read before no longer counts")
    await scene.told("emery", asked, _COUNTED)
    await scene.decided("dana", asked)
    await _joint(scene, asked, "emery", "dana")
    await scene.audited(
        asked, _voted("alex"), Line("decision.vote-dropped"), _voted("emery"), *decided("dana")
    )


async def in_the_portal(scene: Scene) -> None:
    """PIM can't enforce the second approval, so ops hear of it."""
    asked = await scene.ask()
    await scene.told("alex", asked, _COUNTED)
    since = await scene.town.remote.position()
    approve = partial(scene.town.decide_in_portal, "emery", asked.id, "Approve", "sure")
    await scene.change("Emery approves in the portal", approve)
    await scene.ops_read(since, "Approved elsewhere with 1 of 2 approvals")
    # Whether the role is usable by then or not, which the card goes on to say.
    await scene.closed(asked, "Approved by", "Microsoft Graph did not say who")
    await scene.audited(
        asked,
        _voted("alex"),
        Line("request.settled-elsewhere", facts={"choice": "Approve"}),
        Line("request.escalated", facts={"cause": "quorum-bypassed"}),
    )


CASES = (
    Case("two-approvals", "The first is counted, the second is sent with both names", two, toml=_TWO),
    Case("approving-twice", "One person is one approval, however often they click", twice, toml=_TWO),
    Case("denying-alone", "A denial needs nobody else's", one_denies, toml=_TWO),
    Case("portal-before-quorum", "An approval in the portal before the second one: ops are alerted",
         in_the_portal, toml=_TWO),
    Case("vote-of-a-conflicted", "An approval counts no more when its voter has a conflict by then",
         conflicted_since, toml=_TWO),
)  # fmt: skip

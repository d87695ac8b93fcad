"""PIM for Groups: membership of a group asked for, under the same rules and on the same cards."""

from __future__ import annotations

from bot.demo.cases._case import Case
from bot.demo.cases._lines import decided
from bot.demo.cases.main_job import denied_in_the_portal
from bot.demo.scene import Asked, Line, Scene

_OPERATORS, _VAULT = "Application Operators", "Finance Vault"


async def _ask(scene: Scene, group: str) -> Asked:
    return await scene.ask(f"membership of {group}", group=group)


async def membership(scene: Scene) -> None:
    asked = await _ask(scene, _OPERATORS)
    await scene.closed(asked, "Member of Application Operators", "can take over the whole organisation")
    await scene.decided("alex", asked)
    await scene.audited(asked, Line("request.taken-in", who="riley"), *decided("alex"))


async def eligible(scene: Scene) -> None:
    asked = await _ask(scene, _OPERATORS)
    await scene.refused("blake", asked, "You are eligible for this role yourself")
    await scene.decided("emery", asked, "deny", "not needed after all")
    await scene.audited(
        asked,
        Line("decision.refused", who="blake", rule="eligible-directly", judged=True),
        *decided("emery", "Deny"),
    )


async def eligible_by_way_of_groups(scene: Scene) -> None:
    asked = await _ask(scene, _VAULT)
    await scene.refused("dana", asked, "Technology")
    await scene.decided("emery", asked, "deny", "not needed after all")
    await scene.audited(
        asked,
        Line("decision.refused", who="dana", rule="eligible-through-nested-groups", judged=True),
        *decided("emery", "Deny"),
    )


async def in_the_portal(scene: Scene) -> None:
    await denied_in_the_portal(scene, await _ask(scene, _VAULT))


CASES = (
    Case(
        "group-membership",
        "Membership of a group is approved, as dangerous as the roles it brings",
        membership,
    ),
    Case("group-eligible", "Who is eligible for the membership does not decide on it", eligible),
    Case(
        "group-by-way-of-groups",
        "Nor who gets into the group by way of groups that are eligible for it",
        eligible_by_way_of_groups,
    ),
    Case("group-in-the-portal", "A portal decision on a membership reaches the card", in_the_portal),
)

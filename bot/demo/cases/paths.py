"""Every way to a role counts: groups within groups, memberships that can be activated, scopes, times."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot.demo.cases._case import Case
from bot.demo.cases._lines import decided
from bot.demo.cases.conflicts import activated
from bot.demo.scene import ROLE, Line, Scene

_GROUP = "Security Operations"
"""Role-assignable, and eligible for the role."""
_NORTH, _SOUTH = (f"/administrativeUnits/{n:08d}-0000-4000-8000-000000000001" for n in (1, 2))
_LENIENT = (("SECONDKEY_ACTIVE_HOLDERS_MAY_DECIDE", "true"), ("SECONDKEY_GUESTS_MAY_DECIDE", "true"))
_CACHED = 11.0


async def _refused(
    scene: Scene, meanwhile: str, deed: Callable[[], Awaitable[Any]], reason: str, says: str
) -> None:
    """What is done to Dana after the card was posted counts at her click; Emery denies."""
    asked = await scene.ask()
    await scene.change(meanwhile, deed)
    await scene.later(_CACHED, "what was read at intake is read again at the click")
    await scene.refused("dana", asked, says)
    await scene.decided("emery", asked, "deny", "not needed after all")
    await scene.audited(
        asked, Line("decision.refused", who="dana", rule=reason, judged=True), *decided("emery", "Deny")
    )


async def through_pim_for_groups(scene: Scene) -> None:
    await _refused(
        scene,
        f"Dana is made eligible for membership of {_GROUP}",
        lambda: _may_join(scene, "dana"),
        "eligible-for-group",
        f"You can activate membership in {_GROUP}",
    )


async def through_nested_groups(scene: Scene) -> None:
    await _refused(
        scene,
        f"Technology, which holds Dana's group Cloud Platform, is made eligible for membership of {_GROUP}",
        lambda: _may_join(scene, "Technology"),
        "eligible-through-nested-groups",
        "You can reach this role by way of groups",
    )


async def _may_join(scene: Scene, principal: str) -> None:
    remote = scene.town.remote
    made = await remote.post("group-eligibilities", {"group": _GROUP, "principal": principal})
    scene.undo.push_async_callback(remote.delete, f"group-eligibilities/{made['id']}")


async def as_owner(scene: Scene) -> None:
    await _refused(
        scene,
        f"Dana is made an owner of {_GROUP}",
        lambda: _owners(scene, ["dana"]),
        "owns-group",
        "As an owner you could add yourself",
    )


async def _owners(scene: Scene, people: list[str]) -> None:
    remote = scene.town.remote
    scene.undo.push_async_callback(remote.patch, f"groups/{_GROUP}", {"owners": []})
    await remote.patch(f"groups/{_GROUP}", {"owners": people})


async def current(scene: Scene) -> None:
    async def for_an_hour() -> None:
        await scene.eligible("dana", end=await _in(scene, hours=1))

    await _refused(
        scene,
        "Dana is made eligible for an hour",
        for_an_hour,
        "eligible-directly",
        "You are eligible for this role yourself",
    )


async def over(scene: Scene) -> None:
    async def for_a_minute() -> None:
        await scene.eligible("dana", end=await _in(scene, minutes=1))

    await scene.change("Dana is made eligible for a minute", for_a_minute)
    await scene.later(90, "it is over")
    asked = await scene.ask()
    await scene.decided("dana", asked, "deny", "no longer eligible myself")
    await scene.audited(asked, *decided("dana", "Deny"))


async def _in(scene: Scene, **later: float) -> str:
    now = (await scene.town.remote.get("clock"))["now"]
    return (datetime.fromisoformat(now) + timedelta(**later)).isoformat()


async def covering_scope(scene: Scene) -> None:
    """Authority over the whole directory reaches an administrative unit; over another unit it does not."""

    async def set_up() -> None:
        await scene.eligible("riley", scope=_NORTH)
        await scene.eligible("dana")
        await scene.eligible("alex", scope=_SOUTH)

    title = "Riley is eligible in the unit North, Dana in the whole directory, Alex in the unit South"
    await scene.change(title, set_up)
    asked = await scene.ask(scope=_NORTH)
    await scene.refused("dana", asked, "You are eligible for this role yourself")
    await scene.decided("alex", asked, "deny", "not in my unit, either")
    await scene.audited(
        asked,
        Line("decision.refused", who="dana", rule="eligible-directly", judged=True),
        *decided("alex", "Deny"),
    )


async def _guest_approves(scene: Scene) -> None:
    await scene.policy(ROLE, approver_users=["guest", "alex", "emery"])


async def guest(scene: Scene) -> None:
    await scene.change("The policy names a guest as an approver", lambda: _guest_approves(scene))
    await scene.later(_CACHED, "the bot reads the policy anew")
    asked = await scene.ask()
    await scene.refused("guest", asked, "guests take no part in approvals")
    await scene.decided("emery", asked, "deny", "no")
    await scene.audited(
        asked, Line("decision.refused", who="guest", rule="guest", judged=True), *decided("emery", "Deny")
    )


async def guest_allowed(scene: Scene) -> None:
    await scene.change("The policy names a guest as an approver", lambda: _guest_approves(scene))
    await scene.later(_CACHED, "the bot reads the policy anew")
    asked = await scene.ask()
    await scene.told("guest", asked, "Recorded: you denied", verb="deny", reason="as agreed", force=True)
    await scene.recorded("guest", asked, "denied")
    await scene.audited(asked, *decided("guest", "Deny"))


async def holder_allowed(scene: Scene) -> None:
    await scene.change(
        "Dana activates the role herself, without an approval", partial(activated, scene, "dana")
    )
    asked = await scene.ask()
    await scene.decided("dana", asked, "deny", "I am on it already")
    await scene.audited(asked, *decided("dana", "Deny"))


async def thin_pool(scene: Scene) -> None:
    await scene.change(
        "The policy names Alex, and Blake who is eligible for the role",
        lambda: scene.policy(ROLE, approver_users=["alex", "blake"]),
    )
    await scene.later(_CACHED, "the bot reads the policy anew")
    since = await scene.town.remote.position()
    asked = await scene.ask()
    await scene.ops_read(since, "Only one approver may decide this request")
    await scene.decided("alex", asked, "deny", "as the only one")
    await scene.audited(
        asked,
        also=(
            Line("request.taken-in", who="riley"),
            Line("request.escalated", facts={"cause": "thin-pool"}),
            *decided("alex", "Deny"),
        ),
    )


CASES = (
    Case("through-pim-for-groups", "Whoever can activate membership of a group that has the role is refused",
         through_pim_for_groups),
    Case("through-nested-groups", "So is one whose group is in a group that can", through_nested_groups),
    Case("as-owner", "And an owner of such a group, who could add themselves", as_owner),
    Case("time-bound-current", "A time-bound eligibility counts while it lasts", current),
    Case("time-bound-over", "One that has run out does not count", over),
    Case("covering-scope", "Eligibility at a covering scope counts, at another scope it does not",
         covering_scope),
    Case("guest", "Guests take no part, though the policy lists them", guest),
    Case("guest-allowed", "Unless a setting lets them", guest_allowed, _LENIENT),
    Case("active-holder-allowed", "Whoever holds the role decides, too, where a setting lets them",
         holder_allowed, _LENIENT),
    Case("thin-pool", "Only one approver is without a conflict: ops hear of it at once", thin_pool),
)  # fmt: skip

"""Separation of duties: whoever has a conflict is refused, with the reason; others decide."""

from __future__ import annotations

from bot.demo.cases._case import Case
from bot.demo.cases._lines import decided
from bot.demo.scene import ROLE, Asked, Line, Scene, must_say
from bot.demo.town import shown

_CACHED = 11.0
"""Seconds after which facts that were read are read again."""


async def _refused(scene: Scene, user: str, asked: Asked, reason: str, says: str) -> None:
    """Refused and audited; then Emery, who has no conflict, denies."""
    await scene.refused(user, asked, says)
    await scene.decided("emery", asked, "deny", "not needed after all")
    await scene.audited(
        asked,
        Line("request.taken-in", who="riley"),
        Line("decision.refused", who=user, rule=reason, judged=True),
        *decided("emery", "Deny"),
    )


async def eligible_directly(scene: Scene) -> None:
    asked = await scene.ask()
    await _refused(scene, "blake", asked, "eligible-directly", "You are eligible for this role yourself")


async def eligible_through_group(scene: Scene) -> None:
    asked = await scene.ask()
    says = "eligible for this role through the group Security Operations"
    await _refused(scene, "casey", asked, "eligible-through-group", says)


async def made_eligible_meanwhile(scene: Scene) -> None:
    asked = await scene.ask()
    await scene.change(
        "Dana is made eligible for the role after the card was posted", lambda: scene.eligible("dana")
    )
    await scene.later(_CACHED, "what was read at intake is read again at the click")
    await _refused(scene, "dana", asked, "eligible-directly", "You are eligible for this role yourself")


async def active_holder(scene: Scene) -> None:
    await scene.change(
        "Dana activates the role herself, without an approval", lambda: activated(scene, "dana")
    )
    asked = await scene.ask()
    await _refused(scene, "dana", asked, "holds-role", "You hold this role now")


async def activated(scene: Scene, user: str) -> None:
    """Somebody holds the role for an hour."""
    remote = scene.town.remote
    entry = await remote.post("eligibilities", {"user": user, "role": ROLE})
    await scene.policy(ROLE, approval_required=False)
    wish = {"user": user, "role": ROLE, "duration": "PT1H", "justification": "on call"}
    await remote.post("portal/activate", wish)
    await scene.policy(ROLE, approval_required=True)
    await remote.delete(f"eligibilities/{entry['id']}")
    await remote.post("clock/advance", {"seconds": _CACHED})


async def own_request(scene: Scene) -> None:
    await scene.change(
        "The policy names Riley as an approver too", lambda: scene.policy(ROLE, approver_users=_WITH_RILEY)
    )
    await scene.later(_CACHED, "the bot reads the policy anew")
    asked = await scene.ask()
    await _refused(scene, "riley", asked, "own-request", "This is your own request")


_ELSEWHERE = "07e20000-0000-4000-8000-000000000001"
_WITH_RILEY = ["riley", "alex", "emery"]


async def break_glass(scene: Scene) -> None:
    await scene.change(
        "The policy names a break-glass account as an approver",
        lambda: scene.policy(ROLE, approver_users=["bg1", "emery"]),
    )
    await scene.later(_CACHED, "the bot reads the policy anew")
    asked = await scene.ask()
    await _refused(scene, "bg1", asked, "break-glass", "Break-glass accounts take no part")


async def not_in_the_pool(scene: Scene) -> None:
    asked = await scene.ask()
    await _refused(scene, "ollie", asked, "not-an-approver", "You are not an approver of this request")


async def removed_meanwhile(scene: Scene) -> None:
    asked = await scene.ask()
    await scene.change(
        "Alex is taken out of the policy's approvers",
        lambda: scene.policy(ROLE, approver_users=["blake", "casey", "dana", "emery"]),
    )
    await scene.later(_CACHED, "the policy is read again at the click")
    await _refused(scene, "alex", asked, "no-longer-an-approver", "no longer an approver of this role")


async def other_tenant(scene: Scene) -> None:
    """The channel vouches for somebody of another tenant with the object id of an approver."""
    asked = await scene.ask()
    async with scene.step("clicked", "Somebody with Alex' object id, but of another tenant, clicks Approve"):
        said = shown(await scene.forge("alex", asked, tenant=_ELSEWHERE))
        must_say(said, "Your account belongs to another tenant")
    await scene.pending(asked)
    await scene.decided("emery", asked, "deny", "who was that?")
    stranger = f"{_ELSEWHERE}/{scene.town.id_of('alex')}"
    await scene.audited(
        asked,
        Line("decision.refused", who=stranger, rule="other-tenant", judged=True),
        *decided("emery", "Deny"),
    )


async def unreadable(scene: Scene) -> None:
    """Graph does not say who is eligible: nobody may decide here, and the card says so."""
    asked = await scene.ask()
    await scene.later(_CACHED, "what was read at intake no longer counts")
    await scene.change(
        "Graph no longer says who is eligible",
        lambda: scene.fault("graph", "GET .*roleEligibility", status=403, times=None),
    )
    await scene.refused("alex", asked, "could not read who is eligible for this role")
    await scene.change("Graph says it again", lambda: scene.town.remote.delete("faults"))
    await scene.decided("alex", asked, "deny", "now that it can be checked")
    await scene.audited(
        asked,
        Line("decision.refused", who="alex", rule="fact-unreadable", judged=True),
        *decided("alex", "Deny"),
    )


CASES = (
    Case("eligible-directly", "An approver who is eligible for the role is refused", eligible_directly),
    Case(
        "eligible-through-group",
        "So is one who is eligible through a role-assignable group",
        eligible_through_group,
    ),
    Case(
        "made-eligible-meanwhile",
        "Eligibility given after the card was posted is found at the click",
        made_eligible_meanwhile,
    ),
    Case("active-holder", "Whoever holds the role right now does not decide on it", active_holder),
    Case("own-request", "Nobody decides on their own request, though the policy lists them", own_request),
    Case("break-glass", "Break-glass accounts take no part, though the policy lists them", break_glass),
    Case("not-in-the-pool", "Somebody in the channel who is no approver is refused", not_in_the_pool),
    Case(
        "removed-meanwhile",
        "An approver who was taken out of the policy since is refused",
        removed_meanwhile,
    ),
    Case("other-tenant", "The same object id in another tenant is somebody else", other_tenant),
    Case(
        "unreadable",
        "When eligibility can't be read nobody decides here, and the card says why",
        unreadable,
    ),
)

"""Step-up: a stronger sign-in where Entra or a setting demands one, for exactly that decision."""

from __future__ import annotations

from functools import partial

from bot.demo.cases._browser import follow, link, link_in_chat, world
from bot.demo.cases._case import Case
from bot.demo.cases._lines import decided, not_sent
from bot.demo.scene import ROLE, Asked, Line, Scene
from bot.demo.town import in_channel

_C1 = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
_CONTEXT = f'[roles."{ROLE}"]\napprover_authentication_context = "c2"\n'
_STRONGER = "stronger sign-in"
_RULE = "Entra and Graph accept the approver's token"


async def challenged(scene: Scene) -> None:
    await world(scene, "Entra demands authentication context c1 of Alex", require_claims={"alex": _C1})
    asked = await scene.ask()
    url = await link(scene, "alex", asked, _STRONGER)
    await scene.pending(asked)
    await follow(scene, "alex", url, "Alex signs in with a second factor", "you approved this request")
    await scene.recorded("alex", asked, "approved")
    signed_in = Line(
        "act.signed-in", who="alex", as_whom="alex", facts={"way": "step-up", "contexts": ["c1"]}
    )
    await scene.audited(asked, not_sent("alex", _RULE, as_whom="alex"), signed_in, *decided("alex"))


async def failed(scene: Scene) -> None:
    title = "Entra demands c1 of Alex, who has no second factor"
    await world(scene, title, require_claims={"alex": _C1}, no_step_up=["alex"])
    asked = await scene.ask()
    url = await link(scene, "alex", asked, _STRONGER)
    await follow(scene, "alex", url, "Alex fails the stronger sign-in", "did not succeed")
    await scene.pending(asked)
    await scene.decided("emery", asked, "deny", "nobody else did")
    await scene.audited(asked, not_sent("alex", _RULE, as_whom="alex"), *decided("emery", "Deny"))


async def to_approve(scene: Scene) -> None:
    """The setting is checked in the token's own ``acrs``, whatever Entra asks."""
    asked = await scene.ask()
    url = await link(scene, "alex", asked, "Approving this role asks for a stronger sign-in")
    await scene.pending(asked)
    await follow(scene, "alex", url, "Alex signs in with a second factor", "you approved this request")
    await scene.recorded("alex", asked, "approved")
    signed_in = Line(
        "act.signed-in", who="alex", as_whom="alex", facts={"way": "step-up", "contexts": ["c2"]}
    )
    rule = "the token carries the authentication context that the role demands"
    await scene.audited(asked, not_sent("alex", rule, as_whom="alex"), signed_in, *decided("alex"))


async def to_activate(scene: Scene) -> None:
    """PIM answers an activation with a challenge: the same activation is sent with the stronger token."""
    await scene.change(
        "The policy asks for authentication context c1 to activate the role",
        partial(scene.policy, ROLE, authentication_context="c1"),
    )
    since = await scene.town.remote.position()
    async with scene.step("typed", "Riley types: activate Security Administrator 1h") as facts:
        wish = {"user": "riley", "personal": True, "text": f"activate {ROLE} 1h because ticket 1234"}
        await scene.town.remote.post("teams/message", wish)
        url, facts["told"] = await link_in_chat(scene, _STRONGER)
    title = "Somebody else's sign-in sends nothing"
    await follow(scene, "riley", url, title, "another account", **{"as": "alex"})
    await follow(scene, "riley", url, "Riley signs in with a second factor", "Sent to PIM")
    posted = await scene.town.remote.until("the card", in_channel("approvers"), since)
    newest = (await scene.town.remote.get("state"))["requests"][-1]
    asked = Asked(str(newest["id"]), str(posted["activity_id"]))
    await scene.decided("alex", asked, "deny", "not today")
    await scene.audited(
        asked, Line("activation.sent", who="riley", as_whom="riley"), also=decided("alex", "Deny")
    )
    signed_in = Line(
        "act.signed-in", who="riley", as_whom="riley", facts={"way": "step-up", "contexts": ["c1"]}
    )
    await scene.noted(Line("attack.token-of-another", who="riley", as_whom="alex"), signed_in)


CASES = (
    Case("step-up", "Entra demands a stronger sign-in: the challenged decision is carried out by it",
         challenged),
    Case("step-up-failed", "Whoever fails the stronger sign-in decides nothing", failed),
    Case("step-up-to-activate", "PIM demands one for an activation: exactly that activation is sent",
         to_activate),
    Case("step-up-to-approve", "A setting demands an authentication context for approving a role",
         to_approve, toml=_CONTEXT),
)  # fmt: skip

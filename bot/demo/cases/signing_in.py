"""Signing in: what was begun without a token is carried out once, without a second click."""

from __future__ import annotations

from bot.demo.cases._browser import follow, link, without_token
from bot.demo.cases._case import Case
from bot.demo.cases._lines import decided, not_sent
from bot.demo.scene import Asked, Line, Scene
from bot.demo.town import must

_RULE = "decided with the approver's own token"
_TOLD = "Sign in, and your decision is carried out"
_ANOTHER = "another account"


def _resumed(who: str, choice: str = "Approve", way: str = "sign-in") -> tuple[Line, ...]:
    """The click that lacked a token, the sign-in, and the decision that it made possible."""
    signed_in = Line("act.signed-in", who=who, as_whom=who, facts={"way": way})
    return not_sent(who, _RULE), signed_in, *decided(who, choice)


async def by_link(scene: Scene) -> None:
    await without_token(scene, "alex")
    asked = await scene.ask()
    url = await link(scene, "alex", asked, _TOLD)
    await scene.pending(asked)
    await follow(scene, "alex", url, "Alex signs in by the card's link", "you approved this request")
    await scene.recorded("alex", asked, "approved")
    await follow(scene, "alex", url, "The link counts once", "has been used")
    await scene.audited(asked, *_resumed("alex"))


async def by_itself(scene: Scene) -> None:
    """In the chat with the bot the client gets a token by itself, and no button is pressed."""
    await without_token(scene, "alex", sso="silent")
    asked = await scene.ask()
    async with scene.step("clicked", "Alex clicks Approve; the client signs in by itself, in the chat"):
        await scene.town.click("alex", asked.card)
        await scene.town.card_says(asked.card, "Approved")
    await scene.recorded("alex", asked, "approved")
    await scene.audited(asked, *_resumed("alex"))


async def by_code(scene: Scene) -> None:
    await without_token(scene, "alex")
    asked = await scene.ask()
    await link(scene, "alex", asked, _TOLD, verb="deny", reason="not now")
    async with scene.step(
        "code", "A wrong code of the sign-in button changes nothing, the right one signs in"
    ):
        await scene.town.remote.post("teams/verify", {"user": "alex", "code": "000000"})
        must(not await scene.town.patches(asked.id), "a wrong code was taken")
        await scene.town.remote.post("teams/verify", {"user": "alex"})
        await scene.town.card_says(asked.card, "Denied")
    await scene.recorded("alex", asked, "denied")
    await scene.audited(asked, *_resumed("alex", "Deny"))


async def by_somebody_else(scene: Scene) -> None:
    """The link is followed by another person, and with another account: an attack, or a mistake."""
    await without_token(scene, "alex")
    asked = await scene.ask()
    url = await link(scene, "alex", asked, _TOLD)
    await follow(scene, "emery", url, "Emery follows Alex' link and signs in as herself", _ANOTHER)
    await follow(scene, "alex", url, "Alex picks Emery's account by mistake", _ANOTHER, **{"as": "emery"})
    await scene.pending(asked)
    await follow(scene, "alex", url, "Alex signs in", "you approved this request")
    await scene.recorded("alex", asked, "approved")
    attack = Line("attack.token-of-another", who="alex", as_whom="emery")
    await scene.audited(asked, not_sent("alex", _RULE), attack, attack, *_resumed("alex")[1:])


async def in_another_browser(scene: Scene) -> None:
    await without_token(scene, "alex")
    asked = await scene.ask()
    url = await link(scene, "alex", asked, _TOLD)
    stopped = await scene.town.remote.post(
        "browser", {"user": "alex", "url": url, "stop_before": "/signin/callback"}
    )
    title = "Alex signs in; the answer is opened in Emery's browser"
    await follow(scene, "emery", stopped["url"], title, "another browser")
    await scene.pending(asked)
    await follow(scene, "alex", stopped["url"], "Alex' own browser brings it", "you approved this request")
    await follow(scene, "alex", stopped["url"], "And once more", "has been used")
    await scene.recorded("alex", asked, "approved")
    await scene.audited(asked, *_resumed("alex"))


async def too_late(scene: Scene) -> None:
    await without_token(scene, "alex")
    asked = await scene.ask()
    url = await link(scene, "alex", asked, _TOLD)
    await scene.later(601, "links live for ten minutes")
    await follow(scene, "alex", url, "Alex follows the old link", "This link has expired")
    await _nothing(scene, asked)


async def no_longer_theirs(scene: Scene) -> None:
    """Between click and sign-in Alex became eligible: the decision is judged again."""
    await without_token(scene, "alex")
    asked = await scene.ask()
    url = await link(scene, "alex", asked, _TOLD)
    await scene.change("Alex is made eligible for the role", lambda: scene.eligible("alex"))
    await scene.later(30, "what was read before no longer counts")
    await follow(scene, "alex", url, "Alex signs in", "Your decision was not accepted")
    await scene.pending(asked)
    refused = Line("decision.refused", who="alex", rule="eligible-directly", judged=True)
    await scene.decided("emery", asked, "deny", "not needed after all")
    await scene.audited(asked, *_resumed("alex")[:2], refused, *decided("emery", "Deny"))


async def sent_by_client(scene: Scene) -> None:
    """A client sends Emery's token as Alex': nothing is kept, and nothing sent."""
    await without_token(scene, "alex", sso="silent")
    await scene.town.remote.post("teams/settings", {"sso_as": "emery"})
    asked = await scene.ask()
    since = await scene.town.remote.position()
    async with scene.step("clicked", "Alex clicks Approve; his client sends Emery's token") as facts:
        await scene.town.click("alex", asked.card)
        invoke = await scene.town.remote.until("the token", lambda one: one["event"] == "invoke", since)
        facts["bot_answered"] = invoke["status"]
    await scene.noted(Line("attack.token-of-another", who="alex", as_whom="emery"))
    await _nothing(scene, asked)


async def _nothing(scene: Scene, asked: Asked) -> None:
    await scene.pending(asked)
    await scene.decided("emery", asked, "deny", "nobody else did")
    await scene.audited(asked, not_sent("alex", _RULE), *decided("emery", "Deny"))


async def signed_out(scene: Scene) -> None:
    """What they sign out of is forgotten: the next decision starts with a sign-in."""
    await without_token(scene, "alex")
    await scene.town.remote.post("teams/signin", {"user": "alex"})
    asked = await scene.ask()
    async with scene.step("signed-out", "Alex types: sign out") as facts:
        since = await scene.town.remote.position()
        wish = {"user": "alex", "personal": True, "text": "sign out"}
        await scene.town.remote.post("teams/message", wish)
        forgotten = await scene.town.remote.until("it", lambda one: one["event"] == "signed_out", since)
        facts["token_service"] = f"{forgotten['user']} {forgotten['event']}"
    url = await link(scene, "alex", asked, _TOLD)
    await follow(scene, "alex", url, "Alex signs in by the card's link", "you approved this request")
    await scene.recorded("alex", asked, "approved")
    await scene.noted(Line("actor.signed-out", who="alex"))
    await scene.audited(asked, *_resumed("alex"))


CASES = (
    Case("sign-in-by-link", "A click without a token is carried out after signing in by its link", by_link),
    Case("sign-in-by-itself", "Or by the client itself, in the chat with the bot", by_itself),
    Case("sign-in-by-code", "Or by the code of the sign-in button", by_code),
    Case("sign-in-by-another", "Somebody else's sign-in decides nothing and is audited as an attack",
         by_somebody_else),
    Case("sign-in-elsewhere", "A sign-in counts in the browser that began it, and once", in_another_browser),
    Case("sign-in-too-late", "A link lives ten minutes", too_late),
    Case("sign-in-too-late-to-decide", "What is no longer theirs to decide is not carried out",
         no_longer_theirs),
    Case("sign-out", "Signing out forgets: the next decision starts with a sign-in", signed_out),
    Case("sign-in-with-anothers-token", "A client that sends somebody else's token is refused",
         sent_by_client),
)  # fmt: skip

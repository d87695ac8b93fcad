"""What Entra says to a token: each obstacle in plain words, with a way on."""

from __future__ import annotations

from bot.demo.cases._browser import follow, link, world
from bot.demo.cases._case import Case, Play
from bot.demo.cases._lines import decided, not_sent
from bot.demo.scene import Line, Scene

_RULE = "Entra and Graph accept the approver's token"
_DONE = "you approved this request"


async def missing(scene: Scene) -> None:
    await world(scene, "Nobody has consented to Second Key acting as them", consented=[])
    asked = await scene.ask()
    url = await link(scene, "alex", asked, "needs your consent")
    await follow(scene, "alex", url, "Alex declines", "You did not consent", consent="cancel")
    await scene.pending(asked)
    await follow(scene, "alex", url, "Alex thinks again and agrees", _DONE)
    await scene.recorded("alex", asked, "approved")
    signed_in = Line("act.signed-in", who="alex", as_whom="alex", facts={"way": "consent"})
    await scene.audited(asked, not_sent("alex", _RULE, as_whom="alex"), signed_in, *decided("alex"))


def _ended(number: int, title: str, says: str) -> Play:
    async def play(scene: Scene) -> None:
        await world(scene, title, obo_refusals={"alex": number})
        asked = await scene.ask()
        url = await link(scene, "alex", asked, says)
        await scene.pending(asked)
        await follow(scene, "alex", url, "Alex signs in again by the card's link", _DONE)
        await scene.recorded("alex", asked, "approved")
        signed_in = Line("act.signed-in", who="alex", as_whom="alex")
        await scene.audited(asked, not_sent("alex", _RULE, as_whom="alex"), signed_in, *decided("alex"))

    return play


CASES = (
    Case("consent-missing", "Consent is asked for; declined it changes nothing, given the decision is made",
         missing),
    Case("sign-in-expired", "The sign-in that the token came from has expired",
         _ended(700082, "Alex' sign-in has expired (AADSTS700082)", "has expired")),
    Case("sign-in-revoked", "It was revoked, as by a new password",
         _ended(50173, "Alex has a new password (AADSTS50173)", "was revoked")),
    Case("interaction-required", "Entra wants to see the approver again",
         _ended(50058, "Entra wants Alex to sign in again (AADSTS50058)", "sign in again")),
)  # fmt: skip

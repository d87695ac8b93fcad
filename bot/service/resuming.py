"""What is said without a sign-in is not said in vain: it is written down, and done once that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.domain import activation as a
from bot.domain.content import CardContent
from bot.domain.model import Actor, SignInNeeded, UserAssertion
from bot.domain.obstacles import SIGN_IN_NEEDED, Obstacle, Way
from bot.domain.replies import FormReply, InTrouble, Reply
from bot.domain.said import Chosen, Filled, Said
from bot.service.commands import CommandDesk
from bot.service.signing_in import SigningIn

SAY: Final = "say"
_SUBJECT: Final = 200
"""Characters of a command that tell it from another that waits too."""


@dataclass(frozen=True, slots=True)
class ResumedCommands:
    """``ports.Commands``. Made by ``of``, which also says how a command goes on after the sign-in: it
    is said again, with the sign-in that the token service holds by then.
    """

    desk: CommandDesk
    signing_in: SigningIn

    @classmethod
    def of(cls, desk: CommandDesk, signing_in: SigningIn) -> ResumedCommands:
        made = cls(desk, signing_in)
        signing_in.resume[SAY] = made.resume
        return made

    async def say(self, actor: Actor, said: Said) -> Reply:
        """See ``ports.Commands.say``."""
        reply = await self.desk.say(actor, said)
        if not isinstance(reply, InTrouble) or not _is_missing(reply.trouble):
            return reply
        # The desk has asked for the sign-in itself, in the actor's own chat.
        link = await self.signing_in.begin(
            actor, SAY, said.text[:_SUBJECT], _document(said), _obstacle(reply.trouble), ask=False
        )
        return InTrouble(_linked(reply.trouble, link))

    async def form(self, actor: Actor, said: Said) -> FormReply | Reply:
        """See ``ports.Commands.form``."""
        return await self.desk.form(actor, said)

    async def submit(self, actor: Actor, filled: Filled, said: Said) -> FormReply | Reply:
        """See ``ports.Commands.submit``."""
        return await self.desk.submit(actor, filled, said)

    async def resume(self, actor: Actor, payload: Mapping[str, Any], assertion: UserAssertion) -> CardContent:
        """See ``signing_in.Resume``."""
        del assertion  # held by the token service, too
        return await self.desk.say(actor, _said(payload))


def _is_missing(trouble: a.Trouble) -> bool:
    return isinstance(trouble, SignInNeeded | a.ConsentNeeded) and trouble.link is None


def _obstacle(trouble: a.Trouble) -> Obstacle:
    if isinstance(trouble, a.ConsentNeeded):
        return Obstacle("consent-needed", Way.CONSENT)
    return SIGN_IN_NEEDED


def _linked(trouble: a.Trouble, link: str) -> a.Trouble:
    if isinstance(trouble, SignInNeeded | a.ConsentNeeded):
        return replace(trouble, link=link)
    return trouble


def _document(said: Said) -> dict[str, Any]:
    chosen = said.chosen
    return {
        "text": said.text,
        "zone": said.zone.key,
        "chosen": None if chosen is None else [chosen.key, chosen.scope],
        "confirmed": said.confirmed,
    }


def _said(document: Mapping[str, Any]) -> Said:
    chosen = document["chosen"]
    return Said(
        str(document["text"]),
        ZoneInfo(str(document["zone"])),
        None if chosen is None else Chosen(*map(str, chosen)),
        bool(document["confirmed"]),
    )

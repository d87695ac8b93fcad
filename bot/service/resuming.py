"""What is said without a sign-in is not said in vain: it is written down, and done once that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.domain.content import CardContent, Note
from bot.domain.model import Actor, UserAssertion
from bot.domain.replies import FormReply, InTrouble, Reply
from bot.domain.said import Chosen, Filled, Said
from bot.service.commands import CommandDesk
from bot.service.presenting import linked, resumed
from bot.service.signing_in import SigningIn

SAY: Final = "say"
FORM: Final = "form"
SUBMIT: Final = "submit"
_SUBJECT: Final = 200
"""Characters of a command that tell it from another that waits too."""
_ANYWHERE: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class ResumedCommands:
    """``ports.Commands``. Made by ``of``, which also says how a command goes on after the sign-in: it
    is said again, with the token that the sign-in ended in.
    """

    desk: CommandDesk
    signing_in: SigningIn

    @classmethod
    def of(cls, desk: CommandDesk, signing_in: SigningIn) -> ResumedCommands:
        made = cls(desk, signing_in)
        signing_in.resume[SAY] = made.resume_say
        signing_in.resume[FORM] = made.resume_form
        signing_in.resume[SUBMIT] = made.resume_submit
        return made

    async def say(self, actor: Actor, said: Said) -> Reply:
        """See ``ports.Commands.say``."""
        return await self._kept(actor, SAY, said.text, _document(said), await self.desk.say(actor, said))

    async def form(self, actor: Actor, said: Said) -> FormReply | Reply:
        """See ``ports.Commands.form``. A form can't be opened after a sign-in: there is only the sign-in."""
        reply = await self.desk.form(actor, said)
        return reply if isinstance(reply, FormReply) else await self._kept(actor, FORM, "", {}, reply)

    async def submit(self, actor: Actor, filled: Filled, said: Said) -> FormReply | Reply:
        """See ``ports.Commands.submit``."""
        reply = await self.desk.submit(actor, filled, said)
        if isinstance(reply, FormReply):
            return reply
        document = {**_document(said), "filled": asdict(filled)}
        return await self._kept(actor, SUBMIT, filled.role, document, reply)

    async def _kept(
        self, actor: Actor, kind: str, subject: str, payload: Mapping[str, Any], reply: Reply
    ) -> Reply:
        """The reply with a link that finishes what was said, where a sign-in is what it takes."""
        if not isinstance(reply, InTrouble):
            return reply
        about = subject[:_SUBJECT]
        trouble = await linked(reply.trouble, self.signing_in, actor, kind, about, payload=payload)
        return reply if trouble is None else InTrouble(trouble)

    # After the sign-in ----------------------------------------------------------------------

    async def resume_say(
        self, actor: Actor, payload: Mapping[str, Any], assertion: UserAssertion
    ) -> CardContent:
        """See ``signing_in.Resume``."""
        with resumed(payload, assertion):
            return await self.say(actor, _said(payload))

    async def resume_form(
        self, actor: Actor, payload: Mapping[str, Any], assertion: UserAssertion
    ) -> CardContent:
        """See ``signing_in.Resume``. Says whether the form can be opened now."""
        with resumed(payload, assertion):
            reply = await self.form(actor, Said("", _ANYWHERE))
        return Note("signed-in") if isinstance(reply, FormReply) else reply

    async def resume_submit(
        self, actor: Actor, payload: Mapping[str, Any], assertion: UserAssertion
    ) -> CardContent:
        """See ``signing_in.Resume``. What was filled in wrongly can only be filled in anew."""
        with resumed(payload, assertion):
            reply = await self.submit(actor, Filled(**payload["filled"]), _said(payload))
        return Note("signed-in") if isinstance(reply, FormReply) else reply


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

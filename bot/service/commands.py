"""The desk that takes what somebody says: reads it, has it done, and answers them alone.

Nothing about other people's roles is told to those who may not see it: requests only to their
approver pool, approvers only to those who may ask for the role.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

import structlog

from bot.domain import durations
from bot.domain.errors import SecondKeyError
from bot.domain.grammar import NAMES, parse
from bot.domain.model import Actor
from bot.domain.replies import (
    FormFault,
    FormReply,
    HelpReply,
    InTrouble,
    Notice,
    NoticeReply,
    Reply,
    UnreadReply,
    outcome_in,
)
from bot.domain.said import MAX_TEXT, Filled, Said, chosen_of
from bot.domain.typed import (
    Activate,
    Again,
    Cancel,
    Command,
    Deactivate,
    Extend,
    Help,
    MyRoles,
    Pending,
    SignIn,
    SignOut,
    Span,
    Status,
    Unparsed,
    WhoCanApprove,
)
from bot.ports import Clock, OwnRoles
from bot.service.activating import Activating
from bot.service.asking import Asking
from bot.service.picker import Picker
from bot.telemetry import metrics

log = structlog.get_logger(__name__)


class SigningIn(Protocol):
    """Somebody's own sign-in, held by the token service."""

    async def sign_in(self, actor: Actor) -> None:
        """Ask for it in their personal chat. Raises ``SecondKeyError``s."""

    async def sign_out(self, actor: Actor) -> None:
        """Forget it. Raises ``SecondKeyError``s."""


@dataclass(frozen=True, slots=True)
class CommandDesk:
    """``ports.Commands``."""

    tenant_id: str
    own: OwnRoles
    activating: Activating
    asking: Asking
    picker: Picker
    signing_in: SigningIn
    clock: Clock

    async def say(self, actor: Actor, said: Said) -> Reply:
        """See ``ports.Commands.say``."""
        if actor.identity.tenant_id != self.tenant_id.lower():
            return NoticeReply(Notice.OTHER_TENANT)
        command = parse(said.text[:MAX_TEXT], self.clock.now(), said.zone, self.picker.options)
        log.info("command", name=type(command).__name__, chosen=said.chosen is not None)
        if isinstance(command, Unparsed):
            metrics.COMMANDS.add(command="unread", answer=command.why.value)
            return UnreadReply(command.why, command.suggestion)
        reply = await self._do(actor, command, said)
        metrics.COMMANDS.add(command=NAMES[type(command)].value, answer=_told(reply))
        return reply

    async def _do(self, actor: Actor, command: Command, said: Said) -> Reply:
        match command:
            case Activate() | Again() | Extend() | Deactivate() | Cancel():
                return await self.activating.do(actor, command, said)
            case MyRoles() | Status() | Pending() | WhoCanApprove():
                return await self.asking.do(actor, command, said)
            case Help():
                return HelpReply()
            case SignIn():
                return await self._sign_in(actor)
            case SignOut():
                return await self._sign_out(actor)
            case _:
                assert_never(command)

    async def _sign_in(self, actor: Actor) -> Reply:
        try:
            await self.signing_in.sign_in(actor)
        except SecondKeyError as error:
            log.warning("sign_in_not_asked_for", why=type(error).__name__)
            return NoticeReply(Notice.SIGN_IN_UNAVAILABLE)
        return NoticeReply(Notice.ASKED_TO_SIGN_IN)

    async def _sign_out(self, actor: Actor) -> Reply:
        try:
            await self.signing_in.sign_out(actor)
        except SecondKeyError as error:
            log.warning("not_signed_out", why=type(error).__name__)
            return NoticeReply(Notice.SIGN_IN_UNAVAILABLE)
        return NoticeReply(Notice.SIGNED_OUT)

    # The form -------------------------------------------------------------------------------

    async def form(self, actor: Actor, said: Said) -> FormReply | Reply:
        """See ``ports.Commands.form``."""
        if actor.identity.tenant_id != self.tenant_id.lower():
            return NoticeReply(Notice.OTHER_TENANT)
        roles = await self.own.eligible(actor)
        if not isinstance(roles, tuple):
            return InTrouble(roles)
        command = parse(said.text[:MAX_TEXT], self.clock.now(), said.zone, self.picker.options)
        if not isinstance(command, Activate):
            return FormReply(roles)
        return FormReply(roles, self.picker.filled(command, roles, said, self.clock.now()))

    async def submit(self, actor: Actor, filled: Filled, said: Said) -> FormReply | Reply:
        """See ``ports.Commands.submit``."""
        span, chosen = durations.read(filled.duration.strip()), chosen_of(filled.role)
        if span is None or chosen is None:
            fault = FormFault.ROLE if chosen is None else FormFault.DURATION
            blank = await self.form(actor, said)
            return replace(blank, filled=filled, fault=fault) if isinstance(blank, FormReply) else blank
        if actor.identity.tenant_id != self.tenant_id.lower():
            return NoticeReply(Notice.OTHER_TENANT)
        tickets = self.picker.options.tickets
        number = filled.ticket.strip()
        ticket = tickets.named(number) if number else tickets.find(filled.reason)
        command = Activate("", None, Span(duration=span), None, filled.reason.strip(), ticket)
        reply = await self.activating.activate(actor, command, replace(said, chosen=chosen))
        metrics.COMMANDS.add(command=NAMES[Activate].value, answer=_told(reply))
        return reply


def _told(reply: Reply) -> str:
    """What came of it, for the metric: from the names of the answers' classes, which are few."""
    kind = type(outcome_in(reply) or reply).__name__.removesuffix("Reply")
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()

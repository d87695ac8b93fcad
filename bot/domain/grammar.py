"""What somebody typed, read into a command, and a command written the way it is read again.

``activate ROLE [on SCOPE] [for] DURATION [from TIME] because REASON [ticket ID]``, and the other
commands of ``domain.commands``. The order is free where it can't be misread, capitals make no
difference, and a name in "quotes" is taken as it stands. A reason is everything after the first
``because``: nothing in it is read but the ticket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain import durations, letters, local_times, phrases, tickets
from bot.domain.commands import CommandName
from bot.domain.model import Ticket
from bot.domain.nearest import nearest
from bot.domain.phrases import Line, Parts
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
    Unread,
    WhoCanApprove,
)

VERBS: Final[Mapping[str, CommandName]] = MappingProxyType(
    {
        **{name.value: name for name in CommandName},
        "elevate": CommandName.ACTIVATE,
        "repeat": CommandName.AGAIN,
        "give back": CommandName.DEACTIVATE,
        "withdraw": CommandName.CANCEL,
        "roles": CommandName.MY_ROLES,
        "my requests": CommandName.STATUS,
        "who approves": CommandName.WHO_CAN_APPROVE,
        "hi": CommandName.HELP,
        "hello": CommandName.HELP,
        "signin": CommandName.SIGN_IN,
        "log in": CommandName.SIGN_IN,
        "login": CommandName.SIGN_IN,
        "signout": CommandName.SIGN_OUT,
        "log out": CommandName.SIGN_OUT,
        "logout": CommandName.SIGN_OUT,
    }
)
"""The words a command may start with. Another language is more of them."""


@dataclass(frozen=True, slots=True)
class Options:
    """What administrators can set about reading."""

    tickets: tickets.TicketPatterns = tickets.DEFAULT


DEFAULTS: Final = Options()
_SPAN: Final = "2h"
"""Suggested where what was said can't be kept."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A text, divided: what stood before the first ``because`` and what after it."""

    line: Line
    reason: str
    at: datetime
    zone: ZoneInfo
    options: Options
    final: bool = False
    """Whether this is a suggestion itself, for which there are no others."""

    @classmethod
    def of(cls, text: str, at: datetime, zone: ZoneInfo, options: Options) -> _Said:
        head, reason = _divided(letters.prose(text))
        return cls(Line.of(head), reason, at, zone, options)

    def parts(self) -> Parts:
        return phrases.parts(self.line, self.at, self.zone)

    def reads(self, text: str) -> bool:
        """Whether that would be a command, said in its place."""
        return isinstance(
            _command(replace(self.of(text, self.at, self.zone, self.options), final=True)), Command
        )

    def sure(self, suggestion: str) -> str:
        """The suggestion, if it is a command."""
        return suggestion if not self.final and self.reads(suggestion) else CommandName.HELP.value


_VERB: Final = re.compile(
    rf"(?:please )?({'|'.join(sorted(VERBS, key=len, reverse=True))})(?!\S)", re.IGNORECASE
)
_BECAUSE: Final = re.compile(r"(?<!\w)(?:because(?!\w)|reason:)\s*[:,]?\s*", re.IGNORECASE)
_QUOTES: Final = '"“”„‟«»'
_HELD_BACK: Final = re.compile(rf"(?<!\S)[{_QUOTES}][^{_QUOTES}]+[{_QUOTES}](?=[\s.,;:!?]|$)")


def parse(text: str, at: datetime, zone: ZoneInfo, options: Options = DEFAULTS) -> Command | Unparsed:
    """The command that ``text`` is at the time ``at`` to somebody whose clock shows ``zone``.
    Never raises, whatever the text.
    """
    said = _Said.of(text, at, zone, options)
    read = _command(said)
    if read is not None:
        return read
    whole = said.line.named(said.line.text) + (f" because {said.reason}" if said.reason else "")
    return Unparsed(Unread.NO_COMMAND, nearest(whole, VERBS, said.reads))


def _command(said: _Said) -> Command | Unparsed | None:
    """None when it starts with no verb."""
    verb = _VERB.match(said.line.text)
    if verb is not None:
        return _READERS[VERBS[verb[1].lower()]](replace(said, line=said.line.after(verb.end())))
    return None if said.line.text or said.reason else Help()


def _divided(text: str) -> tuple[str, str]:
    """What stands before the first ``because`` that is in no quotes, and what after it."""
    quotes = any(quote in text for quote in _QUOTES)
    searched = _HELD_BACK.sub(lambda quoted: "x" * len(quoted[0]), text) if quotes else text
    because = _BECAUSE.search(searched)
    if because is None:
        return text, ""
    return text[: because.start()], text[because.end() :].strip()


# Reading what follows the verb -----------------------------------------------------------------


def _activate(said: _Said) -> Activate | Unparsed:
    parts = said.parts()
    role, scope, left = _role_and_scope(parts.pieces)
    named = said.line.named
    if parts.fault or left:
        return _unparsed_activation(said, parts, named(role), left)
    return Activate(
        named(role),
        None if scope is None else named(scope),
        parts.span,
        parts.starts_at,
        said.reason,
        _ticket(parts, said),
    )


def _role_and_scope(pieces: Sequence[str]) -> tuple[str, str | None, str]:
    """The role, its scope, and what belongs to neither."""
    role, scope, left = "", None, []
    for piece in pieces:
        before, on, after = f" {piece}".rpartition(" on ")
        if on and scope is None and not (before and role):
            role, scope = role or before.strip(), after.strip()
        elif not role and not on:
            role = piece
        else:
            left.append(piece)
    return role, scope, " ".join(left)


def _ticket(parts: Parts, said: _Said) -> Ticket | None:
    known = said.options.tickets
    return known.find(said.reason) if parts.ticket is None else known.named(parts.ticket)


def _unparsed_activation(said: _Said, parts: Parts, role: str, left: str) -> Unparsed:
    """Most often it is ``because`` that is missing."""
    fault = parts.fault or Unread.LEFT_OVER
    role = phrases.HALF_A_TIME.split(role)[0].strip()
    span = parts.spans[0] if parts.spans and fault not in {Unread.BAD_TIME, Unread.BAD_DURATION} else _SPAN
    reason = said.reason or said.line.named(left)
    words = ("activate", phrases.quoted(role) if role else "", span, f"because {reason}" if reason else "")
    return Unparsed(fault, said.sure(" ".join(filter(None, words))))


def _extend(said: _Said) -> Extend | Unparsed:
    parts = said.parts()
    role = said.line.named(" ".join(parts.pieces))
    fault = parts.fault or (Unread.LEFT_OVER if parts.starts_at or len(parts.pieces) > 1 else None)
    if fault is None:
        return Extend(role, parts.span, said.reason)
    role = phrases.HALF_A_TIME.split(role)[0].strip()
    return Unparsed(
        fault, said.sure(" ".join(filter(None, ("extend", role and phrases.quoted(role), _SPAN))))
    )


def _named(made: Callable[[str], Command]) -> Callable[[_Said], Command]:
    """For commands whose rest is a name."""
    return lambda said: made(said.line.name)


def _alone(name: CommandName, made: Callable[[], Command]) -> Callable[[_Said], Command | Unparsed]:
    """For commands after which nothing may stand."""
    return lambda said: Unparsed(Unread.LEFT_OVER, name.value) if said.line.name else made()


_READERS: Final[Mapping[CommandName, Callable[[_Said], Command | Unparsed]]] = MappingProxyType(
    {
        CommandName.ACTIVATE: _activate,
        CommandName.EXTEND: _extend,
        CommandName.DEACTIVATE: _named(Deactivate),
        CommandName.CANCEL: _named(Cancel),
        CommandName.WHO_CAN_APPROVE: _named(WhoCanApprove),
        **{
            name: _alone(name, made)
            for name, made in (
                (CommandName.AGAIN, Again),
                (CommandName.MY_ROLES, MyRoles),
                (CommandName.STATUS, Status),
                (CommandName.PENDING, Pending),
                (CommandName.HELP, Help),
                (CommandName.SIGN_IN, SignIn),
                (CommandName.SIGN_OUT, SignOut),
            )
        },
    }
)


# Writing -----------------------------------------------------------------------------------------


def render(command: Command, options: Options = DEFAULTS) -> str:
    """The command as a text that ``parse`` reads as the same command."""
    match command:
        case Activate():
            return _joined(CommandName.ACTIVATE, *_activation(command, options))
        case Extend(role_text=role, span=span, reason=reason):
            return _joined(CommandName.EXTEND, _name(role), _span(span), _because(reason))
        case Deactivate(role_text=role) | Cancel(role_text=role) | WhoCanApprove(role_text=role):
            return _joined(NAMES[type(command)], _name(role))
        case _:
            return NAMES[type(command)].value


def _activation(command: Activate, options: Options) -> Iterator[str]:
    yield _name(command.role_text)
    yield "" if command.scope_text is None else f"on {_name(command.scope_text)}"
    yield _span(command.span)
    yield "" if command.starts_at is None else f"from {local_times.written(command.starts_at)}"
    ticket = command.ticket
    if ticket is not None and ticket != options.tickets.find(command.reason):
        yield f"ticket {ticket.number}"
    yield _because(command.reason)


def _span(span: Span) -> str:
    if span.duration is not None:
        return durations.written(span.duration)
    return "" if span.until is None else f"until {local_times.written(span.until)}"


def _name(text: str) -> str:
    return phrases.quoted(text) if text else ""


def _because(reason: str) -> str:
    """With a colon of its own before a reason that begins with what may follow ``because``."""
    return f"because{':' if reason.startswith((':', ',')) else ''} {reason}" if reason else ""


def _joined(name: CommandName, *parts: str) -> str:
    return " ".join((name.value, *filter(None, parts)))


NAMES: Final[Mapping[type[Command], CommandName]] = MappingProxyType(
    {
        Activate: CommandName.ACTIVATE,
        Again: CommandName.AGAIN,
        Extend: CommandName.EXTEND,
        Deactivate: CommandName.DEACTIVATE,
        Cancel: CommandName.CANCEL,
        MyRoles: CommandName.MY_ROLES,
        Status: CommandName.STATUS,
        Pending: CommandName.PENDING,
        WhoCanApprove: CommandName.WHO_CAN_APPROVE,
        Help: CommandName.HELP,
        SignIn: CommandName.SIGN_IN,
        SignOut: CommandName.SIGN_OUT,
    }
)
"""What each command is called."""

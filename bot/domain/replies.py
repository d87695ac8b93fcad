"""What the bot answers to a command. Everything in here may be seen by the person it answers, and
by nobody else: replies go to their own chat unless ``is_public``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeGuard

from bot.domain.activation import (
    ActivationOutcome,
    ActiveRole,
    DeactivationOutcome,
    EligibleRole,
    ExtensionOutcome,
    Trouble,
    Wish,
    WithdrawalOutcome,
)
from bot.domain.commands import CommandName
from bot.domain.model import ApprovalRequest, PimRequest, Pool, Refusal, Unreadable
from bot.domain.said import Chosen, Filled
from bot.domain.typed import Unread


@dataclass(frozen=True, slots=True)
class HelpReply:
    """The commands, in short."""


@dataclass(frozen=True, slots=True)
class UnreadReply:
    """What was said is no command; ``suggestion`` is the nearest."""

    why: Unread
    suggestion: str


@dataclass(frozen=True, slots=True)
class RolesReply:
    """The asker's own roles. ``active`` may not be told apart from a reading that failed."""

    eligible: tuple[EligibleRole, ...]
    active: tuple[ActiveRole, ...]


@dataclass(frozen=True, slots=True)
class OwnRequest:
    """A request of the asker's that waits. ``known``: as it was taken in here, if it was yet."""

    pim: PimRequest
    role_name: str
    known: ApprovalRequest | None = None


@dataclass(frozen=True, slots=True)
class StatusReply:
    waiting: tuple[OwnRequest, ...]
    active: tuple[ActiveRole, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits for the asker as an approver, and why they may not decide it."""

    request: ApprovalRequest
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class PendingReply:
    requests: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class ApproversReply:
    """Who could approve a request for a role: the asker's own, or the one that waits for them."""

    role_name: str
    pool: Pool | Unreadable
    approval_required: bool = True


@dataclass(frozen=True, slots=True)
class Option:
    """One of several that may be meant."""

    chosen: Chosen
    name: str
    scope: str
    scope_name: str | None = None


@dataclass(frozen=True, slots=True)
class WhichOne:
    """Several fit, or none was named: the asker picks. ``text`` is the command, to be said again
    with the choice.
    """

    typed: str
    text: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class NoneFitting:
    """None of the asker's own roles fits; ``names``: what they are called."""

    command: CommandName
    typed: str
    names: tuple[str, ...]
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class HowLong:
    """The duration is missing. ``texts``: the command with one, by duration."""

    role_name: str
    chosen: Chosen
    texts: tuple[tuple[timedelta, str], ...]


@dataclass(frozen=True, slots=True)
class FormOffer:
    """The form can be opened from here. ``text``: what it is to be filled with already."""

    text: str = ""


class FormFault(StrEnum):
    ROLE = "role"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class FormReply:
    """The form itself, to be filled in or put right."""

    roles: tuple[EligibleRole, ...]
    filled: Filled = field(default_factory=Filled)
    fault: FormFault | None = None


@dataclass(frozen=True, slots=True)
class Activated:
    """What came of a wish. ``instead_text`` says the wish that one click could send."""

    wish: Wish
    outcome: ActivationOutcome
    instead_text: str | None = None


@dataclass(frozen=True, slots=True)
class GaveBack:
    """What came of giving a role back."""

    role_name: str
    outcome: DeactivationOutcome
    chosen: Chosen


@dataclass(frozen=True, slots=True)
class Took:
    """What came of withdrawing a request."""

    outcome: WithdrawalOutcome
    role_name: str | None = None


@dataclass(frozen=True, slots=True)
class Prolonged:
    """What came of extending. ``text``: the command, to be confirmed."""

    wish: Wish
    outcome: ExtensionOutcome
    text: str


@dataclass(frozen=True, slots=True)
class TooMany:
    """As many activations in an hour as anybody may ask for."""

    limit: int
    again_at: datetime


@dataclass(frozen=True, slots=True)
class NothingBefore:
    """There is nothing to repeat."""


@dataclass(frozen=True, slots=True)
class InTrouble:
    """Nothing was done, because something could not be read."""

    trouble: Trouble


class Notice(StrEnum):
    """Short answers that say it all."""

    ASKED_TO_SIGN_IN = "asked-to-sign-in"
    SIGNED_OUT = "signed-out"
    SIGN_IN_UNAVAILABLE = "sign-in-unavailable"
    IN_OUR_CHAT = "in-our-chat"
    """What was asked for in a channel is answered in the asker's own chat."""
    NO_CHAT = "no-chat"
    """It can't be: the bot is not installed for them."""
    STILL_AT_IT = "still-at-it"
    FAILED = "failed"
    OTHER_TENANT = "other-tenant"


@dataclass(frozen=True, slots=True)
class NoticeReply:
    notice: Notice


Reply = (
    HelpReply
    | UnreadReply
    | RolesReply
    | StatusReply
    | PendingReply
    | ApproversReply
    | WhichOne
    | NoneFitting
    | HowLong
    | FormOffer
    | Activated
    | GaveBack
    | Took
    | Prolonged
    | TooMany
    | NothingBefore
    | InTrouble
    | NoticeReply
)


def is_public(reply: Reply) -> TypeGuard[HelpReply | UnreadReply | NoticeReply]:
    """Whether it may stand in a channel: it tells nothing but what the asker typed there."""
    return isinstance(reply, HelpReply | UnreadReply | NoticeReply)


def outcome_in(reply: object) -> object:
    """What came of it or stood in the way, for replies that have such."""
    match reply:
        case InTrouble(trouble=trouble):
            return trouble
        case Activated() | GaveBack() | Took() | Prolonged():
            return reply.outcome
        case _:
            return None

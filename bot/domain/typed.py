"""What somebody typed, as values: the commands, and what could not be read.

``role_text`` and ``scope_text`` are the user's words; which role they mean is for
``role_names.resolve`` to say, among the roles that this user may ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.model import Ticket


@dataclass(frozen=True, slots=True)
class Span:
    """For how long: so much, or until then (UTC). At most one is set."""

    duration: timedelta | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        return self.duration is not None or self.until is not None

    def counted_from(self, start: datetime) -> timedelta | None:
        """How long that is when it starts then; None when nothing was said."""
        return self.duration if self.until is None else self.until - start


NO_SPAN = Span()


@dataclass(frozen=True, slots=True)
class Activate:
    """What was left out is empty or None: it is asked for, never made up."""

    role_text: str
    scope_text: str | None = None
    span: Span = NO_SPAN
    starts_at: datetime | None = None
    reason: str = ""
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Deactivate:
    role_text: str


@dataclass(frozen=True, slots=True)
class Cancel:
    role_text: str = ""
    """Empty unless it was said which of several requests is meant."""


@dataclass(frozen=True, slots=True)
class Extend:
    role_text: str
    span: Span = NO_SPAN
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WhoCanApprove:
    role_text: str


@dataclass(frozen=True, slots=True)
class MyRoles:
    pass


@dataclass(frozen=True, slots=True)
class Status:
    pass


@dataclass(frozen=True, slots=True)
class Pending:
    pass


@dataclass(frozen=True, slots=True)
class Again:
    pass


@dataclass(frozen=True, slots=True)
class Help:
    pass


@dataclass(frozen=True, slots=True)
class SignIn:
    pass


@dataclass(frozen=True, slots=True)
class SignOut:
    pass


Command = (
    Activate
    | Deactivate
    | Cancel
    | Extend
    | WhoCanApprove
    | MyRoles
    | Status
    | Pending
    | Again
    | Help
    | SignIn
    | SignOut
)


class Unread(StrEnum):
    """Why a text is no command."""

    NO_COMMAND = "no-command"
    LEFT_OVER = "left-over"
    """Something stands where nothing belongs: a reason without ``because``, most often."""
    TWO_DURATIONS = "two-durations"
    BAD_DURATION = "bad-duration"
    """No time at all, or more than anybody could mean."""
    BAD_TIME = "bad-time"
    """No time of day, one that is over, or one that may mean several."""


@dataclass(frozen=True, slots=True)
class Unparsed:
    """No command. ``suggestion`` is the nearest one, and can be sent as it stands."""

    why: Unread
    suggestion: str

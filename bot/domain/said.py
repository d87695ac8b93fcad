"""What somebody says to the bot: typed, picked on a card, or filled into the form."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

MAX_TEXT = 8000
"""Characters of a message that are read."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was picked from a list that the bot made. The client says so, and it is checked again
    against what this person may pick.
    """

    key: str
    """Of a role; of a request where requests were listed."""
    scope: str = "/"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said. ``text`` is a command as it is typed, on a button too."""

    text: str
    zone: ZoneInfo
    chosen: Chosen | None = None
    confirmed: bool = False
    """The button that says what it would take was pressed."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it was sent, nothing read yet."""

    role: str = ""
    """The value of the choice: see ``role_value``."""
    duration: str = ""
    reason: str = ""
    ticket: str = ""


def role_value(key: str, scope: str) -> str:
    """A role at a scope as one value of a form; keys hold no spaces."""
    return f"{key} {scope}"


def chosen_of(value: str) -> Chosen | None:
    """The choice that a form's value is; None when it is none."""
    key, _, scope = value.partition(" ")
    return Chosen(key, scope) if key and scope else None

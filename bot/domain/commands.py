"""The commands people type, in one table.

The README's table and the command lists of the Teams manifest are made from it, the help card
too, and a test sees that each has a transcript.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

MAX_LISTED: Final = 10
"""Commands a Teams manifest may list for one scope (manifest schema, ``commandLists.commands``)."""


class CommandName(StrEnum):
    """The words a command starts with, as they are typed."""

    ACTIVATE = "activate"
    AGAIN = "again"
    EXTEND = "extend"
    DEACTIVATE = "deactivate"
    CANCEL = "cancel"
    MY_ROLES = "my roles"
    STATUS = "status"
    PENDING = "pending"
    WHO_CAN_APPROVE = "who can approve"
    HELP = "help"
    SIGN_IN = "sign in"
    SIGN_OUT = "sign out"


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """What is said about a command. ``example`` can be sent as it stands."""

    name: CommandName
    syntax: str
    help: str
    """One line, at most 128 characters: what Teams shows beside it."""
    example: str
    listed: bool = True
    """Whether it is in Teams' command list, which takes ``MAX_LISTED``."""


COMMANDS: Final = (
    CommandInfo(
        CommandName.ACTIVATE,
        "activate ROLE [on SCOPE] [for] DURATION [from TIME] because REASON [ticket ID]",
        "Ask for one of your eligible roles; alone, it opens a form.",
        "activate Security Administrator 2h because ticket 1234",
    ),
    CommandInfo(
        CommandName.AGAIN,
        "again",
        "Ask once more for what you asked for last.",
        "again",
    ),
    CommandInfo(
        CommandName.EXTEND,
        "extend ROLE [by] DURATION",
        "Keep a role that is active for longer.",
        "extend Security Administrator 1h",
    ),
    CommandInfo(
        CommandName.DEACTIVATE,
        "deactivate ROLE",
        "Give an active role back before its time is up.",
        "deactivate Security Administrator",
    ),
    CommandInfo(
        CommandName.CANCEL,
        "cancel",
        "Take back your request that still waits for an approval.",
        "cancel",
    ),
    CommandInfo(
        CommandName.MY_ROLES,
        "my roles",
        "The roles you can ask for, and those that are active until when.",
        "my roles",
    ),
    CommandInfo(
        CommandName.STATUS,
        "status",
        "How your requests stand.",
        "status",
    ),
    CommandInfo(
        CommandName.PENDING,
        "pending",
        "For approvers: the requests that wait for you.",
        "pending",
    ),
    CommandInfo(
        CommandName.WHO_CAN_APPROVE,
        "who can approve ROLE",
        "Who may approve a role that you are eligible for.",
        "who can approve Security Administrator",
    ),
    CommandInfo(
        CommandName.HELP,
        "help",
        "What you can type here.",
        "help",
    ),
    CommandInfo(
        CommandName.SIGN_IN,
        "sign in",
        "Let Second Key act with your own sign-in. It asks by itself when it needs to.",
        "sign in",
        listed=False,
    ),
    CommandInfo(
        CommandName.SIGN_OUT,
        "sign out",
        "Have Second Key forget your sign-in.",
        "sign out",
        listed=False,
    ),
)
"""In the order in which they are shown, everywhere."""

BY_NAME: Final[Mapping[CommandName, CommandInfo]] = MappingProxyType({info.name: info for info in COMMANDS})

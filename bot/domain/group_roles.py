"""PIM for Groups in the language of roles: membership or ownership of one group is a role, keyed by a
string that stands wherever a role definition id does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SCOPE: Final = "/"
"""The directory scope of every such role: it reaches what the group reaches."""

OWNER_SUFFIX: Final = " (owner)"
"""Ends the display name of an owner's role; a member's is the group's name."""

_KEY: Final = re.compile(r"group:([^:\s]+):(member|owner)", re.IGNORECASE)


class Access(StrEnum):
    """What PIM for Groups gives; the values are Graph's ``accessId`` spelling."""

    MEMBER = "member"
    OWNER = "owner"


@dataclass(frozen=True, slots=True, order=True)
class GroupRole:
    """Membership or ownership of a group. ``group_id`` is an object id, lower case."""

    group_id: str
    access: Access

    def __post_init__(self) -> None:
        group_id = self.group_id.strip().lower()
        if not group_id or ":" in group_id or any(map(str.isspace, group_id)):
            raise ValueError("a group's object id is missing or malformed")
        object.__setattr__(self, "group_id", group_id)

    @property
    def key(self) -> str:
        """``group:{id}:member`` or ``group:{id}:owner``."""
        return f"group:{self.group_id}:{self.access.value}"


def of(key: str) -> GroupRole:
    """As ``parse``, of what is known to be one. Raises ``ValueError``."""
    role = parse(key)
    if role is None:
        raise ValueError("this is the key of no group role")
    return role


def parse(key: str) -> GroupRole | None:
    """The group role of a key, any case; None for every other role definition id."""
    found = _KEY.fullmatch(key.strip())
    return GroupRole(found[1], Access(found[2].lower())) if found else None

"""What a row of the permissions table is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.domain.errors import SecondKeyError


class Kind(Enum):
    """As whom Graph is called."""

    APPLICATION = "application"
    DELEGATED = "delegated"


class Feature(Enum):
    """What a call is for; ``asked`` says whether its permissions are asked for by default."""

    CORE = ("core", True, "Intake, cards, separation of duties, deciding")
    GROUPS = ("groups", True, "PIM for Groups: membership and ownership as roles")
    ACTIVATION = ("activation", True, "Requesters: activate, cancel and give back by typing")
    SUBSCRIPTIONS = ("subscriptions", False, "Only with SECONDKEY_SUBSCRIPTIONS: hints by mail or group")
    FALLBACK = ("fallback", False, "Only if Graph leaves out what it was asked to expand")

    def __init__(self, label: str, asked: bool, meaning: str) -> None:
        self.label = label
        self.asked = asked
        self.meaning = meaning


@dataclass(frozen=True, slots=True)
class GraphCall:
    """One kind of call. ``needs`` holds alternatives, the preferred one first; each names all the
    permissions that it takes.
    """

    method: str
    version: str
    path: str
    """``{…}`` stands for one segment that is no function."""
    kind: Kind
    needs: tuple[tuple[str, ...], ...]
    feature: Feature
    why: str
    source: str
    only: str = ""
    """The part of the filter that sets it apart from another row of this path."""

    @property
    def asks(self) -> tuple[str, ...]:
        """The permissions of the preferred alternative."""
        return self.needs[0]

    def is_call(self, method: str, version: str, segments: tuple[str, ...]) -> bool:
        mine = tuple(self.path.split("/"))
        return (
            (self.method, self.version, len(mine)) == (method, version, len(segments))
            and all(segments)
            and all(_fits(a, b) for a, b in zip(mine, segments, strict=True))
        )


def _fits(mine: str, segment: str) -> bool:
    return mine == segment or (mine.startswith("{") and "(" not in segment)


class UndeclaredCallError(SecondKeyError):
    """A call to Graph is not in the permissions table."""

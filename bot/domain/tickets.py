"""Ticket ids in a reason, by patterns that administrators set.

A pattern is a small part of what regular expressions can do, so that none can take long: nothing
is repeated but single characters and classes, and at most two parts vary in length, by up to 32
characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bot.domain.model import Ticket

MAX_PATTERN: Final = 120
_LOOKED_AT: Final = 500
"""Characters of a reason that are searched."""
_MOST: Final = 32
_MOST_VARYING: Final = 2
_MOST_OPTIONAL: Final = 2

_ATOM: Final = r"(?:\\[dw.\-/]|\[(?:\\[dw.\-/]|[A-Za-z0-9_.#/ -])+\]|[A-Za-z0-9_ \-/#:])"
_PART: Final = rf"{_ATOM}(?:\?|\+|\{{[0-9]{{1,2}}(?:,[0-9]{{1,2}})?\}})?"
_SHAPE: Final = re.compile(rf"(?:{_PART})+")
_EACH: Final = re.compile(rf"{_ATOM}(?:(\?)|(\+)|\{{([0-9]+)(?:,([0-9]+))?\}})?")


class TicketPatternError(ValueError):
    """A ticket pattern says what patterns here can't say."""


def checked(pattern: str) -> re.Pattern[str]:
    """The pattern, to be searched for as a word of its own. Raises ``TicketPatternError``, saying
    why.
    """
    if not 0 < len(pattern) <= MAX_PATTERN:
        raise TicketPatternError(f"must have 1 to {MAX_PATTERN} characters")
    if not _SHAPE.fullmatch(pattern):
        raise TicketPatternError(
            "must consist of letters, digits and classes such as [A-Z] and \\d, repeated by ?, + or {n,m}"
        )
    varying = optional = 0
    for maybe, plus, least, most in _EACH.findall(pattern):
        varying += bool(plus or most)
        optional += bool(maybe)
        if int(most or least or 0) > _MOST or (most and int(most) < int(least)):
            raise TicketPatternError(f"must repeat at most {_MOST} times")
    if varying > _MOST_VARYING or optional > _MOST_OPTIONAL:
        raise TicketPatternError(f"must vary in length in at most {_MOST_VARYING} places")
    try:
        return re.compile(rf"(?<![\w-]){pattern.replace('+', f'{{1,{_MOST}}}')}(?![\w-])")
    except re.error as error:
        raise TicketPatternError(str(error)) from None


DEFAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {"ServiceNow": r"[A-Z]{2,5}\d{7,10}", "Jira": r"[A-Z][A-Z0-9]{1,9}-\d{1,7}"}
)
_NO_TICKETS: Final = frozenset(("AES", "CVE", "COVID", "ISO", "MD", "RFC", "RSA", "SHA", "TLS", "UTF"))
"""``SHA-256`` has the shape of a Jira key and is none."""

_ID: Final = r"(?=[\w./-]*[0-9])[A-Za-z0-9](?:[\w./-]{0,62}[A-Za-z0-9])?"
WORD: Final = rf"tickets?(?: ?(?:no\.?|number|id|:))? ?#? ?(?P<ticket>{_ID})(?![\w-])"
"""A ticket named as one (``re.IGNORECASE``)."""
_NAMED: Final = re.compile(rf"\b{WORD}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TicketPatterns:
    """Which tickets are known, by the system they belong to. Build it with ``of``."""

    each: tuple[tuple[str, re.Pattern[str]], ...] = field(repr=False)

    @classmethod
    def of(cls, patterns: Mapping[str, str]) -> TicketPatterns:
        """From patterns by system. Raises ``TicketPatternError``."""
        return cls(tuple((system, checked(pattern)) for system, pattern in patterns.items()))

    def named(self, number: str) -> Ticket:
        """The ticket that somebody called one, in the system whose pattern it fits."""
        for system, pattern in self.each:
            if pattern.fullmatch(number):
                return Ticket(number, system)
        return Ticket(number)

    def find(self, reason: str) -> Ticket | None:
        """The first ticket of a reason: one called a ticket before one that looks like it."""
        searched = reason[:_LOOKED_AT]
        if said := _NAMED.search(searched):
            return self.named(said["ticket"])
        found = sorted(self._alike(searched), key=lambda one: one[0])
        return found[0][1] if found else None

    def _alike(self, reason: str) -> Iterator[tuple[int, Ticket]]:
        for system, pattern in self.each:
            for found in pattern.finditer(reason):
                if found[0].partition("-")[0] not in _NO_TICKETS:
                    yield found.start(), Ticket(found[0], system)
                    break


DEFAULT: Final = TicketPatterns.of(DEFAULTS)

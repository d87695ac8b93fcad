"""A line of a command in its parts: the durations, times and tickets in it, and what lies between."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain import durations, letters, local_times, tickets
from bot.domain.typed import NO_SPAN, Span, Unread

_TIME: Final = local_times.PATTERN
_FILLER: Final = r"(?:please|pls|(?:from |starting |right )?now|asap)"
_PHRASE: Final = re.compile(
    rf"(?<!\S)(?:(?:for )?(?:until|till) (?P<until>{_TIME})"
    rf"|(?:from|starting(?: from| at)?) (?P<start>{_TIME})(?: (?:to|until|till) (?P<end>{_TIME}))?"
    rf"|(?:for |by )?(?P<duration>{durations.PATTERN})"
    rf"|{tickets.WORD}|{_FILLER})(?!\S)",
    re.IGNORECASE,
)
HALF_A_TIME: Final = re.compile(r"(?<!\S)(?:until|till|from|starting)(?!\S)", re.IGNORECASE)
_EDGES: Final = re.compile(rf"^(?:{_FILLER} )+|(?: {_FILLER})+$|^{_FILLER}$", re.IGNORECASE)
_QUOTES: Final = str.maketrans(dict.fromkeys("“”„‟«»", '"'))
_QUOTED: Final = re.compile(r'(?<!\S)"([^"]+)"(?=[\s.,;:!?]|$)')
_HELD: Final = re.compile("\x00([0-9]+)\x00")
_PUNCTUATION: Final = re.compile(r"[,;:!?.]+(?= |$)")
_RESERVED: Final = frozenset(
    (
        *("a", "an", "and", "half", "for", "by", "until", "till", "from", "starting", "to", "on"),
        *("because", "reason", "ticket", "tickets", "please", "pls", "right", "now", "asap"),
    )
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line on which quoted names are held back, so that nothing in them is read."""

    text: str
    _quoted: tuple[str, ...] = ()

    @classmethod
    def of(cls, typed: str) -> Line:
        line, quoted = letters.words(typed).translate(_QUOTES), []

        def hold(found: re.Match[str]) -> str:
            quoted.append(found[1].strip())
            return f"\x00{len(quoted) - 1}\x00"

        if '"' in line:
            line = _QUOTED.sub(hold, line).replace('"', " ")
        return cls(" ".join(_PUNCTUATION.sub(" ", line).split()), tuple(quoted))

    def after(self, position: int) -> Line:
        return replace(self, text=self.text[position:].strip())

    @property
    def name(self) -> str:
        """All of the line as a name, without a ``please`` before or after it."""
        return self.named(_EDGES.sub("", self.text))

    def named(self, piece: str) -> str:
        """A piece of the line as a name: what was held back is put in again."""
        if not self._quoted:
            return piece
        return " ".join(_HELD.sub(lambda held: self._quoted[int(held[1])], piece).split())


@dataclass(frozen=True, slots=True)
class Parts:
    """What a line holds. ``pieces``: what is neither a time, a duration nor a ticket."""

    pieces: tuple[str, ...]
    span: Span = NO_SPAN
    starts_at: datetime | None = None
    ticket: str | None = None
    fault: Unread | None = None
    spans: tuple[str, ...] = ()
    """What was said about how long, in the words it was said in."""


def parts(line: Line, at: datetime, zone: ZoneInfo) -> Parts:
    """The line taken apart. Of several faults the first is told."""
    pieces, found, end = [], [], 0
    for phrase in _PHRASE.finditer(line.text):
        pieces.append(line.text[end : phrase.start()])
        found.append(phrase)
        end = phrase.end()
    pieces.append(line.text[end:])
    between = tuple(piece.strip() for piece in pieces if piece.strip())
    return _read(found, between, at, zone)


def _read(found: list[re.Match[str]], pieces: tuple[str, ...], at: datetime, zone: ZoneInfo) -> Parts:
    said = {name: text for one in found for name, text in one.groupdict().items() if text is not None}
    spans = tuple(one[0] for one in found if one["duration"] or one["until"])
    made = Parts(pieces, ticket=said.get("ticket"), spans=spans)
    if len(spans) + sum(one["end"] is not None for one in found) > 1:
        return replace(made, fault=Unread.TWO_DURATIONS)
    if any(HALF_A_TIME.search(piece) for piece in pieces):
        return replace(made, fault=Unread.BAD_TIME)
    start = local_times.read(said["start"], at, zone) if "start" in said else None
    if "start" in said and start is None:
        return replace(made, fault=Unread.BAD_TIME)
    made = replace(made, starts_at=start)
    if "duration" in said:
        span = Span(duration=durations.read(said["duration"]))
        return replace(made, span=span) if span else replace(made, fault=Unread.BAD_DURATION)
    if until := said.get("until") or said.get("end"):
        span = Span(until=local_times.read(until, at, zone, after=start))
        return replace(made, span=span) if span else replace(made, fault=Unread.BAD_TIME)
    return made


def quoted(name: str) -> str:
    """A name as it can stand on a line: in quotes when something in it would be read otherwise."""
    words = name.split()
    plain = all(word.isalpha() and word.lower() not in _RESERVED for word in words)
    return name if plain and words else f'"{name}"'

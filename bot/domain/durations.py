"""Durations as people write them: ``2h``, ``90m``, ``1h30``, ``2 hours``, ``half an hour``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_HOUR, _DAY = 60, 24 * 60
_MOST: Final = timedelta(days=999)
_LONG: Final = 4 * _DAY
"""From here on days are easier to read than hours."""
_UNITS: Final = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 1),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), _HOUR),
    **dict.fromkeys(("d", "day", "days"), _DAY),
}
"""In minutes. Another language is more words here and below."""
_NUMBERS: Final = {
    **dict.fromkeys(("half a", "half an"), 0.5),
    **dict.fromkeys(("a", "an", "one"), 1.0),
    "two": 2.0,
    "three": 3.0,
    "four": 4.0,
    "five": 5.0,
    "six": 6.0,
    "seven": 7.0,
    "eight": 8.0,
    "nine": 9.0,
    "ten": 10.0,
    "eleven": 11.0,
    "twelve": 12.0,
}


def _any(words: dict[str, int] | dict[str, float]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_DIGITS: Final = r"[0-9]{1,5}(?:[.,][0-9]{1,2})?"
_QUANTITY: Final = rf"(?:{_DIGITS} ?|(?:{_any(_NUMBERS)}) )(?:{_any(_UNITS)})"
PATTERN: Final = (
    rf"(?:(?:pt)?{_QUANTITY}(?:(?: ?, ?| and | ?){_QUANTITY}){{0,2}}(?: and a half|(?<=[a-z])[0-9]{{1,2}})?"
    rf"|[0-9]{{1,2}}:[0-5][0-9] ?(?:h|hours?))"
)
"""One duration on a line of single spaces (``re.IGNORECASE``). What may stand before and after it
is the caller's to say.
"""

_EXACTLY: Final = re.compile(PATTERN, re.IGNORECASE)
_EACH: Final = re.compile(rf"(?:({_DIGITS}) ?|({_any(_NUMBERS)}) )({_any(_UNITS)})(?![a-z])")
_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_TIGHT: Final = re.compile(r"[0-9]+$")


def read(text: str) -> timedelta | None:
    """The duration that ``text`` is, all of it, to the minute. None when it is none at all, or
    several (``2h 3h`` is not five hours), or years.
    """
    if not _EXACTLY.fullmatch(text):
        return None
    text = text.lower()
    if clock := _CLOCK.match(text):
        return _sensible(timedelta(hours=int(clock[1]), minutes=int(clock[2])))
    parts = [(_number(digits or word), _UNITS[unit]) for digits, word, unit in _EACH.findall(text)]
    units = [unit for _, unit in parts]
    if text.endswith(" and a half"):
        parts.append((0.5, units[-1]))
    elif tight := _TIGHT.search(text):
        parts.append((float(tight[0]), 1))
        units.append(1)
    if units != sorted(set(units), reverse=True):
        return None
    return _sensible(timedelta(minutes=round(sum(number * unit for number, unit in parts))))


def _sensible(span: timedelta) -> timedelta | None:
    return span if timedelta(0) < span <= _MOST else None


def _number(text: str) -> float:
    return _NUMBERS.get(text) or float(text.replace(",", "."))


def written(span: timedelta) -> str:
    """``1h30m``: short, and read as the same duration, to the minute."""
    minutes = max(0, int(span.total_seconds()) // 60)
    days = minutes // _DAY if minutes >= _LONG else 0
    hours, minutes = divmod(minutes - days * _DAY, _HOUR)
    parts = (f"{days}d" * bool(days), f"{hours}h" * bool(hours), f"{minutes}m" * bool(minutes))
    return "".join(parts) or "0m"

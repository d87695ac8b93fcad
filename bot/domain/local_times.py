"""Times as people write them, in their own time zone: ``17:00``, ``5pm``, ``tomorrow 9:00``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

_DAYS: Final = {"today": 0, "tomorrow": 1}
_NAMED: Final = {"noon": time(12), "midday": time(12), "midnight": time(0)}
_NOON: Final = 12
"""``until 5`` may be meant for either half of the day; ``until 17`` may not."""

_DAY: Final = "|".join(_DAYS)
_ISO: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[t ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?: ?z|[+-][0-9]{2}:[0-9]{2})?"
_CLOCK: Final = rf"(?:[0-9]{{1,2}}(?:[:.h][0-9]{{2}})?(?: ?[ap]m)?|{'|'.join(_NAMED)})"
PATTERN: Final = rf"(?:{_ISO}|(?:(?:{_DAY}) (?:at )?)?{_CLOCK}(?: (?:{_DAY}))?)"
"""One time on a line of single spaces (``re.IGNORECASE``)."""

_IS_ISO: Final = re.compile(_ISO)
_PARTS: Final = re.compile(
    rf"(?:(?P<before>{_DAY}) (?:at )?)?"
    rf"(?:(?P<hour>[0-9]{{1,2}})(?:[:.h](?P<minute>[0-9]{{2}}))?(?: ?(?P<half>[ap])m)?"
    rf"|(?P<named>{'|'.join(_NAMED)}))"
    rf"(?: (?P<after>{_DAY}))?"
)


def read(text: str, at: datetime, zone: ZoneInfo, *, after: datetime | None = None) -> datetime | None:
    """The next such time after ``after`` (or else ``at``, which is now), in UTC; None when
    ``text`` is no time, or one that is over, or may mean several.

    A time that the clocks skip is read as if they had not been put forward yet; of one that
    comes twice, the first that is still to come is meant.
    """
    text, after = text.lower(), after or at
    try:
        if _IS_ISO.fullmatch(text):
            local = datetime.fromisoformat(text.replace(" z", "z").upper())
            return _first(_both(local) if local.tzinfo else _both(local.replace(tzinfo=zone)), after)
        found = _PARTS.fullmatch(text)
        return None if found is None else _next(found, at.astimezone(zone), after.astimezone(zone))
    except (ValueError, OverflowError):
        return None


def _next(found: re.Match[str], at: datetime, after: datetime) -> datetime | None:
    day = found["before"] or found["after"]
    clock, late = _clock(found)
    if clock is None or (found["before"] and found["after"]) or (day and found["named"] == "midnight"):
        return None
    days = [at.date() + timedelta(_DAYS[day])] if day else [after.date() + timedelta(n) for n in range(3)]
    moments = (_both(datetime.combine(one + late, clock, at.tzinfo)) for one in days)
    return _first(chain.from_iterable(moments), after)


def _clock(found: re.Match[str]) -> tuple[time | None, timedelta]:
    """The time of day; ``24:00`` is that of the day after."""
    if found["named"]:
        return _NAMED[found["named"]], timedelta()
    hour, minute, half = int(found["hour"]), int(found["minute"] or 0), found["half"]
    if half:
        return (time(hour % 12 + 12 * (half == "p"), minute) if 1 <= hour <= _NOON else None), timedelta()
    if found["minute"] is None and hour <= _NOON:
        return None, timedelta()
    if (hour, minute) == (24, 0):
        return time(0), timedelta(days=1)
    return time(hour, minute), timedelta()


def _both(local: datetime) -> tuple[datetime, datetime]:
    return local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def _first(moments: Iterable[datetime], after: datetime) -> datetime | None:
    return next((moment for moment in moments if moment > after), None)


def written(at: datetime) -> str:
    """Unmistakable, and read as the same time whatever the zone, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

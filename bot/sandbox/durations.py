"""ISO 8601 durations and Graph's timestamps."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def parse_duration(text: str) -> timedelta:
    """``PT2H30M`` and the like. Raises ``ValueError``, also for ``2:30:00``."""
    match = _DURATION.fullmatch(text)
    if match is None or text == "P":
        raise ValueError(text)
    return timedelta(**{unit: float(value) for unit, value in match.groupdict().items() if value})


def parse_time(text: str) -> datetime:
    """An ISO 8601 time; one without a zone is UTC, as in Graph. Raises ``ValueError``."""
    parsed = datetime.fromisoformat(text)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def graph_time(at: datetime | None) -> str | None:
    """``2026-01-31T12:00:00.1234567Z`` without the seventh digit: Graph omits trailing zeros."""
    if at is None:
        return None
    text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"

"""ISO 8601 durations, both ways.

Kiota writes ``timedelta(hours=5, minutes=30)`` as ``"5:30:00"``, which is no ISO duration, so
durations cross this border as strings made and read here.
"""

from __future__ import annotations

import re
from datetime import timedelta

_SHAPE = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.IGNORECASE | re.ASCII,
)


def iso_duration(span: timedelta) -> str:
    """``timedelta(hours=2)`` → ``"PT2H"``. Raises ``ValueError`` unless positive, whole seconds."""
    if span <= timedelta(0) or span.microseconds:
        raise ValueError(f"not a duration PIM understands: {span!r}")
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    time = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    return "P" + (f"{span.days}D" if span.days else "") + (f"T{time}" if time else "")


def parse_iso_duration(text: str) -> timedelta:
    """``"PT5H30M"`` → five and a half hours.

    Raises ``ValueError``, also for years and months, which have no fixed length.
    """
    found = _SHAPE.fullmatch(text.strip())
    parts = {unit: float(n) for unit, n in found.groupdict().items() if n} if found else {}
    if not parts:
        raise ValueError(f"not an ISO 8601 duration of fixed length: {text!r}")
    return timedelta(**parts)

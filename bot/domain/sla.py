"""The escalation ladder: when ops are pinged about a request that nobody has decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.model import SlaPlan


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder; numbered from 1."""

    number: int
    due_at: datetime


def plan(first: timedelta, further: tuple[timedelta, ...] = (), repeat: timedelta | None = None) -> SlaPlan:
    """A ladder: its first rung, further rungs (offsets from the request's creation, in any
    order), then again every ``repeat``. Raises ``ValueError`` for an offset that is not later
    than nothing.
    """
    offsets = tuple(sorted({first, *further}))
    if offsets[0] <= timedelta(0) or (repeat is not None and repeat <= timedelta(0)):
        raise ValueError("a rung comes after the request, not with or before it")
    return SlaPlan(offsets, repeat)


def offset(ladder: SlaPlan, number: int) -> timedelta | None:
    """When rung ``number`` is due after the request's creation; None past the ladder's end."""
    if number <= len(ladder.rungs):
        return ladder.rungs[number - 1]
    if ladder.repeat is None:
        return None
    return ladder.rungs[-1] + ladder.repeat * (number - len(ladder.rungs))


def next_rung(
    ladder: SlaPlan, fired: int, requested_at: datetime, expires_at: datetime, at: datetime
) -> Rung | None:
    """The rung that comes after ``fired`` (0: none yet), None when the ladder or the request
    ends before. Rungs that were missed while nobody watched are not fired one by one: of those
    already due at ``at`` only the latest counts.
    """
    found: Rung | None = None
    number = fired + 1
    while (after := offset(ladder, number)) is not None and requested_at + after < expires_at:
        if found is not None and requested_at + after > at:
            break
        found = Rung(number, requested_at + after)
        number += 1
        if found.due_at > at:
            break
    return found

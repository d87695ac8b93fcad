"""When somebody who keeps trying to decide what they may not is reported to ops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries within so long are reported, once in so long."""

    tries: int = 5
    window: timedelta = timedelta(minutes=10)


def to_report(tries: Sequence[datetime], reported: datetime | None, limit: Limit) -> tuple[datetime, ...]:
    """The tries of the latest window that has enough of them; none when nothing is to be reported.

    ``tries`` in order of time; ``reported`` is when the last reported try was. A report covers the
    window after it too, so that one who goes on trying is not reported again and again.
    """
    for end in range(len(tries), limit.tries - 1, -1):
        until = tries[end - 1]
        if reported is not None and until <= reported + limit.window:
            break
        within = tuple(one for one in tries[:end] if until - one <= limit.window)
        if len(within) >= limit.tries:
            return within
    return ()

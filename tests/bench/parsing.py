"""(e) What reading a typed command costs."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.commands import COMMANDS
from bot.domain.grammar import parse
from bot.domain.role_names import Candidate, resolve
from tests.bench.figures import Row, percentile

_AIM_US: Final = 100
_AT: Final = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
_ZONE: Final = ZoneInfo("Europe/Berlin")
_LONG: Final = (
    "activate Windows 365 Administrator on Berlin office for 1 hour and 30 minutes from tomorrow 9:00 "
    "because INC0012345 took the mail of the Berlin office down"
)
_ROLES: Final = tuple(
    Candidate(str(n), (f"{kind} {n} Administrator",)) for n in range(50) for kind in ("A", "B")
)


def measure(*, rounds: int) -> list[Row]:
    """Every example of the table, a long activation, and the nearest command to nonsense."""
    texts = [info.example for info in COMMANDS]
    each = [_microseconds(text, rounds) for text in texts]
    median, most = percentile(each, 0.5), max(each)
    activation, longest = each[0], _microseconds(_LONG, rounds)
    nonsense = _microseconds("actvate Security Administrator 2h because x", rounds)
    began = perf_counter()
    for _ in range(rounds):
        resolve("B 49 Admin", _ROLES)
    resolved = (perf_counter() - began) / rounds * 1e6
    return [
        Row(
            "(e) reading a typed command",
            f"median {median:.0f} µs, activate {activation:.0f} µs, most {most:.0f} µs",
            f"median below {_AIM_US} µs",
            met=median < _AIM_US,
        ),
        Row("(e) the same, with everything that can be said", f"{longest:.0f} µs"),
        Row("(e) finding the command that nonsense is nearest to", f"{nonsense:.0f} µs"),
        Row(f"(e) finding the role that is meant among {len(_ROLES)}", f"{resolved:.0f} µs"),
    ]


def _microseconds(text: str, rounds: int) -> float:
    """The median of single runs."""
    took = []
    for _ in range(rounds):
        began = perf_counter()
        parse(text, _AT, _ZONE)
        took.append((perf_counter() - began) * 1e6)
    return percentile(took, 0.5)

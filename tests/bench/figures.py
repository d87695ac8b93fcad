"""Rows of figures: what was measured, what is aimed for, whether that was met; and how they are shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

_VERDICTS: Final = {True: "met", False: "MISSED", None: ""}
_HEAD: Final = ("", "measured", "aim", "verdict")


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    measured: str
    aim: str = ""
    met: bool | None = None
    must: bool = False
    """Missing the aim fails the whole run."""

    def cells(self) -> tuple[str, str, str, str]:
        return self.what, self.measured, self.aim, _VERDICTS[self.met]


def percentile(values: Sequence[float], share: float) -> float:
    """By nearest rank: a value that was really measured."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(milliseconds: Sequence[float]) -> str:
    half, most = percentile(milliseconds, 0.5), percentile(milliseconds, 0.99)
    return f"p50 {half:,.1f} ms, p99 {most:,.1f} ms"


def show(rows: Sequence[Row]) -> None:
    table = Table(*_HEAD, title="Second Key, measured")
    for row in rows:
        style = {True: "green", False: "bold red", None: ""}[row.met]
        table.add_row(*row.cells(), style=style)
    Console(width=120).print(table)


def markdown(rows: Sequence[Row]) -> str:
    lines = [_HEAD, ("---",) * len(_HEAD), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)

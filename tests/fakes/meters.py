"""Figures, written down. Stricter than Prometheus: a label too few or too many is an error here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.telemetry.instruments import Instrument

Key = tuple[str, frozenset[tuple[str, str]]]


@dataclass
class RecordingMeters:
    """``instruments.Meters``."""

    seen: dict[Key, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, to: Instrument, amount: float, labels: Mapping[str, str]) -> None:
        self._write(to, amount, labels)

    def put(self, to: Instrument, value: float, labels: Mapping[str, str]) -> None:
        self._write(to, value, labels)

    def observe(self, to: Instrument, value: float, labels: Mapping[str, str]) -> None:
        self._write(to, value, labels)

    def values(self, of: Instrument, **labels: str) -> list[float]:
        return list(self.seen.get((of.name, frozenset(labels.items())), ()))

    def _write(self, to: Instrument, value: float, labels: Mapping[str, str]) -> None:
        assert labels.keys() == to.labels.keys(), f"{to.name} has the labels {sorted(to.labels)}"
        self.seen[to.name, frozenset(labels.items())].append(value)

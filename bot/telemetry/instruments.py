"""Counters, gauges and histograms that know nothing of where their figures go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol

PREFIX: Final = "secondkey_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One metric. ``labels`` says of each label what it can be: never an identity, never free text."""

    name: str
    """Without prefix; with its unit, and ``_total`` for counters, as Prometheus wants it."""
    tells: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    kind: ClassVar[str]

    @property
    def full_name(self) -> str:
        return PREFIX + self.name


class Meters(Protocol):
    """Where figures go. Must not raise: counting never stops the work that is counted."""

    def add(self, to: Instrument, amount: float, labels: Mapping[str, str]) -> None: ...

    def put(self, to: Instrument, value: float, labels: Mapping[str, str]) -> None: ...

    def observe(self, to: Instrument, value: float, labels: Mapping[str, str]) -> None: ...


class _Nowhere:
    """Nobody is asking."""

    def add(self, to: Instrument, amount: float, labels: Mapping[str, str]) -> None: ...

    def put(self, to: Instrument, value: float, labels: Mapping[str, str]) -> None: ...

    def observe(self, to: Instrument, value: float, labels: Mapping[str, str]) -> None: ...


_meters: Meters = _Nowhere()


@contextmanager
def measured_by(meters: Meters) -> Iterator[None]:
    """Send this process's figures there until the block ends."""
    global _meters  # noqa: PLW0603 - like logging, one a process: instruments are used from everywhere
    before, _meters = _meters, meters
    try:
        yield
    finally:
        _meters = before


class Counter(Instrument):
    """Only grows."""

    __slots__ = ()
    kind: ClassVar[str] = "counter"

    def add(self, amount: float = 1, **labels: str) -> None:
        _meters.add(self, amount, labels)


class Gauge(Instrument):
    """Goes up and down."""

    __slots__ = ()
    kind: ClassVar[str] = "gauge"

    def put(self, value: float, **labels: str) -> None:
        _meters.put(self, value, labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram(Instrument):
    """How often, how much in all, and how it is spread."""

    kind: ClassVar[str] = "histogram"
    buckets: tuple[float, ...]

    def observe(self, value: float, **labels: str) -> None:
        _meters.observe(self, value, labels)

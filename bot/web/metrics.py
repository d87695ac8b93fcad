"""``GET /metrics`` for Prometheus, on a listener of its own: figures about who is late and what is
refused are nobody's business on the port that the internet reaches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from bot.telemetry import instruments, metrics

_STORE_SECONDS: Final = 3.0
_Meter = Counter | Gauge | Histogram

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How one kind of effect stands in the store."""

    kind: str
    pending: int
    overdue_seconds: float
    attempts: int


Backlogs = Callable[[], Awaitable[Sequence[Backlog]]]


class PrometheusMeters:
    """``instruments.Meters`` in a registry of its own."""

    def __init__(self) -> None:
        # Of each counter the time of its birth, which nobody asks for: a sixth of the page.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._meters: dict[str, _Meter] = {one.name: self._made(one) for one in metrics.ALL}

    def add(self, to: instruments.Instrument, amount: float, labels: Mapping[str, str]) -> None:
        meter = self._meter(to, labels)
        if isinstance(meter, Counter):
            meter.inc(amount)

    def put(self, to: instruments.Instrument, value: float, labels: Mapping[str, str]) -> None:
        meter = self._meter(to, labels)
        if isinstance(meter, Gauge):
            meter.set(value)

    def observe(self, to: instruments.Instrument, value: float, labels: Mapping[str, str]) -> None:
        meter = self._meter(to, labels)
        if isinstance(meter, Histogram):
            meter.observe(value)

    def forget(self, *of: instruments.Instrument) -> None:
        """Drop every label value of these, to be filled anew."""
        for one in of:
            self._meters[one.name].clear()

    def page(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)

    def _made(self, one: instruments.Instrument) -> _Meter:
        names = tuple(one.labels)
        match one:
            case instruments.Counter():
                return Counter(one.full_name, one.tells, names, registry=self.registry)
            case instruments.Gauge():
                return Gauge(one.full_name, one.tells, names, registry=self.registry)
            case instruments.Histogram():
                return Histogram(one.full_name, one.tells, names, registry=self.registry, buckets=one.buckets)
        raise TypeError(f"{one.name} is of no kind that Prometheus has")

    def _meter(self, to: instruments.Instrument, labels: Mapping[str, str]) -> _Meter | None:
        meter = self._meters.get(to.name)
        if meter is None or labels.keys() != to.labels.keys():
            # A fault of ours that a test should have found; not worth a decision.
            log.error("metric_misused", metric=to.name, labels=sorted(labels))
            return None
        return meter.labels(**labels) if labels else meter


def metrics_app(meters: PrometheusMeters, backlogs: Backlogs) -> web.Application:
    """The application behind the metrics port."""

    async def read(_request: web.Request) -> web.Response:
        await _look_at_store(meters, backlogs)
        return web.Response(body=meters.page(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/metrics", read)])
    return app


async def _look_at_store(meters: PrometheusMeters, backlogs: Backlogs) -> None:
    """Of the backlog nothing is told while the store can't be read: an old figure would look well."""
    meters.forget(metrics.EFFECTS_PENDING, metrics.EFFECTS_OVERDUE, metrics.EFFECTS_ATTEMPTS)
    try:
        async with asyncio.timeout(_STORE_SECONDS):
            found = await backlogs()
    except (ConnectionError, TimeoutError) as error:
        log.warning("metrics_without_store", error=type(error).__name__)
        meters.put(metrics.STORE_UP, 0, {})
        return
    meters.put(metrics.STORE_UP, 1, {})
    for one in found:
        labels = {"kind": one.kind}
        meters.put(metrics.EFFECTS_PENDING, one.pending, labels)
        meters.put(metrics.EFFECTS_OVERDUE, one.overdue_seconds, labels)
        meters.put(metrics.EFFECTS_ATTEMPTS, one.attempts, labels)

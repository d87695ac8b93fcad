"""Calls to Microsoft's services: one span and one figure for each attempt."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.trace import SpanKind, Status, StatusCode

from bot.telemetry import metrics
from bot.telemetry.context import span

_FIRST_ERROR = 400


@dataclass(slots=True)
class Outcome:
    """To be filled in by whoever makes the call; stays None when no answer came."""

    status: int | None = None


@contextmanager
def calling(service: str, operation: str) -> Iterator[Outcome]:
    """Around one attempt. ``operation`` must hold no ids."""
    outcome = Outcome()
    began = time.monotonic()
    try:
        with span(f"{service} {operation}", SpanKind.CLIENT, **{"peer.service": service}) as opened:
            yield outcome
            if outcome.status is not None:
                opened.set_attribute("http.response.status_code", outcome.status)
                if outcome.status >= _FIRST_ERROR:
                    opened.set_status(Status(StatusCode.ERROR, str(outcome.status)))
    finally:
        metrics.UPSTREAM_SECONDS.observe(
            time.monotonic() - began,
            service=service,
            operation=operation,
            status=str(outcome.status or "none"),
        )

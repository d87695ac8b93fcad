"""Spans, kept in memory. A process has one tracer provider, so this one is set once and emptied."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bot.tracing import made

_exporter = InMemorySpanExporter()
_set = False


def kept() -> InMemorySpanExporter:
    """The exporter, empty. From the first call on, this process makes spans."""
    global _set  # noqa: PLW0603
    if not _set:
        trace.set_tracer_provider(made(_exporter, at_once=True))
        _set = True
    _exporter.clear()
    return _exporter


def trace_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.trace_id

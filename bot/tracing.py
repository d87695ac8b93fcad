"""Where spans go: nowhere, to an OTLP collector, or to Azure Monitor.

Addresses and keys come from the variables these exporters document (``OTEL_EXPORTER_OTLP_ENDPOINT``,
``APPLICATIONINSIGHTS_CONNECTION_STRING``, ``OTEL_TRACES_SAMPLER``), and each is an extra to install.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Final, Literal

import structlog
from opentelemetry import trace

from bot.domain.errors import MisconfiguredError
from bot.telemetry.context import SCOPE

Traces = Literal["off", "otlp", "azure-monitor"]

_FLUSH_SECONDS: Final = 1.0
_MODULES: Final = {
    "otlp": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "azure-monitor": "azure.monitor.opentelemetry.exporter",
}
_SERVICE: Final = "second-key"

log = structlog.get_logger(__name__)


class TracingError(MisconfiguredError):
    """Traces can't be sent as the settings ask."""


@contextmanager
def exporting(to: Traces) -> Iterator[None]:
    """Export spans until the block ends, then send what is left, for a second at most. Raises
    ``TracingError`` when the extra is missing or its variables are.
    """
    if to == "off":
        yield
        return
    provider = made(_exporter(to))
    trace.set_tracer_provider(provider)
    log.info("traces_exported", to=to)
    try:
        yield
    finally:
        _flush(provider)


def _flush(provider: Any) -> None:
    """In a thread that nobody waits for: ``force_flush`` heeds no timeout (opentelemetry-sdk 1.45)."""
    flushing = threading.Thread(target=provider.force_flush, name="last-traces", daemon=True)
    flushing.start()
    flushing.join(_FLUSH_SECONDS)
    if flushing.is_alive():
        log.warning("last_traces_not_sent", waited_seconds=_FLUSH_SECONDS)


def is_installed(to: Traces) -> bool:
    """Whether there is an exporter for it."""
    try:
        return to == "off" or find_spec(_MODULES[to]) is not None
    except ModuleNotFoundError:  # of a package above it
        return False


def made(exporter: Any, *, at_once: bool = False) -> Any:
    """A tracer provider that hands our own spans to an exporter: those of the Graph SDK hold URLs
    with people's ids in them.
    """
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - only for those who want traces
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415
        BatchSpanProcessor,
        SimpleSpanProcessor,
        SpanExporter,
        SpanExportResult,
    )

    class OursOnly(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            ours = [one for one in spans if _is_ours(one)]
            return exporter.export(ours) if ours else SpanExportResult.SUCCESS

        def shutdown(self) -> None:
            exporter.shutdown()

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return bool(exporter.force_flush(timeout_millis))

    def _is_ours(span: ReadableSpan) -> bool:
        return span.instrumentation_scope is not None and span.instrumentation_scope.name == SCOPE

    resource = Resource.create({"service.name": _SERVICE, "service.version": version("second-key")})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    processor = SimpleSpanProcessor if at_once else BatchSpanProcessor
    provider.add_span_processor(processor(OursOnly()))
    return provider


def _exporter(to: Traces) -> Any:
    try:
        if to == "otlp":
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter,
            )

            return OTLPSpanExporter()
        from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter  # noqa: PLC0415

        return AzureMonitorTraceExporter()
    except ImportError as error:
        raise TracingError(
            f"SECONDKEY_TRACES={to} needs an exporter that is not installed: pip install 'second-key[{to}]'"
        ) from error
    except ValueError as error:
        # Without its text, which may quote a connection string.
        raise TracingError(
            f"SECONDKEY_TRACES={to}: its exporter found no usable address; set"
            f" {'APPLICATIONINSIGHTS_CONNECTION_STRING' if to != 'otlp' else 'OTEL_EXPORTER_OTLP_ENDPOINT'}"
        ) from error

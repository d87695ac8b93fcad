"""What is being done here, and because of what: request ids in every line, spans, and both carried
through the effect queue.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from opentelemetry import context as spans
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from structlog.contextvars import bound_contextvars

ORIGIN: Final = "origin"
"""The key of an effect's payload under which its origin travels."""
POLL: Final = "poll"
SCOPE: Final = "secondkey"
"""Instrumentation scope of all our spans; spans of libraries are not exported (``bot.tracing``)."""

Attribute = str | int | float | bool


@dataclass(frozen=True, slots=True)
class _Origin:
    request_id: str
    signal: str


_current: ContextVar[_Origin | None] = ContextVar("secondkey_origin", default=None)
_tracer: Final = trace.get_tracer(SCOPE)


def new_request_id() -> str:
    """Not a port's: it identifies nothing but log lines, and tests have no use for a fixed one."""
    return secrets.token_hex(8)


def signal() -> str:
    """What set the present work going: ``poll`` unless something told us to look."""
    held = _current.get()
    return held.signal if held else POLL


@contextmanager
def originating(signal: str = POLL, request_id: str | None = None, **fields: Attribute) -> Iterator[str]:
    """Everything logged, enqueued and counted in the block belongs to one request id, which is
    yielded; ``fields`` are bound to each log line too.
    """
    origin = _Origin(request_id or new_request_id(), signal)
    held = _current.set(origin)
    try:
        with bound_contextvars(request_id=origin.request_id, **fields):
            yield origin.request_id
    finally:
        _current.reset(held)


@contextmanager
def span(name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: Attribute) -> Iterator[trace.Span]:
    """A span of ours. An error marks it with its type only: messages may quote what people wrote."""
    with _tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as opened:
        try:
            yield opened
        except BaseException as error:
            opened.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def with_origin(payload: Mapping[str, Any], due_at: datetime) -> dict[str, Any]:
    """The payload of an effect about to be written down, with what it originates in."""
    origin = _current.get()
    if origin is None:
        return dict(payload)
    carried: dict[str, str] = {}
    propagate.inject(carried)
    told = {"request_id": origin.request_id, "signal": origin.signal, "due": due_at.isoformat(), **carried}
    return {**payload, ORIGIN: told}


@contextmanager
def carrying_out(kind: str, key: str, due_at: datetime, payload: Mapping[str, Any]) -> Iterator[None]:
    """The work of one effect, under the request id and in the trace it originates in.

    A periodic row keeps the payload of whoever woke it last, so that an origin counts only for the run
    that it brought forward.
    """
    told = payload.get(ORIGIN)
    origin = told if isinstance(told, dict) and _still_counts(told, due_at) else {}
    fields = {"effect": key}
    if isinstance(payload.get("request"), str):
        fields["request"] = payload["request"]
    signal, request_id = str(origin.get("signal") or POLL), origin.get("request_id")
    with (
        originating(signal, str(request_id) if request_id else None, **fields),
        _within(origin),
        span(f"effect {kind}", SpanKind.CONSUMER, effect=key),
    ):
        yield


def _still_counts(origin: Mapping[str, Any], due_at: datetime) -> bool:
    try:
        return due_at <= datetime.fromisoformat(str(origin["due"]))
    except (KeyError, TypeError, ValueError):
        return False


@contextmanager
def _within(origin: Mapping[str, Any]) -> Iterator[None]:
    token = spans.attach(propagate.extract({k: str(v) for k, v in origin.items()}))
    try:
        yield
    finally:
        spans.detach(token)

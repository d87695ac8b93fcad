"""What every request to the bot gets, whichever endpoint it is for: an id, a span, a measurement.

The id is ours and answered as ``X-Request-Id``, so that somebody can quote it. One that is sent is
ignored, like a ``traceparent``: endpoints are open to strangers, and a stranger's id could be made to
look like somebody else's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from opentelemetry.trace import SpanKind

from bot.telemetry import metrics
from bot.telemetry.context import POLL, originating, span
from bot.web.refusals import deferral

HEADER: Final = "X-Request-Id"
SIGNALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "/api/messages": "command",
        "/api/notifications": "subscription",
        "/api/lifecycle": "subscription",
    }
)
"""What a request taken in because of a call to this endpoint counts as coming from."""
_FAILED: Final = 500
_PROBES: Final = frozenset({"/healthz", "/readyz"})
"""Asked every few seconds: no spans of these."""


class Doors:
    """Whether anything is let in still, and how many are inside."""

    def __init__(self) -> None:
        self.open = True
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def close(self) -> None:
        """From now on everybody is asked to come back, to a replica that goes on."""
        self.open = False

    @contextmanager
    def inside(self) -> Iterator[None]:
        """While a request is being answered."""
        self._inside += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    async def left(self, seconds: float) -> None:
        """Return when nobody is inside, or after so many seconds: a sign-in that comes back carries out the
        decision it was for before it is answered.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()


def arrivals(doors: Doors) -> Middleware:
    """The outermost middleware."""

    @web.middleware
    async def arrive(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        endpoint = resource.canonical if resource else "other"
        loop = asyncio.get_running_loop()
        began, status = loop.time(), _FAILED
        try:
            with (
                doors.inside(),
                originating(SIGNALS.get(endpoint, POLL)) as request_id,
                _spanned(request.method, endpoint),
            ):
                try:
                    answer = await handler(request) if doors.open else _closed()
                except web.HTTPException as refusal:  # aiohttp's way to say 404 and 405
                    status = refusal.status
                    refusal.headers[HEADER] = request_id
                    raise
                status = answer.status
                answer.headers[HEADER] = request_id
                return answer
        finally:
            metrics.HTTP_SECONDS.observe(loop.time() - began, endpoint=endpoint, status=str(status))

    return arrive


def _closed() -> web.Response:
    answer = deferral()
    answer.force_close()  # kept alive, the connection would come back here
    return answer


@contextmanager
def _spanned(method: str, endpoint: str) -> Iterator[None]:
    if endpoint in _PROBES:
        yield
        return
    with span(f"{method} {endpoint}", SpanKind.SERVER):
        yield

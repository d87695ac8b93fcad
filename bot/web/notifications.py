"""``POST /api/notifications`` and ``/api/lifecycle``: written down, then answered, within
Graph's three seconds. What comes in only wakes reconciliation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from aiohttp import web

from bot.domain.errors import ForbiddenError, InboundError
from bot.inbound.notifications import parse_notifications, parse_validation
from bot.service.subscribe import Subscriber

_BODY_LIMIT: Final = 256 * 1024

log = structlog.get_logger(__name__)


def routes(subscriber: Subscriber, poke: Callable[[], None]) -> list[web.RouteDef]:
    """Both endpoints. ``poke`` tells the effect runner that something is due."""

    async def receive(request: web.Request) -> web.Response:
        try:
            return await _receive(request, subscriber, poke)
        except InboundError as error:
            log.warning("inbound_refused", path=request.path, cause=error.cause, status=error.status)
            return web.json_response(
                {"error": {"code": error.cause, "message": str(error)}}, status=error.status
            )

    return [web.post("/api/notifications", receive), web.post("/api/lifecycle", receive)]


async def _receive(request: web.Request, subscriber: Subscriber, poke: Callable[[], None]) -> web.Response:
    token = parse_validation(request.query.get("validationToken"))
    if token is not None:
        # nosniff: the token is a stranger's, and must never be taken for a page.
        return web.Response(
            text=token, content_type="text/plain", headers={"X-Content-Type-Options": "nosniff"}
        )
    notifications = parse_notifications(await body_of(request, _BODY_LIMIT))
    if not await subscriber.heard(notifications):
        raise ForbiddenError("no such subscription of ours", cause="client-state")
    poke()
    return web.Response(status=202)


async def body_of(request: web.Request, limit: int) -> bytes:
    """The body. Raises ``InboundError`` (413) past ``limit`` bytes, read no further."""
    chunks = bytearray()
    async for chunk in request.content.iter_any():
        chunks += chunk
        if len(chunks) > limit:
            error = InboundError("the body is too large", cause="too-large")
            error.status = 413
            raise error
    return bytes(chunks)

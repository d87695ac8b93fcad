"""``POST /api/notifications`` and ``/api/lifecycle``: written down, then answered, within
Graph's three seconds. What comes in only wakes reconciliation.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from aiohttp import web

from bot.domain.errors import ForbiddenError, InboundError
from bot.inbound.notifications import parse_notifications, parse_validation
from bot.service.subscribe import Subscriber
from bot.web.bodies import read_body
from bot.web.refusals import deferral, refusal

log = structlog.get_logger(__name__)


def routes(subscriber: Subscriber, poke: Callable[[], None]) -> list[web.RouteDef]:
    """Both endpoints. ``poke`` tells the effect runner that something is due."""

    async def receive(request: web.Request) -> web.Response:
        try:
            return await _receive(request, subscriber, poke)
        except InboundError as error:
            log.warning("inbound_refused", path=request.path, cause=error.cause, status=error.status)
            return refusal(error)
        except ConnectionError as error:
            # The store is down. Graph delivers again after a 5xx, for up to four hours.
            log.warning("inbound_deferred", path=request.path, error=type(error).__name__)
            return deferral()

    return [web.post("/api/notifications", receive), web.post("/api/lifecycle", receive)]


async def _receive(request: web.Request, subscriber: Subscriber, poke: Callable[[], None]) -> web.Response:
    token = parse_validation(request.query.get("validationToken"))
    if token is not None:
        # nosniff: the token is a stranger's, and must never be taken for a page.
        return web.Response(
            text=token, content_type="text/plain", headers={"X-Content-Type-Options": "nosniff"}
        )
    notifications = parse_notifications(await read_body(request))
    if not await subscriber.heard(notifications):
        raise ForbiddenError("no such subscription of ours", cause="client-state")
    poke()
    return web.Response(status=202)

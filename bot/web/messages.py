"""``POST /api/messages``: where the Bot Connector delivers activities.

Reads, parses, verifies, hands on, answers. Whatever arrives, the answer is the status it deserves:
4xx for the sender's faults, 503 while tokens can't be judged, and 500 only for our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import structlog
from aiohttp import web

from bot.domain.errors import InboundError, UnavailableError, UnknownKeyError
from bot.inbound.activities import parse_activity
from bot.inbound.tokens import ChannelKey, Verified, verify_channel_token
from bot.ports import Clock, Ids, Turns
from bot.web.bodies import read_body
from bot.web.refusals import deferral, refusal

_log = structlog.get_logger(__name__)


class KeySource(Protocol):
    """Where signing keys come from: ``bot.web.keys.ChannelKeys``."""

    async def current(self) -> Mapping[str, ChannelKey]:
        """Raises ``UnavailableError``."""

    async def refreshed(self, seen: Mapping[str, ChannelKey]) -> Mapping[str, ChannelKey]: ...


class _MediaTypeError(InboundError):
    """The body has to be application/json."""

    status = 415


class MessagesEndpoint:
    """The endpoint with what it needs.

    ``app_id`` is the bot's client id, the audience that tokens must name; ``issuer`` who must have
    issued them. An empty one is refused (``ValueError``), since it would switch checking off.
    """

    def __init__(
        self, turns: Turns, keys: KeySource, *, app_id: str, issuer: str, clock: Clock, ids: Ids
    ) -> None:
        if not app_id or not issuer:
            raise ValueError("channel tokens can't be verified without an app id and an issuer")
        self._turns = turns
        self._keys = keys
        self._app_id = app_id
        self._issuer = issuer
        self._clock = clock
        self._ids = ids

    async def post(self, request: web.Request) -> web.Response:
        """Answer one delivery; never raises, except when the server itself stops."""
        try:
            return await self._turn(request)
        except InboundError as error:
            _log.warning("inbound_refused", cause=error.cause, status=error.status)
            return refusal(error)
        except UnavailableError as error:
            _log.warning("inbound_deferred", error=str(error))
            return deferral()
        except Exception:  # noqa: BLE001 - the outermost edge: a stranger gets an incident id, the log the rest
            incident = self._ids.new_id()
            _log.exception("inbound_failed", incident=incident)
            return web.json_response({"error": {"code": "internal", "incident": incident}}, status=500)

    async def _turn(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise _MediaTypeError(cause="not-json")
        activity = parse_activity(await read_body(request))
        verified = await self._verify(request.headers.get("Authorization"), activity)
        answer = await self._turns.run(activity, verified.claims)
        if answer.body is None:
            return web.Response(status=answer.status)
        return web.json_response(answer.body, status=answer.status)

    async def _verify(self, authorization: str | None, activity: Mapping[str, Any]) -> Verified:
        keys = await self._keys.current()
        try:
            return self._judge(authorization, activity, keys)
        except UnknownKeyError:
            renewed = await self._keys.refreshed(keys)
            if renewed is keys:
                raise
        return self._judge(authorization, activity, renewed)

    def _judge(
        self, authorization: str | None, activity: Mapping[str, Any], keys: Mapping[str, ChannelKey]
    ) -> Verified:
        return verify_channel_token(
            authorization, activity, keys, app_id=self._app_id, issuer=self._issuer, at=self._clock.now()
        )


def routes(endpoint: MessagesEndpoint) -> list[web.RouteDef]:
    """The messaging endpoint's only route."""
    return [web.post("/api/messages", endpoint.post)]

"""The Bot Connector's conversations, over the pooled session.

``Conversations`` is the service as the channel adapter uses it; ``PooledConnectorFactory`` makes
botbuilder's turns use it too, in place of an SDK client that blocks threads and asks for a new
token with every turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from botbuilder.schema import Activity, ResourceResponse
from botframework.connector.auth.connector_factory import ConnectorFactory

from bot.domain.errors import ChannelRefusedError
from bot.teams.http import BotHttp
from bot.teams.wire import to_wire

_MAX_KNOWN = 256


class Conversations:
    """``/v3/conversations`` under one service URL, in plain JSON. Raises ``ChannelError``s."""

    def __init__(self, http: BotHttp, base: str) -> None:
        self._http = http
        self._base = f"{base}v3/conversations"

    async def create(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """A new conversation; the answer holds ``id`` and ``activityId``."""
        return _mapping(await self._http.call("POST", self._base, parameters))

    async def send(self, conversation_id: str, activity: Mapping[str, Any]) -> str | None:
        """Post an activity; the answer is its id."""
        url = f"{self._base}/{_segment(conversation_id)}/activities"
        return _id(await self._http.call("POST", url, activity))

    async def reply(self, conversation_id: str, to: str, activity: Mapping[str, Any]) -> str | None:
        """Post an activity in answer to another; the answer is its id."""
        return _id(await self._http.call("POST", self._activity(conversation_id, to), activity))

    async def update(self, conversation_id: str, activity_id: str, activity: Mapping[str, Any]) -> str | None:
        """Put an activity in the place of the one with this id."""
        return _id(await self._http.call("PUT", self._activity(conversation_id, activity_id), activity))

    async def delete(self, conversation_id: str, activity_id: str) -> None:
        await self._http.call("DELETE", self._activity(conversation_id, activity_id))

    async def members_page(
        self, conversation_id: str, size: int, continuation: str | None
    ) -> Mapping[str, Any]:
        """A page of ``members`` and, when there are more, a ``continuationToken``."""
        query = {"pageSize": str(size)} | ({"continuationToken": continuation} if continuation else {})
        url = f"{self._base}/{_segment(conversation_id)}/pagedmembers?{urlencode(query)}"
        return _mapping(await self._http.call("GET", url))

    def _activity(self, conversation_id: str, activity_id: str) -> str:
        return f"{self._base}/{_segment(conversation_id)}/activities/{_segment(activity_id)}"


class Connectors:
    """The conversations of each service URL that may be used."""

    def __init__(self, http: BotHttp, connector_url: str) -> None:
        self._http = http
        self._home = _directory(connector_url)
        self._known: dict[str, Conversations] = {}

    def allows(self, service_url: str) -> bool:
        """Whether the bot's token may be sent there: only over https, except to the connector
        that the operator named.
        """
        parts = urlsplit(service_url)
        plain = not (parts.query or parts.fragment or parts.username or parts.password)
        return plain and (
            (parts.scheme == "https" and bool(parts.hostname))
            or _directory(service_url).startswith(self._home)
        )

    def at(self, service_url: str) -> Conversations:
        """Raises ``ChannelRefusedError`` for a service URL that must not be used."""
        known = self._known.get(service_url)
        if known is None:
            if not self.allows(service_url):
                raise ChannelRefusedError("The service URL is not https.")
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[service_url] = Conversations(self._http, _directory(service_url))
        return known


class _ConversationOperations:
    """What ``CloudAdapterBase`` calls on ``connector_client.conversations``."""

    def __init__(self, conversations: Conversations) -> None:
        self._to = conversations

    async def reply_to_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> ResourceResponse:
        return ResourceResponse(id=await self._to.reply(conversation_id, activity_id, to_wire(activity)))

    async def send_to_conversation(self, conversation_id: str, activity: Activity) -> ResourceResponse:
        return ResourceResponse(id=await self._to.send(conversation_id, to_wire(activity)))

    async def update_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> ResourceResponse:
        return ResourceResponse(id=await self._to.update(conversation_id, activity_id, to_wire(activity)))

    async def delete_activity(self, conversation_id: str, activity_id: str) -> None:
        await self._to.delete(conversation_id, activity_id)


class PooledConnectorClient:
    """Stands in for botframework's ``ConnectorClient``."""

    def __init__(self, conversations: Conversations) -> None:
        self.conversations = _ConversationOperations(conversations)


class PooledConnectorFactory(ConnectorFactory):  # type: ignore[misc]  # botframework is untyped
    """Makes clients for turns, all over the one session."""

    def __init__(self, connectors: Connectors) -> None:
        self._connectors = connectors

    async def create(self, service_url: str, audience: str | None = None) -> PooledConnectorClient:  # noqa: ARG002 - the token's scope is settled
        return PooledConnectorClient(self._connectors.at(service_url))


def _directory(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


def _segment(text: str) -> str:
    """One path segment. Dots alone would climb out of the path."""
    if not text or text in {".", ".."}:
        raise ChannelRefusedError("Not an id.")
    return quote(text, safe="")


def _mapping(answer: Any) -> Mapping[str, Any]:
    return answer if isinstance(answer, dict) else {}


def _id(answer: Any) -> str | None:
    found = _mapping(answer).get("id")
    return found if isinstance(found, str) else None

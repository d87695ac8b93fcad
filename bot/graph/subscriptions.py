"""Graph change subscriptions: ``ports.Subscriptions``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from bot.domain.errors import NotFoundError, RejectedError
from bot.graph.calls import GraphCalls, body
from bot.graph.errors import Call
from bot.graph.parsing import Json, required, time
from bot.ports import GraphSubscription

_PATIENCE = 25.0
"""Seconds; Graph gives each of the two URLs 10 to answer its validation first."""
_LONGEST_CLIENT_STATE = 128  # v1.0; the beta page says 255


class GraphSubscriptions:
    """App-only. Creating one makes Graph call ``notification_url`` and ``lifecycle_url`` back before it
    answers, so both must be served by then.
    """

    def __init__(self, calls: GraphCalls, graph: Any, *, notification_url: str, lifecycle_url: str) -> None:
        self._calls = calls
        self._graph = graph
        self._notification_url = notification_url
        self._lifecycle_url = lifecycle_url

    async def create(self, resource: str, client_state: str, expires_at: datetime) -> GraphSubscription:
        """Subscribe to changes of a Graph resource. Raises ``RejectedError`` or
        ``PermissionMissingError`` when the tenant refuses, ``ValueError`` for a client state over 128
        characters, ``OutcomeUnknownError`` when there may or may not be one now: it is never repeated
        blindly, which could leave two.
        """
        if len(client_state) > _LONGEST_CLIENT_STATE:
            raise ValueError("clientState has at most 128 characters")
        content = {
            "changeType": _change_types(resource),
            "notificationUrl": self._notification_url,
            "lifecycleNotificationUrl": self._lifecycle_url,
            "resource": resource,
            "expirationDateTime": _iso(expires_at),
            "clientState": client_state,
        }
        info = self._request(Method.POST, self._graph.subscriptions)
        return _subscription(await self._calls.once(body(info, content), Call.CREATION, _PATIENCE))

    async def renew(self, subscription_id: str, expires_at: datetime) -> GraphSubscription:
        """Raises ``NotFoundError`` when Graph no longer has it."""
        info = self._request(Method.PATCH, self._one(subscription_id))
        return _subscription(await self._calls.change(body(info, {"expirationDateTime": _iso(expires_at)})))

    async def delete(self, subscription_id: str) -> None:
        """Does nothing when it is already gone."""
        try:
            await self._calls.change(self._request(Method.DELETE, self._one(subscription_id)))
        except NotFoundError:
            return

    def _one(self, subscription_id: str) -> Any:
        return self._graph.subscriptions.by_subscription_id(subscription_id)

    def _request(self, method: Method, builder: Any) -> RequestInformation:
        return RequestInformation(method, builder.url_template, builder.path_parameters)


def _change_types(resource: str) -> str:
    """What each kind of resource accepts: users and groups report creation as an update
    (Graph docs, subscription resource); of mail only the arrival is of interest.
    """
    path = resource.strip("/").lower()
    if "messages" in path:
        return "created"
    return "updated" if path.startswith(("users", "groups")) else "created,updated"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _subscription(answer: Json) -> GraphSubscription:
    expires_at = time(answer, "expirationDateTime")
    if expires_at is None:
        raise RejectedError("Graph's subscription has no expiry")
    return GraphSubscription(required(answer, "id"), expires_at)

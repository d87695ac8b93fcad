"""The one seam to msgraph-sdk and Kiota: an adapter over our own connection pool, and typed request
builders for the URLs.

Answers are read as JSON, not into the SDK's models: importing those costs a second and forty
megabytes, and they turn durations and open enums into something else. Kiota's retry handler is left
out of the pipeline, since it would also repeat PATCH and POST (docs/entra-facts.md §8); so is its
redirect handler, since Graph never redirects these calls and a token must not travel on.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from kiota_http.kiota_client_factory import KiotaClientFactory
from kiota_http.middleware import ParametersNameDecodingHandler, UserAgentHandler

from bot.domain.errors import RejectedError
from bot.graph.guard import DeclaredCallsOnly

if TYPE_CHECKING:
    # The SDK is 16,000 typed modules, which a type checker would all follow from here.
    GraphRequestAdapter: Any
    GraphServiceClient: Any
else:
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph.graph_service_client import GraphServiceClient

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TIMEOUT = httpx.Timeout(30.0, connect=3.0, pool=5.0)  # how long an answer may take, each call says
_LIMITS = httpx.Limits(max_connections=32, max_keepalive_connections=32, keepalive_expiry=30.0)

TokenSource = Callable[[], Awaitable[str]]
ClaimsChallenged = Callable[[str], Awaitable[str]]
"""Given the base64 claims of a 401: a better token, or the error to raise."""


class Graph:
    """One Graph endpoint, over one connection pool. ``url`` is without the version."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self.url = url

    def adapter(self, token: TokenSource, challenged: ClaimsChallenged) -> Any:
        """A Kiota request adapter for v1.0 that gets its tokens there."""
        tokens = _OriginTokens(self.url, token, challenged)
        adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(tokens), self._http)
        adapter.base_url = f"{self.url}/v1.0"
        return adapter

    def builders(self, adapter: Any) -> Any:
        """The SDK's request builders, imported now and not at the first call. Each of their modules
        tells itself, when imported, that it is deprecated.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            client = GraphServiceClient(request_adapter=adapter)
            _touch(client)
        return client


def _touch(client: Any) -> tuple[Any, ...]:
    directory = client.role_management.directory
    of_groups = client.identity_governance.privileged_access.group.assignment_schedule_requests
    return (
        of_groups.by_privileged_access_group_assignment_schedule_request_id("-"),
        directory.role_assignment_schedule_requests.by_unified_role_assignment_schedule_request_id("-"),
        directory.role_assignment_schedule_instances,
        directory.role_eligibility_schedule_instances,
        directory.role_definitions.by_unified_role_definition_id("-"),
        client.policies.role_management_policy_assignments,
        client.identity_governance.privileged_access.group.assignment_schedule_instances,
        client.users.by_user_id("-"),
        client.groups.by_group_id("-").transitive_members,
        client.directory_objects.by_directory_object_id("-"),
        client.subscriptions.by_subscription_id("-"),
    )


@asynccontextmanager
async def open_http(url: str, tls: SSLContext) -> AsyncIterator[Graph]:
    """Opens the connection pool to Graph at ``url``."""
    plain = httpx.AsyncClient(verify=tls, timeout=_TIMEOUT, limits=_LIMITS)
    middleware = [ParametersNameDecodingHandler(), UserAgentHandler(), DeclaredCallsOnly()]
    # Kiota's factory, since msgraph-core's wraps the transport in one that never closes it.
    async with KiotaClientFactory.create_with_custom_middleware(middleware, client=plain) as http:
        yield Graph(http, url)


class _OriginTokens(AccessTokenProvider):
    """Gives tokens to one origin only. Kiota's own provider would send the request without a token
    to any other host, and without an error.
    """

    def __init__(self, url: str, token: TokenSource, challenged: ClaimsChallenged) -> None:
        self._origin = origin_of(url)
        self._token = token
        self._challenged = challenged
        self._hosts = AllowedHostsValidator([self._origin[1]])

    async def get_authorization_token(
        self, uri: str, additional_authentication_context: Mapping[str, Any] | None = None
    ) -> str:
        if origin_of(uri) != self._origin:
            raise RejectedError("Graph's answer leads to another host")
        claims = (additional_authentication_context or {}).get("claims")
        return await (self._challenged(str(claims)) if claims else self._token())

    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        return self._hosts


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises ``RejectedError`` for anything but https, or http on loopback."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as exc:
        raise RejectedError("Graph's address can't be read") from exc
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise RejectedError("Graph may be called over https only")
    return parts.scheme, host, port or {"https": 443, "http": 80}[parts.scheme]

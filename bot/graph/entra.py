"""Tokens from Entra, through azure-identity.

All credentials share one connection pool; a credential of its own would open a connection per token.
The CA bundle is given to the pool and not as ``connection_verify``: azure-core builds a new TLS context
per request from that, which defeats aiohttp's connection reuse.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from ssl import SSLContext
from typing import Any

import aiohttp
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    OnBehalfOfCredential,
)
from opentelemetry.trace import SpanKind

from bot.domain.errors import (
    ClaimsChallengeError,
    DirectoryError,
    InteractionRequiredError,
    RejectedError,
    UnavailableError,
)
from bot.domain.model import UserAssertion
from bot.graph.config import ClientCertificate, ClientSecret, GraphConfig, ManagedIdentity
from bot.graph.errors import Call, of_entra
from bot.graph.retries import Retries
from bot.ports import Clock
from bot.telemetry import metrics
from bot.telemetry.context import span

_AppCredential = ClientSecretCredential | CertificateCredential | ClientAssertionCredential


class Entra:
    """Asks one tenant for tokens, as the app and on behalf of users. Caches nothing."""

    def __init__(
        self,
        config: GraphConfig,
        session: aiohttp.ClientSession,
        clock: Clock,
        *,
        certificate: bytes | None,
        identity: ManagedIdentityCredential | None,
    ) -> None:
        self.client_id = config.client_id
        self._config = config
        self._session = session
        self._clock = clock
        self._certificate = certificate
        self._identity = identity

    async def app_token(self, scope: str, retries: Retries) -> tuple[str, float]:
        """A new app-only token and the seconds it will live.

        Raises ``UnavailableError``, or ``RejectedError`` when the app is unknown or its secret wrong.
        """
        return await retries.run_bounded(lambda: self._app_token(scope))

    async def on_behalf_of(self, assertion: UserAssertion, scope: str, retries: Retries) -> str:
        """A token for ``scope`` that acts as the user.

        A new credential each time, because after a step-up azure-identity would go on with the old
        assertion's refresh token. Raises ``ClaimsChallengeError``, ``InteractionRequiredError``,
        ``UnavailableError`` or ``RejectedError``.
        """
        with span("entra on-behalf-of", SpanKind.CLIENT):
            try:
                return await retries.run_bounded(lambda: self._on_behalf_of(assertion, scope))
            except DirectoryError as error:
                metrics.OBO_FAILURES.add(kind=_kind(error))
                raise

    async def _app_token(self, scope: str) -> tuple[str, float]:
        try:
            async with await self._app_credential() as credential:
                token = await credential.get_token(scope)
        except AzureError as exc:
            raise of_entra(exc, Call.APP, self._clock.now()) from exc
        return token.token, _lifetime(token)

    async def _on_behalf_of(self, assertion: UserAssertion, scope: str) -> str:
        try:
            proof = await self.proof()
        except AzureError as exc:
            raise of_entra(exc, Call.APP, self._clock.now()) from exc
        try:
            async with OnBehalfOfCredential(
                self._config.tenant_id,
                self._config.client_id,
                user_assertion=assertion.token,
                **proof,
                **self._options(),
            ) as credential:
                token = await credential.get_token(scope, claims=assertion.claims, enable_cae=True)
                return token.token
        except AzureError as exc:
            raise of_entra(exc, Call.DELEGATED, self._clock.now()) from exc

    async def _app_credential(self) -> _AppCredential:
        tenant, client, options = self._config.tenant_id, self._config.client_id, self._options()
        proof = await self.proof()
        if secret := proof.get("client_secret"):
            return ClientSecretCredential(tenant, client, secret, **options)
        if certificate := proof.get("client_certificate"):
            return CertificateCredential(tenant, client, certificate_data=certificate, **options)
        return ClientAssertionCredential(tenant, client, proof["client_assertion_func"], **options)

    async def proof(self) -> dict[str, Any]:
        """By what the app proves to be itself, as ``OnBehalfOfCredential`` names it. Raises
        ``AzureError`` when the managed identity has no token to give.
        """
        if isinstance(self._config.credential, ClientSecret):
            return {"client_secret": self._config.credential.value}
        if self._identity is None:
            return {"client_certificate": self._certificate}
        # azure-identity calls the function synchronously, so the assertion is fetched beforehand.
        assertion = await self._identity.get_token(f"{self._config.federation_audience}/.default")
        return {"client_assertion_func": lambda: assertion.token}

    def _options(self) -> dict[str, Any]:
        return {
            "authority": self._config.login_url,
            "disable_instance_discovery": True,
            "transport": AioHttpTransport(
                session=self._session, session_owner=False, connection_timeout=3, read_timeout=5
            ),
            "retry_total": 0,  # tenacity repeats
        }


@asynccontextmanager
async def open_entra(config: GraphConfig, tls: SSLContext, clock: Clock) -> AsyncIterator[Entra]:
    """Opens the connection pool. Raises ``RejectedError`` when the certificate can't be read."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=tls, limit=20, keepalive_timeout=30),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=True,  # proxies
            )
        )
        identity = None
        if isinstance(config.credential, ManagedIdentity):
            identity = await stack.enter_async_context(
                ManagedIdentityCredential(client_id=config.credential.client_id)
            )
        yield Entra(config, session, clock, certificate=_certificate(config), identity=identity)


def _kind(error: DirectoryError) -> str:
    match error:
        case ClaimsChallengeError():
            return "claims-challenge"
        case InteractionRequiredError():
            return "interaction-required"
        case UnavailableError():
            return "unavailable"
        case _:
            return "rejected"


def _certificate(config: GraphConfig) -> bytes | None:
    if not isinstance(config.credential, ClientCertificate):
        return None
    try:
        return config.credential.path.read_bytes()
    except OSError as exc:
        raise RejectedError(f"The client certificate can't be read: {exc.strerror}") from exc


def _lifetime(token: AccessToken) -> float:
    # azure-identity adds the lifetime to the machine's time, which may not be the port's (sandbox).
    return token.expires_on - datetime.now(UTC).timestamp()  # noqa: TID251

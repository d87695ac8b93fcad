"""What the bot calls, opened as the settings say: for the whole house, and for tools that only look."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import structlog

from bot.clock import FollowedClock, SystemClock
from bot.graph.config import AppCredential, ClientCertificate, ClientSecret, GraphConfig, ManagedIdentity
from bot.graph.database import open_database_tokens
from bot.ports import Clock
from bot.settings import Settings
from bot.store.opening import TokenLogin
from bot.teams.config import TeamsConfig

log = structlog.get_logger(__name__)


@asynccontextmanager
async def database_login(settings: Settings) -> AsyncIterator[TokenLogin | None]:
    """How to log in where the settings ask for a managed identity."""
    if settings.database_identity is None:
        yield None
        return
    resource = settings.endpoints.database_resource
    async with open_database_tokens(settings.database_identity, resource) as token:
        yield TokenLogin(token, ssl.create_default_context(cafile=settings.ca_bundle))


@asynccontextmanager
async def open_session(settings: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    """The pooled outbound session: Teams, token service, signing keys."""
    trust = ssl.create_default_context(cafile=settings.ca_bundle)
    connector = aiohttp.TCPConnector(ssl=trust, limit=100, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=15, connect=5)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


async def open_clock(settings: Settings, session: aiohttp.ClientSession, stack: AsyncExitStack) -> Clock:
    if settings.dangerously_clock_url is None:
        return SystemClock()
    log.warning("dangerously_following_another_clock", url=settings.dangerously_clock_url)
    clock = FollowedClock(settings.dangerously_clock_url)
    task = asyncio.create_task(clock.follow(session), name="clock")

    async def stop() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(stop)
    return clock


def graph_config(settings: Settings) -> GraphConfig:
    cloud = settings.endpoints
    return GraphConfig(
        tenant_id=settings.tenant_id,
        client_id=settings.client_id,
        credential=_credential(settings),
        login_url=cloud.login_url,
        graph_url=cloud.graph_url,
        graph_scope=cloud.graph_scope,
        notification_url=settings.notification_url,
        lifecycle_url=settings.lifecycle_url,
        redirect_uri=f"{settings.sign_in_url}/callback",
        api_scope=settings.api_scope,
        groups=settings.managed_groups,
        ca_bundle=settings.ca_bundle,
        federation_audience=cloud.federation_audience,
    )


def _credential(settings: Settings) -> AppCredential:
    if settings.client_secret is not None:
        return ClientSecret(settings.client_secret.get_secret_value())
    if settings.client_certificate is not None:
        return ClientCertificate(settings.client_certificate)
    return ManagedIdentity(str(settings.managed_identity))


def teams_config(settings: Settings) -> TeamsConfig:
    cloud = settings.endpoints
    return TeamsConfig(
        client_id=settings.client_id,
        tenant_id=settings.tenant_id,
        connector_url=cloud.connector_url,
        token_service_url=cloud.token_service_url,
        bot_scope=cloud.bot_scope,
        oauth_connection=settings.oauth_connection,
    )

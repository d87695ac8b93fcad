"""What the checks have at hand: the settings, and ways to ask that change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from bot.clock import FollowedClock
from bot.doctor.probing import Answer, ask
from bot.domain.errors import DirectoryError, SecondKeyError
from bot.graph.adapters import GraphAdapters, open_graph
from bot.graph.graph_call import Kind
from bot.graph.guard import check
from bot.graph.retries import Retries
from bot.outside import graph_config, open_clock, open_session, teams_config
from bot.ports import Clock
from bot.settings import Settings
from bot.teams.connector import Connectors, Conversations
from bot.teams.http import BotHttp, Patience
from bot.teams.user_tokens import BotUserTokens

NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""Stands for every id: whoever may ask is answered 404."""

_CLOCK_SECONDS: Final = 3.0
_STRANGER_SECONDS: Final = 8.0
_RETRIES: Final = Retries(attempts=2, seconds=8.0)
"""Little patience: a service that throttles is a finding."""
_PATIENCE: Final = Patience(attempts=2, total_seconds=8.0)


class TrustError(SecondKeyError):
    """SECONDKEY_CA_BUNDLE holds no certificates that can be read"""


@dataclass(frozen=True, slots=True)
class Tools:
    """``opened`` is the reason when Entra and Graph could not even be prepared for."""

    settings: Settings
    opened: GraphAdapters | DirectoryError
    session: aiohttp.ClientSession
    """Trusts what the bot trusts: for Microsoft's services."""
    strangers: aiohttp.ClientSession
    """Trusts what Microsoft trusts: for the bot's own public URL."""
    clock: Clock
    person: str | None = None
    """Object id of whoever asked for delegated permissions to be tried as them."""
    shared: dict[str, asyncio.Task[Any]] = field(default_factory=dict)
    """What several checks want to know and is read once."""

    @property
    def graph(self) -> GraphAdapters:
        """Raises ``DirectoryError``."""
        if isinstance(self.opened, DirectoryError):
            raise self.opened
        return self.opened

    async def graph_token(self) -> str:
        return await self.graph.tokens.token(self.settings.endpoints.graph_scope)

    async def bot_token(self) -> str:
        return await self.graph.tokens.token(self.settings.endpoints.bot_scope)

    async def ask_graph(self, path: str, *, user_token: str | None = None) -> Answer:
        """GET of what the permissions table allows: as the app, or as the user whose token is given.
        Raises ``ProbeError``, ``DirectoryError``.
        """
        url = f"{self.settings.endpoints.graph_url}/{path}"
        check("GET", url, Kind.DELEGATED if user_token else Kind.APPLICATION)
        return await ask(self.session, url, token=user_token or await self.graph_token())

    def conversations(self, service_url: str | None) -> Conversations:
        """The connector as the bot calls it. Raises ``ChannelRefusedError``."""
        config = teams_config(self.settings)
        return Connectors(self._bot_http, config.connector_url).at(service_url or config.connector_url)

    @property
    def user_tokens(self) -> BotUserTokens:
        return BotUserTokens(teams_config(self.settings), self._bot_http)

    @property
    def _bot_http(self) -> BotHttp:
        scope = teams_config(self.settings).bot_scope
        return BotHttp(self.session, self.graph.tokens, scope, self.clock, _PATIENCE)


@asynccontextmanager
async def open_tools(settings: Settings, *, person: str | None = None) -> AsyncIterator[Tools]:
    """Opens no database: a check does that, since it may be what is broken. Raises ``TrustError``."""
    async with AsyncExitStack() as stack:
        try:
            session = await stack.enter_async_context(open_session(settings))
        except OSError as error:  # also ssl.SSLError, for a file that holds no certificate
            raise TrustError from error
        clock = await open_clock(settings, session, stack)
        if isinstance(clock, FollowedClock):
            with suppress(
                TimeoutError
            ):  # nothing to follow: the clock's own check tells what that makes of it
                async with asyncio.timeout(_CLOCK_SECONDS):
                    await clock.known.wait()
        strangers = await stack.enter_async_context(
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_STRANGER_SECONDS), cookie_jar=aiohttp.DummyCookieJar()
            )
        )
        opened: GraphAdapters | DirectoryError
        try:
            opened = await stack.enter_async_context(open_graph(graph_config(settings), clock, _RETRIES))
        except DirectoryError as error:
            opened = error
        tools = Tools(settings, opened, session, strangers, clock, person)
        try:
            yield tools
        finally:
            for task in tools.shared.values():
                task.cancel()
            await asyncio.gather(*tools.shared.values(), return_exceptions=True)

"""Calls to Graph as one user."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.domain.model import UserAssertion
from bot.graph.calls import GraphCalls
from bot.graph.client import Graph
from bot.graph.entra import Entra
from bot.graph.errors import Call, challenge
from bot.graph.retries import Retries
from bot.ports import Clock


class OnBehalf:
    """Exchanges an assertion anew for each use; no user token is kept."""

    def __init__(self, graph: Graph, entra: Entra, *, scope: str, clock: Clock, retries: Retries) -> None:
        self._graph = graph
        self._entra = entra
        self._scope = scope
        self._clock = clock
        self._retries = retries

    @property
    def url(self) -> str:
        """Graph's address, without the version."""
        return self._graph.url

    async def token(self, assertion: UserAssertion) -> str:
        """A token for Graph that acts as the user. Raises what ``Entra.on_behalf_of`` raises."""
        return await self._entra.on_behalf_of(assertion, self._scope, self._retries)

    async def calls(
        self, assertion: UserAssertion, call: Call, *, at_least: float | None = None
    ) -> GraphCalls:
        """Calls with the user's token. ``at_least``: they have what the token has left of
        ``Retries.seconds``, and never less than so many seconds; None: they have all of it anew.
        Raises what ``Entra.on_behalf_of`` raises.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        token = await self.token(assertion)
        retries = self._retries
        if at_least is not None:
            retries = replace(retries, seconds=max(at_least, retries.seconds - (loop.time() - began)))

        async def held() -> str:
            return token

        async def challenged(claims: str) -> str:
            raise challenge(claims)

        return GraphCalls(self._graph.adapter(held, challenged), call, self._clock, retries)

"""The facts separation of duties is judged on, gathered live with a short cache.

The cache is there for the second click on one card, not to save a policy change from being
noticed; ``Facts.read_at`` says how old what was judged on is, and the audit log keeps it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, TypeVar

from bot.domain.errors import DirectoryError
from bot.domain.model import (
    APPROVER_POLICY,
    ELIGIBILITY,
    ApprovalPolicy,
    Facts,
    Holders,
    Identity,
    Unreadable,
)
from bot.ports import Clock, Directory

CACHE_AGE: Final = timedelta(seconds=10)
_CACHE_SIZE: Final = 256

T = TypeVar("T")
_Key = tuple[str, Identity | None]


class FactsReader:
    """Reads a role's policy and holders; a part that fails is ``Unreadable``, never absent."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._cache: dict[_Key, Facts] = {}
        self._reading: dict[_Key, tuple[asyncio.Lock, int]] = {}
        """With how many wait for it; gone when nobody does."""

    async def live(self, role_definition_id: str, actor: Identity | None = None) -> Facts:
        """Facts not older than ``CACHE_AGE``, about everybody or one actor only, which costs a handful
        of calls however large the tenant. Unreadable facts are never kept.
        """
        key = (role_definition_id, actor)
        async with self._one_reader(key):
            kept = self._cache.get(key)
            if kept is not None and self._clock.now() - kept.read_at <= CACHE_AGE:
                return kept
            facts = await self._read(role_definition_id, actor)
            self._keep(key, facts)
            return facts

    @asynccontextmanager
    async def _one_reader(self, key: _Key) -> AsyncIterator[None]:
        lock, waiting = self._reading.get(key, (asyncio.Lock(), 0))
        self._reading[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._reading.pop(key)
            if waiting > 1:
                self._reading[key] = (lock, waiting - 1)

    async def _read(self, role_definition_id: str, actor: Identity | None) -> Facts:
        read_at = self._clock.now()
        if actor is not None:
            found = await self._directory.standing(role_definition_id, actor.object_id)
            return Facts(found.policy, found.holders, read_at, actor)
        policy, holders = await asyncio.gather(
            readable(APPROVER_POLICY, self._directory.approval_policy(role_definition_id)),
            readable(ELIGIBILITY, self._directory.holders(role_definition_id)),
        )
        return Facts(policy, holders, read_at)

    def _keep(self, key: _Key, facts: Facts) -> None:
        self._cache.pop(key, None)
        if isinstance(facts.policy, ApprovalPolicy) and isinstance(facts.holders, Holders):
            self._cache[key] = facts
        while len(self._cache) > _CACHE_SIZE:
            del self._cache[next(iter(self._cache))]


async def readable(fact: str, reading: Awaitable[T]) -> T | Unreadable:
    """What was read, or that it couldn't be."""
    try:
        return await reading
    except DirectoryError as error:
        return Unreadable(fact, str(error))

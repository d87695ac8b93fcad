"""The facts separation of duties is judged on, gathered live with a short cache.

The cache is there for the second click on one card, not to save a policy change from being
noticed; ``Facts.read_at`` says how old what was judged on is, and the audit log keeps it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Final, TypeVar

from bot.domain.errors import DirectoryError
from bot.domain.model import ApprovalPolicy, Facts, Holders, Unreadable
from bot.ports import Clock, Directory

CACHE_AGE: Final = timedelta(seconds=10)
_CACHE_SIZE: Final = 256

T = TypeVar("T")


class FactsReader:
    """Reads a role's policy and holders; a part that fails is ``Unreadable``, never absent."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._cache: dict[str, Facts] = {}
        self._reading: dict[str, asyncio.Lock] = {}

    async def live(self, role_definition_id: str) -> Facts:
        """Facts not older than ``CACHE_AGE``. Unreadable facts are never kept."""
        lock = self._reading.setdefault(role_definition_id, asyncio.Lock())
        async with lock:
            kept = self._cache.get(role_definition_id)
            if kept is not None and self._clock.now() - kept.read_at <= CACHE_AGE:
                return kept
            facts = await self._read(role_definition_id)
            self._keep(role_definition_id, facts)
            return facts

    async def _read(self, role_definition_id: str) -> Facts:
        read_at = self._clock.now()
        policy, holders = await asyncio.gather(
            readable("approver policy", self._directory.approval_policy(role_definition_id)),
            readable("eligibility", self._directory.holders(role_definition_id)),
        )
        return Facts(policy, holders, read_at)

    def _keep(self, role_definition_id: str, facts: Facts) -> None:
        self._cache.pop(role_definition_id, None)
        if isinstance(facts.policy, ApprovalPolicy) and isinstance(facts.holders, Holders):
            self._cache[role_definition_id] = facts
        while len(self._cache) > _CACHE_SIZE:
            oldest = next(iter(self._cache))
            del self._cache[oldest]
            self._reading.pop(oldest, None)


async def readable(fact: str, reading: Awaitable[T]) -> T | Unreadable:
    """What was read, or that it couldn't be."""
    try:
        return await reading
    except DirectoryError as error:
        return Unreadable(fact, str(error))

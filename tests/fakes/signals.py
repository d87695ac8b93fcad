"""A signal: reconciliation is to run now."""

from __future__ import annotations

from bot.ports import Clock, Store
from bot.service.common import RECONCILE, periodic


async def wake(store: Store, clock: Clock) -> None:
    async with store.transaction() as tx:
        await tx.wake(periodic(RECONCILE, clock))

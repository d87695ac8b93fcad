"""Once a day, effects that were done long ago are forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.ports import Clock, LeasedEffect, Store

KEEP_DONE: Final = timedelta(days=7)
"""Far longer than a request lives (a day), so that none of its effects can come twice."""
EVERY: Final = timedelta(days=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """Carries out ``housekeeping``, one periodic row. Requests and the audit log are kept."""

    store: Store
    prune: Callable[[datetime], Awaitable[int]]
    clock: Clock

    async def run(self, effect: LeasedEffect) -> None:
        """Effect handler."""
        pruned = await self.prune(self.clock.now() - KEEP_DONE)
        log.info("effects_pruned", effects=pruned)
        async with self.store.transaction() as tx:
            await tx.reschedule(effect, self.clock.now() + EVERY)

from __future__ import annotations

from datetime import datetime, timedelta

from fakes.manual_clock import ManualClock
from fakes.memory_store import MemoryStore

from bot.ports import Effect
from bot.service.common import HOUSEKEEPING
from bot.service.housekeep import EVERY, KEEP_DONE, Housekeeping


async def test_effects_done_a_week_ago_are_forgotten_daily() -> None:
    clock = ManualClock()
    store, asked = MemoryStore(clock), list[datetime]()

    async def prune(before: datetime) -> int:
        asked.append(before)
        return 3

    async with store.transaction() as tx:
        await tx.wake(Effect(HOUSEKEEPING, HOUSEKEEPING, clock.now()))
    (effect,) = await store.claim_effects("me", [HOUSEKEEPING], 1, 10)
    await Housekeeping(store, prune, clock).run(effect)

    assert asked == [clock.now() - KEEP_DONE]
    assert timedelta(days=1) < KEEP_DONE
    assert await store.next_due([HOUSEKEEPING]) == clock.now() + EVERY

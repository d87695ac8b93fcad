"""A clock that stands still until it is moved."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class ManualClock:
    """``ports.Clock`` for tests. ``wait`` ends when ``move`` has brought the time there."""

    def __init__(self, at: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)) -> None:
        self._now = at
        self._moved = asyncio.Event()
        self.waiting = 0
        """How many are in ``wait`` now."""

    def now(self) -> datetime:
        return self._now

    def move(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        until = self._now + timedelta(seconds=seconds)
        self.waiting += 1
        try:
            while self._now < until:
                await self._moved.wait()
        finally:
            self.waiting -= 1

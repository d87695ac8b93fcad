from __future__ import annotations

import pytest
from fakes.manual_clock import ManualClock

from bot.graph.cache import ShortCache


async def test_the_oldest_answer_makes_room_for_the_1025th() -> None:
    asked: list[str] = []
    cache: ShortCache[str] = ShortCache(ManualClock())

    async def fetch(key: str) -> str:
        asked.append(key)
        return key

    for number in range(1025):
        await cache.get(str(number), lambda number=number: fetch(str(number)))
    await cache.get("1", lambda: fetch("1"))
    await cache.get("0", lambda: fetch("0"))
    assert asked[1025:] == ["0"]


async def test_a_failure_is_not_remembered() -> None:
    cache: ShortCache[str] = ShortCache(ManualClock())

    async def fail() -> str:
        raise ValueError("no")

    async def succeed() -> str:
        return "yes"

    with pytest.raises(ValueError, match="no"):
        await cache.get("k", fail)
    assert await cache.get("k", succeed) == "yes"

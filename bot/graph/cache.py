"""A small cache for facts that hardly change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bot.ports import Clock

_T = TypeVar("_T")
_LIFE = timedelta(seconds=60)
_MOST = 1024


class ShortCache(Generic[_T]):
    """Remembers answers for a minute of the port's clock, 1,024 of them at most. Failures are not
    remembered.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: OrderedDict[str, tuple[datetime, _T]] = OrderedDict()

    async def get(self, key: str, fetch: Callable[[], Awaitable[_T]]) -> _T:
        """The remembered answer, or what ``fetch`` returns."""
        held = self._held.get(key.lower())
        if held and self._clock.now() < held[0] + _LIFE:
            return held[1]
        value = await fetch()
        self.put(key, value)
        return value

    def put(self, key: str, value: _T) -> None:
        """Remember an answer that came along with another."""
        self._held[key.lower()] = (self._clock.now(), value)
        self._held.move_to_end(key.lower())
        while len(self._held) > _MOST:
            self._held.popitem(last=False)

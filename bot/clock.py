"""Time and randomness: the one module that may ask the operating system for either."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp
import structlog

log = structlog.get_logger(__name__)

_RECONNECT_SECONDS: Final = 0.5
_LOST: Final = (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError, OverflowError)
"""No connection, or lines that are not a clock's."""


class SystemClock:
    """The computer's clock (``ports.Clock``)."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class FollowedClock:
    """A clock that keeps to another's, told of every move (``ports.Clock``).

    The sandbox publishes its clock as a stream of JSON lines under ``{url}/stream``; what counts
    of each is ``offset_seconds``, how far it is ahead of the real time on this machine.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._offset = timedelta(0)
        self._moved = asyncio.Event()
        self.known = asyncio.Event()
        """Set once the other clock was heard of."""

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset  # noqa: TID251

    async def wait(self, seconds: float) -> None:
        """Sooner when the clock is moved: whoever waits looks at the time again."""
        moved = self._moved
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await moved.wait()

    async def follow(self, session: aiohttp.ClientSession) -> None:
        """Follow until cancelled. A lost connection is taken up again."""
        while True:
            try:
                timeout = aiohttp.ClientTimeout(total=None, connect=5)
                async with session.get(f"{self._url}/stream", timeout=timeout) as answer:
                    answer.raise_for_status()
                    async for line in answer.content:
                        self._set(float(json.loads(line)["offset_seconds"]))
            except _LOST as error:
                log.warning("clock_lost", error=type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)

    def _set(self, offset_seconds: float) -> None:
        self._offset = timedelta(seconds=offset_seconds)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
        self.known.set()


class SystemIds:
    """Random ids and secrets (``ports.Ids``)."""

    def new_id(self) -> str:
        return str(uuid.uuid4())  # noqa: TID251

    def new_secret(self) -> str:
        return secrets.token_urlsafe(48)

"""Time and ids."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The time, aware UTC."""

    async def wait(self, seconds: float) -> None:
        """Return after so many seconds of this clock, or sooner when it is moved."""


class Ids(Protocol):
    """The only source of random ids and secrets."""

    def new_id(self) -> str: ...

    def new_secret(self) -> str:
        """A random URL-safe string of at least 256 bits, at most 128 characters."""

"""What a case is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.demo.scene import Scene

Play = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Case:
    """Something that can happen to a decision, played by name."""

    name: str
    shows: str
    """In one line."""
    play: Play
    settings: tuple[tuple[str, str], ...] = ()
    """What the bot is told beside the demo's own settings."""
    toml: str = ""
    """Its ``secondkey.toml``. Cases that agree on both share a bot."""

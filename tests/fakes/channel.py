"""Teams channels that remember what was put into them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.domain.content import CardContent
from bot.domain.errors import ChannelRefusedError
from bot.domain.model import PostedCard


@dataclass
class FakeChannel:
    """``ports.Channel``. ``showing`` is what a reader sees now, by activity id."""

    posts: list[tuple[str, CardContent]] = field(default_factory=list)
    edits: list[tuple[PostedCard, CardContent]] = field(default_factory=list)
    showing: dict[str, CardContent] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    """Activities that somebody deleted in Teams."""
    fail: Exception | None = None
    meanwhile: Callable[[], Awaitable[object]] | None = None
    """Awaited once, while the next post or edit is on its way."""

    async def post(self, channel_id: str, content: CardContent) -> PostedCard:
        await self._on_its_way()
        self.posts.append((channel_id, content))
        posted = PostedCard(channel_id, f"activity-{len(self.posts)}", "https://teams.example/")
        self.showing[posted.activity_id] = content
        return posted

    async def edit(self, posted: PostedCard, content: CardContent) -> None:
        await self._on_its_way()
        if posted.activity_id in self.deleted:
            raise ChannelRefusedError("ActivityNotFound (404)", status=404)
        self.edits.append((posted, content))
        self.showing[posted.activity_id] = content

    async def _on_its_way(self) -> None:
        if self.fail is not None:
            raise self.fail
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()

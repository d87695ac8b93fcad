"""What a click or a message in Teams can set going (``ports.Desk``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from bot.domain.content import RequestCard
from bot.domain.model import Actor, Choice
from bot.ports import Store
from bot.service.decide import Decisions
from bot.service.forgeries import Forgeries

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ChannelRegister:
    """Under which service URL each channel was last heard from: the conversation references."""

    store: Store
    _known: dict[str, str] = field(default_factory=dict)

    async def service_url(self, channel_id: str) -> str | None:
        """None for a channel nobody has been heard from."""
        if channel_id not in self._known:
            async with self.store.transaction() as tx:
                found = await tx.service_url(channel_id)
            if found is None:
                return None
            self._known[channel_id] = found
        return self._known[channel_id]

    async def heard_from(self, channel_id: str, service_url: str) -> None:
        """Remember, when it is new. The URL comes with a verified token that names it."""
        if self._known.get(channel_id) == service_url:
            return
        async with self.store.transaction() as tx:
            await tx.save_service_url(channel_id, service_url)
        self._known[channel_id] = service_url
        log.info("channel_heard_from", channel=channel_id, service_url=service_url)


@dataclass(frozen=True, slots=True)
class ApproverDesk:
    """Decisions and the register of channels, as one."""

    decisions: Decisions
    channels: ChannelRegister
    forgeries: Forgeries

    async def decide(
        self, actor: Actor, request_id: str, choice: Choice, justification: str
    ) -> RequestCard | None:
        return await self.decisions.decide(actor, request_id, choice, justification)

    async def look(self, actor: Actor, request_id: str) -> RequestCard | None:
        return await self.decisions.look(actor, request_id)

    async def shown_on(self, conversation_id: str, activity_id: str) -> str | None:
        return await self.forgeries.shown_on(conversation_id, activity_id)

    async def forged(self, actor: Actor | None, cause: str, claimed: Mapping[str, str]) -> None:
        await self.forgeries.forged(actor, cause, claimed)

    async def heard_from(self, channel_id: str, service_url: str) -> None:
        await self.channels.heard_from(channel_id, service_url)

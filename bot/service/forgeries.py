"""Clicks that no card of ours sends change nothing, and are written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from bot.domain.audit import AuditEvent
from bot.domain.model import Actor
from bot.ports import Clock, Store
from bot.service.common import entry
from bot.service.conduct import conduct_check
from bot.telemetry import metrics

_RULE: Final = "a click says what the card that was clicked says"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Forgeries:
    """What is kept of them: who, as far as the channel vouches for it, and what they claimed."""

    store: Store
    clock: Clock

    async def forged(self, actor: Actor | None, cause: str, claimed: Mapping[str, str]) -> None:
        """See ``ports.Desk.forged``."""
        facts = {"cause": cause, "claimed": dict(claimed), "rules": [_RULE]}
        who = actor.identity if actor else None
        async with self.store.transaction() as tx:
            request = await tx.request(claimed.get("request", ""))
            about = request.id if request else None
            await tx.audit(entry(self.clock, AuditEvent.FORGED, about, who, facts))
            if actor is not None:
                await tx.wake(conduct_check(actor, about, self.clock))
        metrics.FORGED.add(cause=cause)
        log.warning("click_forged", cause=cause, actor=who.object_id if who else None, request=about)

    async def shown_on(self, conversation_id: str, activity_id: str) -> str | None:
        """See ``ports.Desk.shown_on``."""
        async with self.store.transaction() as tx:
            return await tx.request_shown_on(conversation_id, activity_id)

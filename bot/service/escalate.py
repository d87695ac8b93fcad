"""The ladder: ops are pinged about a request that nobody has answered, rung by rung."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from bot.domain import lifecycle, sla
from bot.domain.audit import AuditEvent
from bot.domain.content import OpsCard, PingCause
from bot.domain.model import ApprovalRequest
from bot.ports import Channel, Clock, LeasedEffect, Store, Transaction
from bot.service.common import change, entry, finish
from bot.service.intake import rung_ping
from bot.telemetry import metrics

_RUNGS_TOLD: Final = 4

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Escalation:
    """Carries out ``ops.ping``. A repeat after a crash pings again rather than not at all."""

    store: Store
    channel: Channel
    clock: Clock
    portal_url: str
    ops_channel_of: Callable[[ApprovalRequest], str]

    async def ping(self, effect: LeasedEffect) -> None:
        """Effect handler. Raises ``ChannelError``."""
        request_id, number = str(effect.payload["request"]), int(effect.payload["rung"])
        cause = PingCause(effect.payload["cause"])
        async with self.store.transaction() as tx:
            request = await tx.request(request_id)
            over = request is None or request.state not in lifecycle.OPEN
            if request is None or (over and cause is not PingCause.QUORUM_BYPASSED):
                await finish(tx, effect)
                return
        waited = self.clock.now() - request.requested_at
        content = OpsCard(request, cause, number, waited, self.portal_url)
        await self.channel.post(self.ops_channel_of(request), content)
        log.warning("ops_pinged", request=request.id, rung=number, cause=cause.value)
        _count(number, cause)
        await self._note(request_id, number, cause, effect)

    async def _note(self, request_id: str, number: int, cause: PingCause, effect: LeasedEffect) -> None:
        facts = {"rung": number, "cause": cause.value}

        def make(stored: ApprovalRequest) -> ApprovalRequest | None:
            return lifecycle.rung_fired(stored, number) if stored.state in lifecycle.OPEN else None

        async def climb(tx: Transaction, made: ApprovalRequest | None) -> None:
            if made is not None and cause is PingCause.UNANSWERED:
                await self._enqueue_next(tx, made, number)
            if made is None and cause is PingCause.QUORUM_BYPASSED:
                await tx.audit(entry(self.clock, AuditEvent.ESCALATED, request_id, None, facts))
            await finish(tx, effect)

        await change(
            self.store, self.clock, request_id, make, event=AuditEvent.ESCALATED, facts=facts, then=climb
        )

    async def _enqueue_next(self, tx: Transaction, request: ApprovalRequest, fired: int) -> None:
        following = sla.next_rung(
            request.sla, fired, request.requested_at, request.expires_at, self.clock.now()
        )
        if following is not None:
            await tx.enqueue(rung_ping(request.id, following))


def _count(rung: int, cause: PingCause) -> None:
    metrics.CARDS.add(card="ops", action="posted")
    metrics.PINGS.add(cause=cause.value, rung=str(rung) if rung < _RUNGS_TOLD else f"{_RUNGS_TOLD}+")
    if rung == 1 and cause is PingCause.UNANSWERED:
        metrics.SLA_BREACHES.add()

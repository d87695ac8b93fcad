"""Cards follow requests: what a request is becomes what its card shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from bot.domain import lifecycle
from bot.domain.content import RequestCard
from bot.domain.errors import ChannelRefusedError
from bot.domain.model import ApprovalRequest, PostedCard
from bot.ports import CardRow, Channel, Clock, LeasedEffect, Store, Transaction
from bot.service.common import card_sync, finish
from bot.service.runner import settle
from bot.telemetry import metrics

_NOT_FOUND: Final = 404

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Announcer:
    """Carries out ``card.sync``: posts a request's card, or edits it in place, until it shows the
    newest version. A repeat posts or edits the same content again, and the newest activity id
    is kept; clicks on either copy name the request, not the card.
    """

    store: Store
    channel: Channel
    clock: Clock
    portal_url: str
    channel_of: Callable[[ApprovalRequest], str]
    """Which approver channel a request's card goes to."""

    async def sync(self, effect: LeasedEffect) -> None:
        """Effect handler. Raises ``ChannelError``."""
        request_id = str(effect.payload["request"])
        async with self.store.transaction() as tx:
            request, row = await tx.request(request_id), await tx.card(request_id)
            if request is None or (row is not None and row.shown_version >= request.version):
                await finish(tx, effect)
                return
        posted = await self._show(request, row.posted if row else None)

        async def record(tx: Transaction) -> None:
            await tx.save_card(request_id, CardRow(posted, request.version))
            now = await tx.request(request_id)
            if now is not None and now.version != request.version:
                await tx.wake(card_sync(request_id, self.clock))
            await finish(tx, effect)

        await settle(self.store, record)

    async def _show(self, request: ApprovalRequest, posted: PostedCard | None) -> PostedCard:
        content = RequestCard(request, self.portal_url)
        if posted is not None and await self._edit(request, posted, content):
            return posted
        if posted is not None and request.state not in lifecycle.OPEN:
            return posted  # deleted in Teams, and nobody needs it any more
        made = await self.channel.post(self.channel_of(request), content)
        log.info("card_posted", request=request.id, version=request.version)
        metrics.CARDS.add(card="request", action="posted")
        if posted is None:
            waited = self.clock.now() - request.requested_at
            metrics.REQUEST_TO_CARD.observe(waited.total_seconds())
        return made

    async def _edit(self, request: ApprovalRequest, posted: PostedCard, content: RequestCard) -> bool:
        """False: somebody deleted the card in Teams."""
        try:
            await self.channel.edit(posted, content)
        except ChannelRefusedError as error:
            if error.status != _NOT_FOUND:
                raise
            log.warning("card_deleted_in_teams", request=request.id, version=request.version)
            return False
        log.info("card_edited", request=request.id, version=request.version)
        metrics.CARDS.add(card="request", action="edited")
        return True

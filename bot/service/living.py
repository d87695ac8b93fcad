"""The one living card of an activation, in its requester's personal chat."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

import structlog

from bot.domain import following, lifecycle
from bot.domain.content import ActivationCard
from bot.domain.errors import ChannelRefusedError
from bot.domain.following import Activation, Stage
from bot.domain.model import ApprovalRequest, PostedCard
from bot.ports import Channel, Clock, LeasedEffect, OwnCardRow, PersonalChat, Store, Transaction
from bot.service.common import finish
from bot.service.followed import own_card
from bot.service.runner import settle

_NOT_FOUND: Final = 404
_STILL_NEWS: Final = frozenset({Stage.WAITING, Stage.GRANTED, Stage.USABLE, Stage.ENDING})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LivingCards:
    """Carries out ``own.card``: posts an activation's card, or edits it in place, until it shows how
    the activation stands. A repeat shows the same.
    """

    store: Store
    chat: PersonalChat
    channel: Channel
    clock: Clock
    portal_url: str

    async def sync(self, effect: LeasedEffect) -> None:
        """Effect handler. Raises ``ChannelError``."""
        request_id = str(effect.payload["request"])
        content, row = await self._load(request_id)
        if content is None or (row is not None and row.shown == _digest(content)):
            async with self.store.transaction() as tx:
                await finish(tx, effect)
            return
        posted = await self._show(content, row.posted if row else None)
        await self._record(effect, request_id, content, posted)

    async def _load(self, request_id: str) -> tuple[ActivationCard | None, OwnCardRow | None]:
        async with self.store.transaction() as tx:
            activation, request = await tx.activation(request_id), await tx.request(request_id)
            row = await tx.own_card(request_id)
        if activation is None or activation.channel_user_id is None:
            return None, None
        return card_of(activation, request, self.portal_url), row

    async def _show(self, content: ActivationCard, posted: PostedCard | None) -> PostedCard | None:
        """Where the card is now; None when it can't be shown to them, which nothing hangs on."""
        who, request_id = str(content.activation.channel_user_id), content.activation.request_id
        try:
            if posted is not None and (await self._edit(posted, content) or content.stage not in _STILL_NEWS):
                return posted
            made = await self.chat.post(who, content)
        except ChannelRefusedError as error:
            log.warning("own_card_refused", request=request_id, status=error.status, why=str(error))
            return None
        log.info("own_card_posted", request=request_id, stage=content.stage.value)
        return made

    async def _edit(self, posted: PostedCard, content: ActivationCard) -> bool:
        """False: its reader deleted the card."""
        try:
            await self.channel.edit(posted, content)
        except ChannelRefusedError as error:
            if error.status != _NOT_FOUND:
                raise
            return False
        log.info("own_card_edited", request=content.activation.request_id, stage=content.stage.value)
        return True

    async def _record(
        self, effect: LeasedEffect, request_id: str, content: ActivationCard, posted: PostedCard | None
    ) -> None:
        async def record(tx: Transaction) -> None:
            if posted is not None:
                await tx.save_own_card(request_id, OwnCardRow(posted, _digest(content)))
            activation, request = await tx.activation(request_id), await tx.request(request_id)
            if activation is not None and card_of(activation, request, self.portal_url) != content:
                await tx.wake(own_card(request_id, self.clock.now()))
            await finish(tx, effect)

        await settle(self.store, record)


def card_of(activation: Activation, request: ApprovalRequest | None, portal_url: str) -> ActivationCard:
    """How an activation stands, with no more in it than the card shows: what changes nothing there is
    no reason to edit it.
    """
    shown = replace(activation, version=0, missing_since=None)
    stage = following.stage(activation, request)
    if request is None:
        return ActivationCard(shown, stage, portal_url)
    waiting = request.state in lifecycle.OPEN
    return ActivationCard(
        shown,
        stage,
        portal_url,
        pool=request.pool if waiting else None,
        expires_at=request.expires_at if waiting else None,
        decision=request.decision,
        closed_at=None if waiting else request.ended_at,
    )


def _digest(content: ActivationCard) -> str:
    return hashlib.sha256(repr(content).encode(errors="surrogatepass")).hexdigest()

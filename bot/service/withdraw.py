"""A pending request is withdrawn by whoever made it, and its card is closed at once."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from bot.domain import activation as a
from bot.domain import lifecycle
from bot.domain.audit import AuditEvent
from bot.domain.errors import DirectoryError, OutcomeUnknownError, PimRefusal, PimRefusedError
from bot.domain.lifecycle import Event
from bot.domain.model import Actor, ApprovalRequest, PimRequest, PimStatus, UserAssertion
from bot.ports import Transaction
from bot.service import evidence
from bot.service.activate import Activations, awaits
from bot.service.common import change
from bot.service.recover import recovery_key
from bot.service.troubles import trouble_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """``ports.OwnRoles.withdraw``."""

    roles: Activations

    async def withdraw(self, actor: Actor, request_id: str | None = None) -> a.WithdrawalOutcome:
        """See ``ports.OwnRoles.withdraw``."""
        held = await self.roles.assertion(actor)
        if not isinstance(held, UserAssertion):
            return held
        return await self.withdraw_with(actor, held, request_id)

    async def withdraw_with(
        self, actor: Actor, assertion: UserAssertion, request_id: str | None
    ) -> a.WithdrawalOutcome:
        """As ``withdraw``, with this very token."""
        try:
            mine = await self.roles.pim.requests(assertion)
            waiting = [r for r in mine if awaits(r) and request_id in {None, r.id}]
            if not waiting:
                closed = next((r for r in mine if r.id == request_id), None)
                return a.NothingPending() if closed is None else a.NotWithdrawable(closed)
            if len(waiting) > 1:
                return a.WhichOne(tuple(waiting))
            return await self._withdraw(actor, assertion, waiting[0])
        except DirectoryError as error:
            return trouble_of(error)

    async def _withdraw(
        self, actor: Actor, assertion: UserAssertion, request: PimRequest
    ) -> a.WithdrawalOutcome:
        try:
            await self.roles.pim.withdraw(assertion, request)
        except OutcomeUnknownError:
            now = await self._now(assertion, request)
            if now is None or now.status is not PimStatus.WITHDRAWN:
                return a.OutcomeUnknown()
        except PimRefusedError as error:
            if error.refusal is not PimRefusal.NOT_WITHDRAWABLE:
                raise
            now = await self._now(assertion, request) or request
            if now.status is not PimStatus.WITHDRAWN:
                return a.NotWithdrawable(now)
        await self._close(actor, assertion, request)
        log.info("request_withdrawn", request=request.id)
        return a.Withdrawn(request)

    async def _now(self, assertion: UserAssertion, request: PimRequest) -> PimRequest | None:
        found = await self.roles.pim.requests(assertion)
        return next((r for r in found if r.id == request.id), None)

    async def _close(self, actor: Actor, assertion: UserAssertion, request: PimRequest) -> None:
        at = self.roles.clock.now()

        def make(stored: ApprovalRequest) -> ApprovalRequest | None:
            return lifecycle.closed(stored, Event.WITHDRAW, at) if stored.state in lifecycle.OPEN else None

        async def no_more_recovery(tx: Transaction, made: ApprovalRequest | None) -> None:
            if made is not None and made.claim is not None:
                await tx.cancel(recovery_key(made.claim))

        await change(
            self.roles.store,
            self.roles.clock,
            request.id,
            make,
            event=AuditEvent.ACTIVATION_WITHDRAWN,
            facts=evidence.of_token(assertion),
            actor=actor.identity,
            then=no_more_recovery,
        )

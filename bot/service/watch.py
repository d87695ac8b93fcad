"""An activation is watched in Graph until it is over: when it is really usable, when it ends, and
whether it was given back before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from bot.domain import following, lifecycle
from bot.domain.activation import ActiveRole
from bot.domain.audit import AuditEvent
from bot.domain.following import Activation, HowEnded
from bot.domain.lifecycle import Event
from bot.domain.model import ApprovalRequest, PimStatus, State
from bot.ports import Clock, Directory, LeasedEffect, RoleFacts, Store, Transaction
from bot.service.common import ContentionError, entry, finish, insist, postpone, write
from bot.service.followed import own_card
from bot.telemetry import metrics

_BEFORE_USE: Final = frozenset({State.APPROVED, State.DECIDED_ELSEWHERE})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What Graph said, and when it was asked."""

    held: ActiveRole | None
    status: PimStatus | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Watcher:
    """Carries out ``activation.watch``. A repeat looks once more, which changes nothing by itself."""

    store: Store
    facts: RoleFacts
    directory: Directory
    clock: Clock

    async def watch(self, effect: LeasedEffect) -> None:
        """Effect handler. Raises ``DirectoryError``."""
        request_id = str(effect.payload["request"])
        async with self.store.transaction() as tx:
            activation = await tx.activation(request_id)
            if activation is None or following.next_look(activation, self.clock.now()) is None:
                await finish(tx, effect)
                return
        look = await self._look(activation)
        await self._record(effect, activation, look)

    async def _look(self, activation: Activation) -> Look:
        at = self.clock.now()
        who = activation.requester.identity.object_id
        held = await self.facts.held(who, activation.key, activation.scope)
        status = None
        if held is None:
            pim = await self.directory.request(activation.request_id, activation.key)
            status = pim.status if pim is not None else None
        return Look(held, status, at)

    async def _record(self, effect: LeasedEffect, activation: Activation, look: Look) -> None:
        """In one transaction: what changed, in the request and in the activation, and the next look."""

        async def attempt(tx: Transaction) -> Activation | None:
            before = await tx.activation(activation.request_id)
            if before is None:
                await finish(tx, effect)
                return None
            after = following.seen(before, look.held, look.status, look.at)
            if after is not before:
                await write_change(tx, self.clock, before, after)
            again = following.next_look(after, look.at)
            if again is None:
                await finish(tx, effect)
            else:
                await postpone(tx, effect, again)
            return None if after is before else after

        changed = await insist(self.store, attempt)
        if changed is not None:
            _tell(activation, changed)


async def write_change(tx: Transaction, clock: Clock, before: Activation, after: Activation) -> None:
    """Write a changed activation, and move its request along. The request first: whoever writes both
    does so in this order, so that none waits for the other. Raises ``ContentionError`` when somebody
    else changed one of them, for the transaction to be rolled back.
    """
    request = await tx.request(after.request_id)
    if request is None:
        await _audit(tx, clock, before, after)
    elif (moved := _moved(request, before, after)) is not None:
        await write(tx, clock, moved[0], event=moved[1], facts=_facts(after))
    if not await tx.save_activation(after):
        raise ContentionError
    if after.channel_user_id is not None:
        await tx.wake(own_card(after.request_id, clock.now()))


async def _audit(tx: Transaction, clock: Clock, before: Activation, after: Activation) -> None:
    event = _event(before, after)
    if event is not None:
        who = after.requester.identity
        await tx.audit(entry(clock, event, after.request_id, who, _facts(after)))


def _moved(
    request: ApprovalRequest, before: Activation, after: Activation
) -> tuple[ApprovalRequest, AuditEvent] | None:
    """The request as the change leaves it; None when the change is none to it."""
    if after.ended_at is not None:
        if after.how_ended is HowEnded.FAILED and request.state is State.APPROVED:
            return lifecycle.closed(request, Event.FAIL, after.ended_at), AuditEvent.ENDED
        if request.state in _BEFORE_USE or request.state is State.ACTIVE:
            return lifecycle.lapsed(request, after.ended_at), AuditEvent.ENDED
        return None
    if before.usable_at is None and after.usable_at is not None and request.state in _BEFORE_USE:
        return lifecycle.usable(request, after.usable_at, after.until), AuditEvent.USABLE
    if request.state is State.ACTIVE and request.usable_until != after.until:
        return lifecycle.prolonged(request, after.until), AuditEvent.PROLONGED
    return None


def _event(before: Activation, after: Activation) -> AuditEvent | None:
    """What the audit log says of an activation that needed no approval."""
    if after.ended_at is not None:
        return AuditEvent.ENDED
    if before.usable_at is None and after.usable_at is not None:
        return AuditEvent.USABLE
    return AuditEvent.PROLONGED if before.until != after.until else None


def _facts(activation: Activation) -> dict[str, object]:
    took = activation.propagation
    return {
        "role": activation.key,
        "scope": activation.scope,
        "until": activation.until.isoformat() if activation.until else None,
        "propagation_seconds": round(took.total_seconds(), 3) if took is not None else None,
        "how_ended": activation.how_ended.value if activation.how_ended else None,
    }


def _tell(before: Activation, after: Activation) -> None:
    log.info("activation_seen", request=after.request_id, **_facts(after))
    if before.usable_at is None and after.propagation is not None:
        metrics.PROPAGATION_SECONDS.observe(after.propagation.total_seconds())

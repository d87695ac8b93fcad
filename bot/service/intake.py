"""A pending PIM request is taken in: forecast, written down, and its card set going."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog

from bot.domain import lifecycle, separation, sla
from bot.domain.audit import AuditEvent
from bot.domain.content import PingCause
from bot.domain.errors import DirectoryError
from bot.domain.model import (
    ApprovalRequest,
    Danger,
    Facts,
    Identity,
    Person,
    PimRequest,
    Pool,
    Role,
    SlaPlan,
    Unreadable,
)
from bot.ports import Clock, Directory, Effect, Store, Transaction
from bot.service.common import OPS_PING, card_sync, change, entry, told
from bot.service.facts import FactsReader
from bot.telemetry import context, metrics

APPROVAL_WINDOW: Final = timedelta(hours=24)
"""Not configurable in PIM (Entra docs, "Approve or deny requests for Microsoft Entra roles")."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes requests in. Everything it can't read becomes visible on the card: it fails open on
    visibility, and closed on authority.
    """

    directory: Directory
    facts: FactsReader
    store: Store
    clock: Clock
    rules: separation.Rules
    ladder: SlaPlan
    quorum_of: Callable[[Role], int] = lambda _role: 1
    """How many people have to approve a role, by setting."""
    denial_needs_reason: bool = False

    async def take_in(self, pim: PimRequest) -> bool:
        """Write a new request down with its card and its first rung as effects, in one
        transaction. False: it was there already.
        """
        request = await self._build(pim)
        async with self.store.transaction() as tx:
            if not await tx.add_request(request):
                return False
            await tx.wake(card_sync(request.id, self.clock))
            for effect in self._pings(request):
                await tx.enqueue(effect)
            await tx.audit(
                entry(
                    self.clock, AuditEvent.TAKEN_IN, request.id, request.requester.identity, _story(request)
                )
            )
        source = context.signal()
        log.info("request_taken_in", request=request.id, role=request.role.definition_id, source=source)
        metrics.TAKEN_IN.add(source=source)
        return True

    async def foresee(self, role_definition_id: str, principal_id: str) -> None:
        """Read ahead what taking in a request for this role will take: while Graph is still at it, the
        forecast is there already (``FactsReader`` keeps facts for a moment). Raises nothing.
        """
        await asyncio.gather(
            self._role(role_definition_id), self._person(principal_id), self.facts.live(role_definition_id)
        )

    async def complete(self, request: ApprovalRequest, pim: PimRequest) -> None:
        """Read again what could not be read at intake; freezes the pool once it is whole."""
        fresh = await self._build(pim)

        def make(stored: ApprovalRequest) -> ApprovalRequest | None:
            if stored.state not in lifecycle.OPEN or not lifecycle.is_incomplete(stored):
                return None
            whole = _completed(stored, fresh)
            return whole if whole != replace(stored, version=whole.version) else None

        async def tell(tx: Transaction, made: ApprovalRequest | None) -> None:
            for ping in _pool_pings(made, self.clock) if made else ():
                await tx.enqueue(ping)

        await change(
            self.store,
            self.clock,
            request.id,
            make,
            event=AuditEvent.FORECAST,
            facts=_story(fresh),
            then=tell,
        )

    async def _build(self, pim: PimRequest) -> ApprovalRequest:
        role, requester, facts = await asyncio.gather(
            self._role(pim.role_definition_id),
            self._person(pim.principal_id),
            self.facts.live(pim.role_definition_id),
        )
        return ApprovalRequest(
            id=pim.id,
            tenant_id=self.rules.tenant_id,
            approval_id=pim.approval_id,
            action=pim.action,
            requester=requester,
            role=role,
            scope=pim.scope,
            justification=pim.justification,
            ticket=pim.ticket,
            duration=pim.duration,
            starts_at=pim.starts_at,
            requested_at=pim.created_at,
            expires_at=pim.created_at + APPROVAL_WINDOW,
            pool=self._pool(requester.identity, pim.scope, facts),
            sla=self.ladder,
            quorum=self.quorum_of(role),
            denial_needs_reason=self.denial_needs_reason,
        )

    def _pool(self, requester: Identity, scope: str, facts: Facts) -> Pool | Unreadable:
        if isinstance(facts.policy, Unreadable):
            return facts.policy
        return separation.forecast(requester, scope, facts.policy, facts.holders, self.rules)

    async def _role(self, definition_id: str) -> Role:
        try:
            return await self.directory.role(definition_id)
        except DirectoryError as error:
            log.warning("role_unreadable", role=definition_id, why=str(error))
            # Its danger is unknown too, so the card says the worst.
            return Role(definition_id, definition_id, Danger.CRITICAL)

    async def _person(self, object_id: str) -> Person:
        try:
            return await self.directory.person(object_id)
        except DirectoryError as error:
            log.warning("requester_unreadable", principal=object_id, why=str(error))
            who = Identity(self.rules.tenant_id, object_id)
            return Person(who, who.object_id)

    def _pings(self, request: ApprovalRequest) -> list[Effect]:
        found = _pool_pings(request, self.clock)
        rung = sla.next_rung(request.sla, 0, request.requested_at, request.expires_at, self.clock.now())
        if rung is not None:
            found.append(rung_ping(request.id, rung))
        return found


def _completed(stored: ApprovalRequest, fresh: ApprovalRequest) -> ApprovalRequest:
    """What was missing, where it could be read now; the rest stays as it was frozen."""
    named = stored.requester.display_name != stored.requester.identity.object_id
    role_known = lifecycle.is_role_known(stored)
    return lifecycle.reforecast(
        stored,
        requester=stored.requester if named else fresh.requester,
        role=stored.role if role_known else fresh.role,
        pool=fresh.pool if _missing(stored.pool) > _missing(fresh.pool) else stored.pool,
        quorum=stored.quorum if role_known else fresh.quorum,
    )


def _missing(pool: Pool | Unreadable) -> int:
    """How much of a pool could not be read."""
    if isinstance(pool, Unreadable):
        return 2
    return 0 if pool.unreadable is None else 1


def rung_ping(request_id: str, rung: sla.Rung) -> Effect:
    """Ping ops at a rung; once each, by its key."""
    payload = {"request": request_id, "rung": rung.number, "cause": PingCause.UNANSWERED.value}
    return Effect(f"{OPS_PING}:{request_id}:{rung.number}", OPS_PING, rung.due_at, payload)


def bypass_ping(request_id: str, clock: Clock) -> Effect:
    """Tell ops that a request was approved elsewhere before its quorum was there."""
    payload = {"request": request_id, "rung": 0, "cause": PingCause.QUORUM_BYPASSED.value}
    return Effect(f"{OPS_PING}:{request_id}:quorum-bypassed", OPS_PING, clock.now(), payload)


def _pool_pings(request: ApprovalRequest, clock: Clock) -> list[Effect]:
    """Tell ops at once when fewer than two can decide, or than have to: nobody is a dead end for 24
    hours, and one may be on holiday. A pool that is not known is not called small.
    """
    cause = _too_small(request)
    if cause is None:
        return []
    payload = {"request": request.id, "rung": 0, "cause": cause.value}
    return [Effect(f"{OPS_PING}:{request.id}:{cause.value}", OPS_PING, clock.now(), payload)]


def _too_small(request: ApprovalRequest) -> PingCause | None:
    pool = request.pool
    if isinstance(pool, Unreadable) or pool.unreadable is not None:
        return None
    if not pool.able:
        return PingCause.EMPTY_POOL
    if len(pool.able) < request.quorum:
        return PingCause.BELOW_QUORUM
    return PingCause.THIN_POOL if len(pool.able) == 1 else None


def _story(request: ApprovalRequest) -> dict[str, object]:
    pool = request.pool
    return {
        "role": request.role.definition_id,
        "scope": request.scope,
        "pool": {"unreadable": pool.fact}
        if isinstance(pool, Unreadable)
        else {m.person.identity.object_id: told(m.refusals) for m in pool.members},
    }

"""What Graph says about a decision whose fate is not known here, made the truth here.

Used after a crash, after an answer from Graph was lost, and when a request that was pending
turns out to be decided: Graph is read again, as the approver who claimed it where their token can
still be had, otherwise by the request's own status, which does not say who decided.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.domain import lifecycle, quorum
from bot.domain.audit import AuditEvent
from bot.domain.errors import DirectoryError, UnavailableError
from bot.domain.lifecycle import Event
from bot.domain.model import (
    ApprovalRequest,
    Choice,
    Claim,
    Decision,
    PimRequest,
    PimStatus,
    SignInNeeded,
    State,
    UserAssertion,
)
from bot.ports import Approvals, Clock, Directory, Effect, LeasedEffect, Store, Transaction, UserTokens
from bot.service.assertion import belongs_to
from bot.service.common import RECOVER, Then, change
from bot.service.evidence import GRAPHS_WORD
from bot.service.intake import bypass_ping

CLAIM_LEASE: Final = timedelta(seconds=30)
"""How long a claim may be on its way before Graph is asked what became of it. Longer than a
decision's own time limit, so that recovery does not overtake one that is merely slow."""

_TOKEN_SECONDS: Final = 3.0
SETTLING: Final = timedelta(minutes=5)
"""How young a request may be for a 404 to mean only that Graph's replicas don't agree yet. A card
closed by mistake would be a silent stall."""

log = structlog.get_logger(__name__)


def recovery(request: ApprovalRequest, claim: Claim) -> Effect:
    """Ask Graph what became of a claim, unless it is recorded by then."""
    payload = {"request": request.id, "claim": claim.id}
    return Effect(recovery_key(claim), RECOVER, claim.at + CLAIM_LEASE, payload)


def recovery_key(claim: Claim) -> str:
    return f"{RECOVER}:{claim.id}"


@dataclass(frozen=True, slots=True)
class Recovery:
    """Makes a request here what it is in Graph."""

    store: Store
    directory: Directory
    approvals: Approvals
    user_tokens: UserTokens
    clock: Clock

    async def recover(self, effect: LeasedEffect) -> None:
        """Effect handler for ``decision.recover``. Raises ``UnavailableError`` to be tried again."""
        request_id, claim_id = str(effect.payload["request"]), str(effect.payload["claim"])
        async with self.store.transaction() as tx:
            request = await tx.request(request_id)
        if request is not None and _under_claim(request, claim_id):
            log.warning("decision_recovering", request=request_id, claim=claim_id)
            await self._resolve(request, claim_id)
        async with self.store.transaction() as tx:
            await tx.finish(effect)  # False is fine: whatever resolved the claim took this row along

    async def hurry(self) -> None:
        """Ask at once about every claim. For a start as the only process there is: whoever
        claimed is gone.
        """
        async with self.store.transaction() as tx:
            for request in await tx.open_requests():
                if request.state is State.DECIDING and request.claim is not None:
                    effect = recovery(request, request.claim)
                    await tx.wake(Effect(effect.key, effect.kind, self.clock.now(), effect.payload))

    async def settle(self, request: ApprovalRequest, pim: PimRequest | None) -> ApprovalRequest | None:
        """Close a request that Graph (``pim``; None: it is gone) no longer has pending. None: it
        is not over, or somebody was quicker.
        """
        decision = await self._as_claimant(request)
        if decision is not None:
            return await self.conclude(request, decision)
        return await self._by_status(request, pim)

    async def look_again(self, request: ApprovalRequest) -> None:
        """Settle a request whose approval turned out not to be open; what can't be read now is
        left to reconciliation.
        """
        try:
            await self.settle(request, await self.directory.request(request.id, request.role.definition_id))
        except DirectoryError as error:
            log.info("left_to_reconciliation", request=request.id, why=str(error))

    async def conclude(self, request: ApprovalRequest, decision: Decision) -> ApprovalRequest | None:
        """Write down a decision that Graph has confirmed: ours when its reviewer is who claimed
        it with that choice, otherwise one made elsewhere.
        """
        bypassed = False

        def make(stored: ApprovalRequest) -> ApprovalRequest | None:
            if stored.state not in lifecycle.OPEN:
                return None
            # By the claim as stored now: every claim is written before its PATCH, so whoever Graph
            # names has theirs here, also when it was made after ``request`` was loaded.
            nonlocal bypassed
            bypassed = quorum.bypassed(stored, decision)
            if _is_ours(stored, decision) and not bypassed:
                return lifecycle.confirm(stored, _with_reason(stored, decision))
            if decision.by is None and _claimed_since(stored, request):
                return None
            return lifecycle.decided_elsewhere(stored, decision)

        return await change(
            self.store,
            self.clock,
            request.id,
            make,
            event=_conclusion,
            facts=_decision_facts(decision),
            actor=decision.by.identity if decision.by else None,
            then=self._aftermath(request, lambda: bypassed),
        )

    def _aftermath(self, request: ApprovalRequest, bypassed: Callable[[], bool]) -> Then:
        forget = _no_more_recovery(request)

        async def then(tx: Transaction, made: ApprovalRequest | None) -> None:
            await forget(tx, made)
            if made is not None and bypassed():
                await tx.enqueue(bypass_ping(made.id, self.clock))

        return then

    async def release(self, request: ApprovalRequest, claim_id: str, why: str) -> ApprovalRequest | None:
        """Make a request whose claimed decision did not happen decidable again."""

        def make(stored: ApprovalRequest) -> ApprovalRequest | None:
            return lifecycle.release(stored) if _under_claim(stored, claim_id) else None

        return await change(
            self.store,
            self.clock,
            request.id,
            make,
            event=AuditEvent.RELEASED,
            facts={"why": why, "rules": GRAPHS_WORD},
            then=_no_more_recovery(request),
        )

    async def _resolve(self, request: ApprovalRequest, claim_id: str) -> None:
        decision = await self._as_claimant(request)
        if decision is not None:
            await self.conclude(request, decision)
            return
        pim = await self.directory.request(request.id, request.role.definition_id)
        if pim is not None and pim.status is PimStatus.AWAITING_APPROVAL:
            await self.release(request, claim_id, "Graph has it pending still")
        elif await self._by_status(request, pim) is None:
            raise UnavailableError("Graph has not settled the request yet")

    async def _as_claimant(self, request: ApprovalRequest) -> Decision | None:
        """What the approval itself says, read as whoever claimed it last. None when it says
        nothing yet, or can't be read as them.
        """
        if request.claim is None or request.approval_id is None:
            return None
        try:
            held = await self._claimants_token(request.claim)
            if held is None:
                return None
            step = await self.approvals.read(held, request.approval)
        except UnavailableError as error:
            if self.clock.now() - request.claim.at < SETTLING:
                raise
            # Waiting for it for ever would leave the request undecided for everybody.
            log.warning("claim_unreadable_as_approver", request=request.id, why=str(error))
            return None
        except DirectoryError as error:
            log.info("claim_unreadable_as_approver", request=request.id, why=str(error))
            return None
        return step.decision

    async def _claimants_token(self, claim: Claim) -> UserAssertion | None:
        """Their own, or none. Raises ``UnavailableError``, also when it takes too long."""
        try:
            async with asyncio.timeout(_TOKEN_SECONDS):
                held = await self.user_tokens.assertion(claim.channel_user_id)
        except TimeoutError as error:
            raise UnavailableError("The token service does not answer") from error
        if isinstance(held, SignInNeeded):
            return None
        if not belongs_to(held, claim.by.identity):
            log.error("token_of_another_user", actor=claim.by.identity.object_id)
            return None
        return held

    async def _by_status(self, request: ApprovalRequest, pim: PimRequest | None) -> ApprovalRequest | None:
        at = self.clock.now()
        event = _ending(request, pim, at)
        if event is None:
            return None
        if event is Event.DECIDE_ELSEWHERE and pim is not None:
            choice = Choice.DENY if pim.status is PimStatus.DENIED else Choice.APPROVE
            return await self.conclude(request, Decision(choice, None, "", at))

        def make(stored: ApprovalRequest) -> ApprovalRequest | None:
            if stored.state not in lifecycle.OPEN or _claimed_since(stored, request):
                return None
            return lifecycle.closed(stored, event, at)

        return await change(
            self.store,
            self.clock,
            request.id,
            make,
            event=AuditEvent.SETTLED,
            facts={
                "event": event.value,
                "status": pim.raw_status if pim else "gone",
                "rules": GRAPHS_WORD,
            },
            then=_no_more_recovery(request),
        )


def _under_claim(request: ApprovalRequest, claim_id: str) -> bool:
    return request.state is State.DECIDING and request.claim is not None and request.claim.id == claim_id


def _is_ours(request: ApprovalRequest, decision: Decision) -> bool:
    claim = request.claim
    return (
        claim is not None
        and decision.by is not None
        and decision.by.identity == claim.by.identity
        and decision.choice is claim.choice
    )


def _with_reason(request: ApprovalRequest, decision: Decision) -> Decision:
    """Graph does not always give the justification back; the claim has it."""
    if decision.justification or request.claim is None:
        return decision
    return replace(decision, justification=request.claim.justification)


def _claimed_since(stored: ApprovalRequest, seen: ApprovalRequest) -> bool:
    """Somebody's decision is on its way that ``seen`` knows nothing of: it is theirs to settle."""
    return stored.state is State.DECIDING and stored.claim != seen.claim


def _conclusion(made: ApprovalRequest) -> AuditEvent:
    return AuditEvent.SETTLED if made.state is State.DECIDED_ELSEWHERE else AuditEvent.RECORDED


def _ending(request: ApprovalRequest, pim: PimRequest | None, at: datetime) -> Event | None:
    """A request that Graph no longer has was withdrawn, or ran out, unless it is so young that Graph
    may not have it everywhere yet; an unknown status past the approval window is taken for expiry
    (the value after a timeout is not documented).
    """
    late = at >= request.expires_at
    if pim is None:
        if at - request.requested_at < SETTLING:
            return None
        return Event.EXPIRE if late else Event.WITHDRAW
    if pim.status is PimStatus.UNKNOWN and late:
        return Event.EXPIRE
    return lifecycle.ending(pim.status)


def _no_more_recovery(request: ApprovalRequest) -> Then:
    async def then(tx: Transaction, made: ApprovalRequest | None) -> None:
        claim = (made or request).claim
        if claim is not None:
            await tx.cancel(recovery_key(claim))

    return then


def _decision_facts(decision: Decision) -> dict[str, object]:
    return {
        "choice": decision.choice.value,
        "reviewed_by": decision.by.identity.object_id if decision.by else "not told",
        "reviewed_at": decision.at.isoformat(),
        "rules": GRAPHS_WORD,
    }

"""A click on Approve or Deny becomes one decision in Graph, by the approver's own token.

In order: judge on live facts, read the approval as the approver, claim, PATCH, record, announce.
Nothing is announced that Graph has not confirmed, and whatever dies in between is finished by
``recover`` and ``reconcile``.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, assert_never

import structlog

from bot.domain import lifecycle, separation
from bot.domain.audit import AuditEvent
from bot.domain.content import RequestCard, Viewer
from bot.domain.errors import (
    AlreadyDecidedError,
    ClaimsChallengeError,
    DirectoryError,
    InteractionRequiredError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionMissingError,
    SecondKeyError,
    UnavailableError,
)
from bot.domain.model import (
    Actor,
    ApprovalPolicy,
    ApprovalRef,
    ApprovalRequest,
    ApprovalStep,
    Choice,
    Claim,
    Decision,
    Facts,
    Person,
    Pool,
    SignInNeeded,
    State,
    UserAssertion,
)
from bot.ports import Approvals, Clock, Ids, Store, UserTokens
from bot.service import evidence
from bot.service.assertion import belongs_to
from bot.service.common import entry, told
from bot.service.conduct import COUNTED, conduct_check
from bot.service.facts import FactsReader
from bot.service.recover import Recovery, recovery
from bot.telemetry import metrics
from bot.telemetry.metrics import Outcome

REASON_LIMIT: Final = 500
"""Characters of an approver's justification that are sent on."""
_TIME_LIMIT: Final = timedelta(seconds=25)
"""For everything after the claim; then recovery takes over (``recover.CLAIM_LEASE``)."""
_PATCH_TRIES: Final = 3

log = structlog.get_logger(__name__)


class _StopError(SecondKeyError):
    """The decision can't go on; the card says why."""

    def __init__(self, notice: str, *, sign_in_link: str | None = None, settle: bool = False) -> None:
        super().__init__(notice)
        self.notice = notice
        self.sign_in_link = sign_in_link
        self.settle = settle


@dataclass(frozen=True, slots=True)
class _Click:
    """One click, with what has been found out for it."""

    actor: Actor
    choice: Choice
    reason: str
    assertion: UserAssertion
    step: ApprovalStep
    facts: Facts


@dataclass(frozen=True, slots=True)
class Decisions:
    """The approver's desk (``ports.Desk`` but for ``heard_from``)."""

    store: Store
    facts: FactsReader
    approvals: Approvals
    user_tokens: UserTokens
    recovery: Recovery
    clock: Clock
    ids: Ids
    rules: separation.Rules
    portal_url: str

    async def decide(
        self, actor: Actor, request_id: str, choice: Choice, justification: str
    ) -> RequestCard | None:
        """See ``ports.Desk.decide``."""
        request = await self._load(request_id)
        if request is None:
            return None
        if (closed := _not_open(request)) is not None:
            mine = request.claim is not None and request.claim.by.identity == actor.identity
            notice = "still-recording" if closed == "being-decided" and mine else closed
            story = {"choice": choice.value, **evidence.of_stop(notice), **evidence.of_state(request)}
            await self._audit(AuditEvent.NOT_SENT, request, actor, story)
            return self._card(request, actor, notice=notice)
        facts = await self.facts.live(request.role.definition_id)
        verdict = separation.judge(actor.identity, request, facts, self.rules)
        match verdict:
            case separation.Refused():
                return await self._refuse(request, actor, choice, verdict, facts)
            case separation.Allowed():
                return await self._carry_out(request, actor, choice, justification.strip(), facts)
            case _:
                assert_never(verdict)

    async def look(self, actor: Actor, request_id: str) -> RequestCard | None:
        """See ``ports.Desk.look``."""
        request = await self._load(request_id)
        return None if request is None else self._card(request, actor)

    # Before the claim: everything that can say no without leaving a trace in Graph ---------

    async def _carry_out(
        self, request: ApprovalRequest, actor: Actor, choice: Choice, reason: str, facts: Facts
    ) -> RequestCard:
        assertion = None
        try:
            _check_reason(reason, request, facts)
            assertion = await self._assertion(request, actor)
            step = await self._open_step(request, actor, assertion)
            click = _Click(actor, choice, reason[:REASON_LIMIT], assertion, step, facts)
            claimed = await self._claim(request, click)
            return await self._send(claimed, click)
        except _StopError as stop:
            used = {**evidence.of_facts(facts, self.clock.now()), **evidence.of_token(assertion)}
            return await self._stopped(request, actor, choice, stop, used)

    async def _assertion(self, request: ApprovalRequest, actor: Actor) -> UserAssertion:
        try:
            held = await self.user_tokens.assertion(actor.channel_user_id)
        except UnavailableError as error:
            raise _StopError("try-again") from error
        if isinstance(held, SignInNeeded):
            raise _StopError("sign-in-needed", sign_in_link=held.link)
        if not belongs_to(held, actor.identity):
            await self._audit(AuditEvent.IMPERSONATION, request, actor, evidence.of_token(held))
            log.error("token_of_another_user", request=request.id, actor=actor.identity.object_id)
            raise _StopError("assertion-mismatch")
        return held

    async def _open_step(
        self, request: ApprovalRequest, actor: Actor, assertion: UserAssertion
    ) -> ApprovalStep:
        """The step as it is now, read as the approver: a card may be a day old."""
        try:
            step = await self.approvals.read(assertion, request.approval)
        except DirectoryError as error:
            raise _stop_for(error) from error
        if step.decision is not None:
            await self.recovery.conclude(request, step.decision)
            raise _StopError("already-decided")
        if not step.open:
            raise _StopError("not-open", settle=True)
        if not step.assigned_to_me:
            log.warning("not_assigned_by_pim", request=request.id, actor=actor.identity.object_id)
            raise _StopError("not-assigned")
        return step

    async def _claim(self, request: ApprovalRequest, click: _Click) -> ApprovalRequest:
        by = Person(click.actor.identity, click.actor.display_name)
        claim = Claim(
            self.ids.new_id(), by, click.actor.channel_user_id, click.choice, click.reason, self.clock.now()
        )
        said = {"choice": click.choice.value, "claim": claim.id}
        used = {**evidence.of_facts(click.facts, claim.at), **evidence.of_token(click.assertion)}
        async with self.store.transaction() as tx:
            stored = await tx.request(request.id)
            if stored is None or not _as_judged(stored, request):
                raise _StopError((stored and _not_open(stored)) or "try-again")
            claimed = lifecycle.claim(stored, claim)
            if not await tx.save_request(claimed):
                raise _StopError("being-decided")
            await tx.enqueue(recovery(claimed, claim))
            story = {**said, **used}
            await tx.audit(entry(self.clock, AuditEvent.CLAIMED, request.id, claim.by.identity, story))
        return claimed

    # After the claim: Graph has the word ----------------------------------------------------

    async def _send(self, claimed: ApprovalRequest, click: _Click) -> RequestCard:
        try:
            async with asyncio.timeout(_TIME_LIMIT.total_seconds()):
                decision = await self._patch(claimed, click)
        except (TimeoutError, UnavailableError) as error:
            if isinstance(error, UnavailableError) and not isinstance(error, OutcomeUnknownError):
                return await self._give_back(claimed, click.actor, error)
            log.warning("decision_outcome_unknown", request=claimed.id)
            _count(click.choice, Outcome.UNKNOWN)
            return self._card(claimed, click.actor, notice="outcome-unknown")
        except DirectoryError as error:
            return await self._give_back(claimed, click.actor, error)
        return await self._record(claimed, click, decision)

    async def _patch(self, claimed: ApprovalRequest, click: _Click) -> Decision:
        """Sent, and when its answer is lost, read before it is repeated. Raises
        ``OutcomeUnknownError`` when even reading doesn't tell.
        """
        approval, step = claimed.approval, click.step
        for attempt in range(1, _PATCH_TRIES + 1):
            try:
                await self.approvals.decide(
                    click.assertion, approval, step.step_id, click.choice, click.reason
                )
                by = Person(click.actor.identity, click.actor.display_name)
                return Decision(click.choice, by, click.reason, self.clock.now())
            except (AlreadyDecidedError, OutcomeUnknownError) as error:
                log.info("decision_reread", request=claimed.id, attempt=attempt, why=type(error).__name__)
                found = await self._reread(click.assertion, approval)
                if found is not None:
                    return found
        raise OutcomeUnknownError

    async def _reread(self, assertion: UserAssertion, approval: ApprovalRef) -> Decision | None:
        try:
            return (await self.approvals.read(assertion, approval)).decision
        except DirectoryError as error:
            raise OutcomeUnknownError from error

    async def _record(self, claimed: ApprovalRequest, click: _Click, decision: Decision) -> RequestCard:
        recorded = await self.recovery.conclude(claimed, decision)
        if recorded is None:  # reconciliation read the same in Graph, and was quicker
            recorded = await self._load(claimed.id) or claimed
        mine = decision.by is not None and decision.by.identity == click.actor.identity
        notice = f"recorded-{_PAST[decision.choice]}" if mine else "already-decided"
        log.info("decision_recorded", request=claimed.id, choice=decision.choice.value, mine=mine)
        _count(click.choice, Outcome.RECORDED if mine else Outcome.DECIDED_ELSEWHERE)
        if claimed.claim:
            metrics.DECISION_SECONDS.observe((self.clock.now() - claimed.claim.at).total_seconds())
        return self._card(recorded, click.actor, notice=notice)

    async def _give_back(self, claimed: ApprovalRequest, actor: Actor, error: DirectoryError) -> RequestCard:
        claim_id = claimed.claim.id if claimed.claim else ""
        log.warning("decision_not_taken", request=claimed.id, why=type(error).__name__, status=error.status)
        if claimed.claim:
            _count(claimed.claim.choice, Outcome.NOT_TAKEN)
        released = await self.recovery.release(claimed, claim_id, type(error).__name__)
        current = released or await self._load(claimed.id) or claimed
        return self._card(current, actor, notice=_stop_for(error).notice)

    # What the actor sees --------------------------------------------------------------------

    async def _refuse(
        self,
        request: ApprovalRequest,
        actor: Actor,
        choice: Choice,
        verdict: separation.Refused,
        facts: Facts,
    ) -> RequestCard:
        used = evidence.of_facts(facts, self.clock.now())
        story = {"choice": choice.value, "refusals": told(verdict.refusals), **used}
        await self._audit(AuditEvent.REFUSED, request, actor, story)
        reasons = [r.reason.value for r in verdict.refusals]
        for reason in dict.fromkeys(reasons):
            metrics.REFUSALS.add(reason=reason)
        log.info("decision_refused", request=request.id, actor=actor.identity.object_id, reasons=reasons)
        return RequestCard(request, self.portal_url, Viewer.REFUSED, verdict.refusals, "refused")

    async def _stopped(
        self,
        request: ApprovalRequest,
        actor: Actor,
        choice: Choice,
        stop: _StopError,
        used: dict[str, object],
    ) -> RequestCard:
        story = {"choice": choice.value, **used, **evidence.of_stop(stop.notice)}
        await self._audit(AuditEvent.NOT_SENT, request, actor, story)
        metrics.NOT_SENT.add(why=stop.notice)
        if stop.settle:
            await self.recovery.look_again(request)
        current = await self._load(request.id) or request
        card = self._card(current, actor, notice=stop.notice)
        return replace(card, sign_in_link=stop.sign_in_link)

    def _card(self, request: ApprovalRequest, actor: Actor, notice: str | None = None) -> RequestCard:
        """The request as this actor sees it, by the forecast frozen at intake: looking costs no
        call to Graph, and only a click is judged on live facts.
        """
        if request.state not in lifecycle.OPEN:
            return RequestCard(request, self.portal_url, Viewer.EVERYONE, (), notice)
        refusals = separation.outlook(actor.identity, request, self.rules)
        viewer = Viewer.REFUSED if refusals else Viewer.ABLE
        return RequestCard(request, self.portal_url, viewer, refusals, notice)

    async def _load(self, request_id: str) -> ApprovalRequest | None:
        async with self.store.transaction() as tx:
            return await tx.request(request_id)

    async def _audit(
        self, event: AuditEvent, request: ApprovalRequest, actor: Actor, facts: dict[str, object]
    ) -> None:
        async with self.store.transaction() as tx:
            await tx.audit(entry(self.clock, event, request.id, actor.identity, facts))
            if event in COUNTED:
                await tx.wake(conduct_check(actor, request.id, self.clock))


_PAST = {Choice.APPROVE: "approved", Choice.DENY: "denied"}


def _count(choice: Choice, outcome: Outcome) -> None:
    metrics.DECISIONS.add(choice=choice.value.lower(), outcome=outcome.value)


def _not_open(request: ApprovalRequest) -> str | None:
    if not request.decidable_here:
        return "not-decidable-here"
    if request.state is State.DECIDING:
        return "being-decided"
    if request.state in {State.APPROVED, State.DENIED, State.DECIDED_ELSEWHERE, State.ACTIVE}:
        return "already-decided"
    return None if request.state is State.PENDING else "not-open"


def _as_judged(stored: ApprovalRequest, judged: ApprovalRequest) -> bool:
    """Whether a verdict still stands: ops may have been pinged since, and nothing else."""
    return replace(stored, version=judged.version, rung=judged.rung) == judged


def _check_reason(reason: str, request: ApprovalRequest, facts: Facts) -> None:
    frozen = isinstance(request.pool, Pool) and request.pool.justification_required
    live = isinstance(facts.policy, ApprovalPolicy) and facts.policy.justification_required
    if not reason and (frozen or live):
        raise _StopError("reason-required")


def _stop_for(error: DirectoryError) -> _StopError:
    match error:
        case ClaimsChallengeError():
            return _StopError("step-up-needed")
        case InteractionRequiredError(code="AADSTS65001"):
            return _StopError("consent-needed")
        case InteractionRequiredError():
            return _StopError("sign-in-needed")
        case PermissionMissingError():
            return _StopError("permission-missing")
        case NotFoundError():
            return _StopError("not-open", settle=True)
        case UnavailableError():
            return _StopError("try-again")
        case _:
            return _StopError("rejected")

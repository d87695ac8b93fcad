"""A click on Approve or Deny becomes one decision in Graph, by the approver's own token.

In order: judge on live facts, find the approver's token, read the approval as the approver, claim,
PATCH, record, announce. Nothing is announced that Graph has not confirmed, and whatever dies in
between is finished by ``recover`` and ``reconcile``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, assert_never

import structlog

from bot.domain import lifecycle, quorum, separation
from bot.domain.audit import AuditEvent
from bot.domain.content import RequestCard
from bot.domain.errors import DirectoryError, SecondKeyError
from bot.domain.model import (
    Actor,
    ApprovalPolicy,
    ApprovalRequest,
    ApprovalStep,
    Choice,
    Claim,
    Facts,
    Identity,
    Person,
    Pool,
    Reason,
    Role,
    State,
    UserAssertion,
    Vote,
)
from bot.domain.obstacles import Way
from bot.ports import NOTHING_PRESENTED, Approvals, Clock, Ids, LoginAsked, Presented, Store
from bot.service import evidence
from bot.service.common import card_sync, entry, told
from bot.service.conduct import COUNTED, conduct_check
from bot.service.facts import FactsReader
from bot.service.recover import Recovery, recovery
from bot.service.sending import Click, Sender
from bot.service.signing_in import SigningIn
from bot.service.stops import StopError, check_strength, stop_for
from bot.service.views import Views
from bot.service.whose import Credential, Whose
from bot.telemetry import metrics

DECIDE: Final = "decide"
"""The kind of act that waits for a sign-in (``SigningIn.resume``)."""
REASON_LIMIT: Final = 500
"""Characters of an approver's justification that are sent on."""
_CONTENTION_TRIES: Final = 5

log = structlog.get_logger(__name__)


class _ChangedError(SecondKeyError):
    """Somebody's vote came in between: to be judged anew, with the token found already."""

    assertion: UserAssertion | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What settings ask of a decision."""

    context_of: Callable[[Role], str | None] = lambda _role: None
    """The authentication context that approving a role demands."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What somebody clicked, on which request."""

    request: ApprovalRequest
    actor: Actor
    choice: Choice
    reason: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """The approver's desk (``ports.Desk``, its decisions)."""

    store: Store
    facts: FactsReader
    approvals: Approvals
    whose: Whose
    signing_in: SigningIn
    recovery: Recovery
    clock: Clock
    ids: Ids
    rules: separation.Rules
    views: Views
    terms: Terms = Terms()

    async def decide(
        self,
        actor: Actor,
        request_id: str,
        choice: Choice,
        justification: str,
        presented: Presented = NOTHING_PRESENTED,
    ) -> RequestCard | LoginAsked | None:
        """See ``ports.Desk.decide``."""
        return await self._decide(actor, request_id, choice, justification.strip(), presented)

    async def resume(
        self, actor: Actor, payload: Mapping[str, Any], assertion: UserAssertion
    ) -> RequestCard | None:
        """Carry out the decision that a sign-in was needed for (``SigningIn.resume``)."""
        request_id, choice = str(payload["request"]), Choice(payload["choice"])
        shown = await self._decide(actor, request_id, choice, str(payload["reason"]), assertion)
        return None if isinstance(shown, LoginAsked) else shown

    async def look(self, actor: Actor, request_id: str) -> RequestCard | None:
        """See ``ports.Desk.look``."""
        request = await self.views.load(request_id)
        return None if request is None else self.views.card(request, actor)

    async def _decide(
        self, actor: Actor, request_id: str, choice: Choice, reason: str, credential: Credential
    ) -> RequestCard | LoginAsked | None:
        request = await self.views.load(request_id)
        for _ in range(_CONTENTION_TRIES):
            if request is None:
                return None
            try:
                return await self._judged(_Wish(request, actor, choice, reason), credential)
            except _ChangedError as changed:
                credential = changed.assertion or credential
                request = await self.views.load(request_id)
        return None if request is None else self.views.card(request, actor, notice="try-again")

    async def _judged(self, wish: _Wish, credential: Credential) -> RequestCard | LoginAsked:
        request, actor = wish.request, wish.actor
        if (closed := _not_open(request)) is not None:
            return await self._too_late(wish, closed)
        facts = await self.facts.live(request.role.definition_id, actor.identity)
        verdict = separation.judge(actor.identity, request, facts, self.rules)
        match verdict:
            case separation.Refused():
                return await self._refuse(wish, verdict, facts)
            case separation.Allowed():
                return await self._carry_out(wish, credential, facts)
            case _:
                assert_never(verdict)

    # Before the claim: everything that can say no without leaving a trace in Graph ---------

    async def _carry_out(self, wish: _Wish, credential: Credential, facts: Facts) -> RequestCard | LoginAsked:
        assertion = None
        try:
            _check_role(wish)
            self._check_reason(wish, facts)
            assertion = await self.whose.assertion(wish.actor, credential)
            check_strength(assertion, self.terms.context_of(wish.request.role))
            step = await self._open_step(wish.request, wish.actor, assertion)
            click = Click(wish.actor, wish.choice, wish.reason[:REASON_LIMIT], assertion, step, facts)
            if wish.request.quorum > 1 and wish.choice is Choice.APPROVE:
                return await self._vote(wish.request, click)
            return await self._send(wish.request, click)
        except _ChangedError as changed:
            changed.assertion = assertion
            raise
        except StopError as stop:
            used = {**evidence.of_facts(facts, self.clock.now()), **evidence.of_token(assertion)}
            return await self._stopped(wish, credential, stop, used)

    def _check_reason(self, wish: _Wish, facts: Facts) -> None:
        if wish.reason:
            return
        pool, policy = wish.request.pool, facts.policy
        frozen = isinstance(pool, Pool) and pool.justification_required
        live = isinstance(policy, ApprovalPolicy) and policy.justification_required
        if frozen or live:
            raise StopError("reason-required")
        if wish.choice is Choice.DENY and wish.request.denial_needs_reason:
            raise StopError("denial-reason-required")

    async def _open_step(
        self, request: ApprovalRequest, actor: Actor, assertion: UserAssertion
    ) -> ApprovalStep:
        """The step as it is now, read as the approver: a card may be a day old."""
        try:
            step = await self.approvals.read(assertion, request.approval)
        except DirectoryError as error:
            raise stop_for(error) from error
        if step.decision is not None:
            await self.recovery.conclude(request, step.decision)
            raise StopError("already-decided")
        if not step.open:
            raise StopError("not-open", settle=True)
        if not step.assigned_to_me:
            log.warning("not_assigned_by_pim", request=request.id, actor=actor.identity.object_id)
            raise StopError("not-assigned")
        return step

    # Dual control ---------------------------------------------------------------------------

    async def _vote(self, request: ApprovalRequest, click: Click) -> RequestCard:
        """An approval that counts towards a quorum; the one that completes it is sent, with all the
        names in it. Earlier votes count only as long as their voters may decide.
        """
        request = await self._without_conflicted(request)
        vote = Vote(_person(click.actor, request), click.reason, self.clock.now())
        if quorum.has_voted(request, click.actor.identity):
            raise StopError("already-voted")
        if quorum.is_last(request, click.actor.identity):
            joint = quorum.joint_justification(request, vote, REASON_LIMIT)
            return await self._send(request, replace(click, reason=joint))
        made = quorum.voted(request, vote)
        story = {
            "choice": click.choice.value,
            "votes": len(made.votes),
            "quorum": made.quorum,
            **self._used(click),
        }
        await self._save(made, AuditEvent.VOTED, click.actor.identity, story)
        log.info("vote_counted", request=made.id, votes=len(made.votes), quorum=made.quorum)
        return self.views.card(made, click.actor, notice="vote-counted")

    async def _without_conflicted(self, request: ApprovalRequest) -> ApprovalRequest:
        """Each voter is judged on facts of their own. Raises ``StopError`` while some can't be read: a vote
        then counts neither as given nor as lost.
        """
        gone: dict[Identity, object] = {}
        for vote in request.votes:
            who = vote.by.identity
            facts = await self.facts.live(request.role.definition_id, who)
            verdict = separation.judge(who, request, facts, self.rules)
            if isinstance(verdict, separation.Refused):
                if all(one.reason is Reason.FACT_UNREADABLE for one in verdict.refusals):
                    raise StopError("try-again")
                gone[who] = told(verdict.refusals)
        if not gone:
            return request
        made = quorum.without(request, gone)
        story = {"dropped": {who.object_id: why for who, why in gone.items()}}
        await self._save(made, AuditEvent.VOTE_DROPPED, None, story)
        return made

    async def _save(
        self, made: ApprovalRequest, event: AuditEvent, actor: Identity | None, story: Mapping[str, Any]
    ) -> None:
        async with self.store.transaction() as tx:
            if not await tx.save_request(made):
                raise _ChangedError
            await tx.audit(entry(self.clock, event, made.id, actor, story))
            await tx.wake(card_sync(made.id, self.clock))

    # The claim, and what follows ------------------------------------------------------------

    async def _send(self, request: ApprovalRequest, click: Click) -> RequestCard:
        claimed = await self._claim(request, click)
        sender = Sender(self.approvals, self.recovery, self.views, self.clock)
        return await sender.send(claimed, click)

    async def _claim(self, request: ApprovalRequest, click: Click) -> ApprovalRequest:
        claim = Claim(
            self.ids.new_id(),
            _person(click.actor, request),
            click.actor.channel_user_id,
            click.choice,
            click.reason,
            self.clock.now(),
        )
        story = {"choice": click.choice.value, "claim": claim.id, **self._used(click)}
        async with self.store.transaction() as tx:
            stored = await tx.request(request.id)
            if stored is None or not _as_judged(stored, request):
                raise _overtaken(stored)
            claimed = lifecycle.claim(stored, claim)
            if not await tx.save_request(claimed):
                raise _ChangedError
            await tx.enqueue(recovery(claimed, claim))
            await tx.audit(entry(self.clock, AuditEvent.CLAIMED, request.id, claim.by.identity, story))
        return claimed

    def _used(self, click: Click) -> dict[str, object]:
        return {**evidence.of_facts(click.facts, self.clock.now()), **evidence.of_token(click.assertion)}

    # What the actor sees --------------------------------------------------------------------

    async def _too_late(self, wish: _Wish, closed: str) -> RequestCard:
        request, actor = wish.request, wish.actor
        mine = request.claim is not None and request.claim.by.identity == actor.identity
        notice = "still-recording" if closed == "being-decided" and mine else closed
        story = {"choice": wish.choice.value, **evidence.of_stop(notice), **evidence.of_state(request)}
        await self._audit(AuditEvent.NOT_SENT, wish, story)
        return self.views.card(request, actor, notice=notice)

    async def _refuse(self, wish: _Wish, verdict: separation.Refused, facts: Facts) -> RequestCard:
        used = evidence.of_facts(facts, self.clock.now())
        story = {"choice": wish.choice.value, "refusals": told(verdict.refusals), **used}
        await self._audit(AuditEvent.REFUSED, wish, story)
        reasons = [r.reason.value for r in verdict.refusals]
        who = wish.actor.identity.object_id
        log.info("decision_refused", request=wish.request.id, actor=who, reasons=reasons)
        for reason in dict.fromkeys(reasons):
            metrics.REFUSALS.add(reason=reason)
        return self.views.refused(wish.request, verdict)

    async def _stopped(
        self, wish: _Wish, credential: Credential, stop: StopError, used: Mapping[str, object]
    ) -> RequestCard | LoginAsked:
        if stop.impostor is not None:
            await self._audit(AuditEvent.IMPERSONATION, wish, evidence.of_token(stop.impostor))
            log.error("token_of_another_user", request=wish.request.id, actor=wish.actor.identity.object_id)
        story = {"choice": wish.choice.value, **used, **evidence.of_stop(stop.notice)}
        await self._audit(AuditEvent.NOT_SENT, wish, story)
        metrics.NOT_SENT.add(why=stop.notice)
        if stop.settle:
            await self.recovery.look_again(wish.request)
        if _client_signs_in(stop, credential):
            resource = await self.whose.user_tokens.sign_in(wish.actor.channel_user_id)
            return LoginAsked(resource, failed=stop.exchange_failed)
        current = await self.views.load(wish.request.id) or wish.request
        card = self.views.card(current, wish.actor, notice=stop.notice)
        return card if stop.obstacle.way is Way.NONE else await self._with_link(card, wish, stop)

    async def _with_link(self, card: RequestCard, wish: _Wish, stop: StopError) -> RequestCard:
        payload = {"request": wish.request.id, "choice": wish.choice.value, "reason": wish.reason}
        link = await self.signing_in.begin(wish.actor, DECIDE, wish.request.id, payload, stop.obstacle)
        return replace(card, sign_in_link=link)

    async def _audit(self, event: AuditEvent, wish: _Wish, facts: Mapping[str, object]) -> None:
        async with self.store.transaction() as tx:
            await tx.audit(entry(self.clock, event, wish.request.id, wish.actor.identity, facts))
            if event in COUNTED:
                await tx.wake(conduct_check(wish.actor, wish.request.id, self.clock))


def _person(actor: Actor, request: ApprovalRequest) -> Person:
    """By the name the directory has for them: a client can say anything."""
    members = request.pool.members if isinstance(request.pool, Pool) else ()
    named = (m.person for m in members if m.person.identity == actor.identity)
    return next(named, Person(actor.identity, actor.display_name))


def _check_role(wish: _Wish) -> None:
    """Settings may ask more of an approval, and speak of roles by name: without it, nobody knows."""
    if wish.choice is Choice.APPROVE and not lifecycle.is_role_known(wish.request):
        raise StopError("role-unknown")


def _client_signs_in(stop: StopError, credential: Credential) -> bool:
    """Whether the client can get the token by itself and send the action again."""
    personal = isinstance(credential, Presented) and credential.personal
    return personal and stop.obstacle.way is Way.SIGN_IN


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


def _overtaken(stored: ApprovalRequest | None) -> SecondKeyError:
    """What is to be done about a request that changed since it was judged."""
    if stored is not None and (closed := _not_open(stored)) is not None:
        return StopError(closed)
    return _ChangedError() if stored is not None else StopError("try-again")

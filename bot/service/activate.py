"""One's own roles: asked for, given back, withdrawn and extended with the user's own token.

Sending is never repeated blindly: when Graph's answer is lost, the user's own requests are read
first, and PIM refuses a second request for the same role. What Graph has taken goes straight to
intake, so that its card is with the approvers before any signal arrives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog

from bot.domain import activation as a
from bot.domain import following
from bot.domain.activation import ActivationPolicy, ActiveRole, EligibleRole, Wish
from bot.domain.audit import AuditEvent
from bot.domain.errors import (
    DirectoryError,
    OutcomeUnknownError,
    PimRefusal,
    PimRefusedError,
    UnavailableError,
)
from bot.domain.model import Actor, Person, PimRequest, PimStatus, SignInNeeded, Ticket, UserAssertion
from bot.ports import AuditEntry, Clock, RoleFacts, SelfService, Store, Transaction, UserTokens
from bot.service import evidence
from bot.service.assertion import belongs_to
from bot.service.common import ContentionError, entry, insist
from bot.service.followed import own_card, watch
from bot.service.intake import Intake
from bot.service.presenting import just_signed_in
from bot.service.troubles import trouble_of
from bot.telemetry import metrics

_SENDS: Final = 2
_SKEW: Final = timedelta(minutes=2)
"""How far Graph's clock may be behind: a request is recognised as the one just sent within it."""
_LIVE: Final = frozenset({PimStatus.AWAITING_APPROVAL, PimStatus.IN_TRANSIT, PimStatus.GRANTED})
_ELIGIBILITY_RULE: Final = "EligibilityRule"

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Activations:
    """Sends wishes to PIM (``ports.OwnRoles``: ``eligible``, ``active``, ``pending``, ``activate``).
    ``ticket_system`` stands in where a ticket's system was not said: PIM asks for both.
    """

    pim: SelfService
    facts: RoleFacts
    user_tokens: UserTokens
    intake: Intake
    store: Store
    clock: Clock
    ticket_system: str

    async def eligible(self, actor: Actor) -> tuple[EligibleRole, ...] | a.Trouble:
        """See ``ports.OwnRoles.eligible``."""
        return await self.as_actor(actor, self.pim.eligible)

    async def active(self, actor: Actor) -> tuple[ActiveRole, ...] | a.Trouble:
        """See ``ports.OwnRoles.active``."""
        return await self.as_actor(actor, self.pim.active)

    async def pending(self, actor: Actor) -> tuple[PimRequest, ...] | a.Trouble:
        """See ``ports.OwnRoles.pending``."""
        found = await self.as_actor(actor, self.pim.requests)
        return tuple(filter(awaits, found)) if isinstance(found, tuple) else found

    async def activate(self, actor: Actor, wish: Wish) -> a.ActivationOutcome:
        """See ``ports.OwnRoles.activate``."""
        held = await self.assertion(actor)
        if not isinstance(held, UserAssertion):
            return held
        return await self.activate_with(actor, held, wish)

    async def activate_with(self, actor: Actor, assertion: UserAssertion, wish: Wish) -> a.ActivationOutcome:
        """As ``activate``, with this very token: what a step-up ends with."""
        wish = self.completed(wish)
        policy = await self.policy(wish.role.key)
        outcome: a.ActivationOutcome | None = self.problems(wish, policy)
        if policy is None:
            outcome = await self._tried(actor, assertion, wish)
        outcome = outcome or await self.send(actor, assertion, wish)
        if not isinstance(outcome, a.Sent | a.NeedsChange):
            await self._audit_refusal(actor, assertion, wish, outcome)
        metrics.ACTIVATIONS.add(outcome=type(outcome).__name__)
        return outcome

    async def _tried(self, actor: Actor, assertion: UserAssertion, wish: Wish) -> a.ActivationOutcome | None:
        """What PIM would refuse the wish for, by a run that only validates; None: nothing. In place of
        the policy, where that can't be read.
        """
        try:
            await self.pim.activate(assertion, actor.identity.object_id, wish, validate_only=True)
        except OutcomeUnknownError:
            # A lost answer to a question: certainly nothing was done.
            return a.Unavailable()
        except PimRefusedError as error:
            return await self.refused(actor, assertion, wish, error)
        except DirectoryError as error:
            return trouble_of(error)
        return None

    # What the other use cases share ---------------------------------------------------------

    async def as_actor(self, actor: Actor, read: Callable[[UserAssertion], Awaitable[T]]) -> T | a.Trouble:
        """Read something with the actor's own token."""
        held = await self.assertion(actor)
        if not isinstance(held, UserAssertion):
            return held
        try:
            return await read(held)
        except DirectoryError as error:
            return trouble_of(error)

    async def assertion(
        self, actor: Actor
    ) -> UserAssertion | SignInNeeded | a.AnotherAccount | a.Unavailable:
        """The actor's token for this app, and nobody else's: the one of the sign-in that has just
        ended before one that is held.
        """
        just = just_signed_in()
        if just is not None and belongs_to(just.assertion, actor.identity):
            return just.assertion
        try:
            held = await self.user_tokens.assertion(actor.channel_user_id)
        except UnavailableError:
            return a.Unavailable()
        if isinstance(held, SignInNeeded) or belongs_to(held, actor.identity):
            return held
        log.error("token_of_another_user", actor=actor.identity.object_id)
        facts = {"act": "own roles", **evidence.of_token(held)}
        async with self.store.transaction() as tx:
            await tx.audit(entry(self.clock, AuditEvent.IMPERSONATION, None, actor.identity, facts))
        return a.AnotherAccount()

    async def policy(self, key: str) -> ActivationPolicy | None:
        """The role's policy; None when it can't be read. PIM judges by it in any case: reading it
        only spares the user a refusal.
        """
        try:
            return await self.facts.activation_policy(key)
        except DirectoryError as error:
            log.warning("activation_policy_unreadable", role=key, why=str(error))
            return None

    def completed(self, wish: Wish) -> Wish:
        """As it is sent: no spaces around, and the ticket's system never empty."""
        ticket = wish.ticket
        if ticket is not None:
            ticket = Ticket(ticket.number.strip(), ticket.system.strip() or self.ticket_system)
        return replace(wish, reason=wish.reason.strip(), ticket=ticket)

    def problems(self, wish: Wish, policy: ActivationPolicy | None) -> a.NeedsChange | None:
        """What has to be mended before the wish is worth sending."""
        found = a.Fine() if policy is None else a.check(wish, policy)
        if isinstance(found, a.Fine):
            return None
        return a.NeedsChange(found, a.shortened(wish, found))

    async def send(self, actor: Actor, assertion: UserAssertion, wish: Wish) -> a.ActivationOutcome:
        """Send it, and see it through to the approvers' card. Meanwhile the forecast is read that the
        card will need.
        """
        ahead = asyncio.create_task(self.intake.foresee(wish.role.key, actor.identity.object_id))
        try:
            return await self._send(actor, assertion, wish)
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def _send(self, actor: Actor, assertion: UserAssertion, wish: Wish) -> a.ActivationOutcome:
        """A lost answer is looked up before the wish is sent once more, which PIM refuses if it has it."""
        began = self.clock.now()
        for attempt in range(1, _SENDS + 1):
            try:
                made = await self.pim.activate(assertion, actor.identity.object_id, wish)
                return await self.taken(actor, made, wish.role.display_name, by=assertion)
            except OutcomeUnknownError:
                log.warning("activation_outcome_unknown", role=wish.role.key, attempt=attempt)
                found = await self._sent_since(assertion, wish, began)
                if isinstance(found, PimRequest):
                    return await self.taken(actor, found, wish.role.display_name, by=assertion)
                if found is not None:
                    return found
            except PimRefusedError as error:
                return await self.refused(actor, assertion, wish, error, began if attempt > 1 else None)
            except DirectoryError as error:
                return trouble_of(error)
        return a.OutcomeUnknown()

    async def taken(self, actor: Actor, pim: PimRequest, role_name: str, *, by: UserAssertion) -> a.Sent:
        """Graph has the request: give it to intake, and follow it for its requester."""
        await self._take_in(actor, pim, role_name, by)
        log.info("activation_sent", request=pim.id, role=pim.role_definition_id, status=pim.raw_status)
        return a.Sent(pim)

    async def _take_in(
        self, actor: Actor, pim: PimRequest, role_name: str, sent_by: UserAssertion | None
    ) -> None:
        if awaits(pim):
            await self.intake.take_in(pim)
        await self.follow(actor, pim, role_name, sent_by=sent_by)

    async def follow(
        self, actor: Actor, pim: PimRequest, role_name: str, *, sent_by: UserAssertion | None
    ) -> None:
        """Have the requester's card live, once, whoever took the request in first. ``sent_by``: the
        token it was sent with; None: it was sent elsewhere, and found.
        """
        who = Person(actor.identity, actor.display_name)
        made = following.of_pim(pim, who, role_name, actor.channel_user_id, self.clock.now())
        fresh = replace(made, language=actor.language)

        async def record(tx: Transaction) -> None:
            if await tx.add_activation(fresh):
                if sent_by is not None:
                    await tx.audit(self._sent(actor, pim, sent_by))
            else:
                stored = await tx.activation(pim.id)
                told = stored and following.told_here(stored, actor.channel_user_id)
                if told is not None and told is not stored and not await tx.save_activation(told):
                    raise ContentionError
            if fresh.granted_at is not None:
                await tx.enqueue(watch(pim.id, self.clock.now()))
            await tx.wake(own_card(pim.id, self.clock.now()))

        await insist(self.store, record)

    def _sent(self, actor: Actor, pim: PimRequest, by: UserAssertion) -> AuditEntry:
        told = {"role": pim.role_definition_id, "scope": pim.scope, "status": pim.raw_status}
        facts = {**told, **evidence.of_token(by)}
        return entry(self.clock, AuditEvent.ACTIVATION_SENT, pim.id, actor.identity, facts)

    async def held(self, assertion: UserAssertion, key: str, scope: str) -> ActiveRole | None:
        """The role, if it is active. Raises ``DirectoryError``."""
        found = await self.pim.active(assertion)
        return next((r for r in found if (r.key, r.scope) == (key.lower(), scope)), None)

    # What Graph's answers mean --------------------------------------------------------------

    async def _sent_since(
        self, assertion: UserAssertion, wish: Wish, began: datetime
    ) -> PimRequest | a.Trouble | None:
        """The request that a lost answer was about; None: there is none."""
        try:
            return await self._own(assertion, wish, lambda r: r.created_at >= began - _SKEW)
        except DirectoryError as error:
            log.warning("own_requests_unreadable", why=str(error))
            return a.OutcomeUnknown()

    async def _own(
        self, assertion: UserAssertion, wish: Wish, wanted: Callable[[PimRequest], bool]
    ) -> PimRequest | None:
        found = (r for r in await self.pim.requests(assertion) if _is_for(r, wish) and wanted(r))
        return next(found, None)

    async def refused(
        self,
        actor: Actor,
        assertion: UserAssertion,
        wish: Wish,
        error: PimRefusedError,
        sent_before: datetime | None = None,
    ) -> a.ActivationOutcome:
        """``sent_before``: since when the request that stands in the way may be this very one."""
        try:
            match error.refusal:
                case PimRefusal.PENDING_ALREADY | PimRefusal.ACTIVE_ALREADY:
                    return await self._there_already(actor, assertion, wish, error, sent_before)
                case PimRefusal.POLICY if _ELIGIBILITY_RULE in error.rules:
                    return a.NotEligible()
                case PimRefusal.POLICY:
                    return a.PolicyRefused(error.rules)
                case _:
                    return trouble_of(error)
        except DirectoryError as unreadable:
            return trouble_of(unreadable)

    async def _there_already(
        self,
        actor: Actor,
        assertion: UserAssertion,
        wish: Wish,
        error: PimRefusedError,
        sent_before: datetime | None,
    ) -> a.ActivationOutcome:
        name = wish.role.display_name
        if sent_before is not None:
            mine = await self._own(assertion, wish, lambda r: r.created_at >= sent_before - _SKEW)
            if mine is not None:
                return await self.taken(actor, mine, name, by=assertion)
        pending = await self._own(assertion, wish, awaits)
        if pending is not None:
            await self._take_in(actor, pending, name, sent_by=None)
            return a.AlreadyPending(pending)
        role = await self.held(assertion, wish.role.key, wish.role.scope)
        if role is not None:
            return a.AlreadyActive(role)
        granted = await self._own(assertion, wish, lambda _: True)
        return a.AlreadyActive(_role_of(granted, name)) if granted else a.Rejected(error.code)

    async def _audit_refusal(
        self, actor: Actor, assertion: UserAssertion, wish: Wish, outcome: a.ActivationOutcome
    ) -> None:
        facts = {
            "role": wish.role.key,
            "scope": wish.role.scope,
            "outcome": type(outcome).__name__,
            **({"rules": list(outcome.rules)} if isinstance(outcome, a.PolicyRefused) else {}),
            **evidence.of_token(assertion),
        }
        async with self.store.transaction() as tx:
            await tx.audit(entry(self.clock, AuditEvent.ACTIVATION_REFUSED, None, actor.identity, facts))
        log.info("activation_not_sent", role=wish.role.key, outcome=facts["outcome"])


def awaits(request: PimRequest) -> bool:
    return request.status is PimStatus.AWAITING_APPROVAL


def _is_for(request: PimRequest, wish: Wish) -> bool:
    """Whether it is a request for this role that has come to something, or may yet."""
    same = (request.role_definition_id, request.scope) == (wish.role.key, wish.role.scope)
    return same and request.action.lower() == "selfactivate" and request.status in _LIVE


def _role_of(request: PimRequest, name: str) -> ActiveRole:
    """A granted request whose assignment has not appeared yet."""
    since = request.starts_at or request.created_at
    until = since + request.duration if request.duration is not None else None
    return ActiveRole(request.role_definition_id, name, request.scope, since, until, request.id)

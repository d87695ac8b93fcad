"""A running activation is made to last longer.

PIM knows no extension of an activation (docs/entra-facts.md §2). Where the tenant takes a
repeated activation as one, that is used; otherwise the role has to be given back and asked for again,
which is done only when its holder has confirmed what that costs. Once the role is given back the
request must follow, so that is an effect before it is an act.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import TypeAdapter

from bot.domain import activation as a
from bot.domain import following
from bot.domain.activation import ActivationPolicy, ActiveRole, Wish
from bot.domain.errors import (
    DirectoryError,
    OutcomeUnknownError,
    PimRefusal,
    PimRefusedError,
    UnavailableError,
)
from bot.domain.model import Actor, PimStatus, UserAssertion
from bot.ports import Effect, LeasedEffect
from bot.service.activate import Activations
from bot.service.common import finish, named, waits_on
from bot.service.give_back import GivingBack
from bot.service.running import Running, actor_document, actor_of
from bot.service.stops import claims_for, contexts_of
from bot.service.troubles import may_yet_be, trouble_of

EXTEND: Final = "role.extend"
_FALLBACK_AFTER: Final = timedelta(seconds=30)
"""When the effect takes over from whoever confirmed: longer than that takes, also when slow."""
_PAUSES: Final = (1.0, 2.0, 4.0)
"""Seconds between tries while PIM still counts the role as active that was just given back."""
_WISH: Final = TypeAdapter(Wish)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Extensions:
    """``ports.OwnRoles.extend``, and the effect ``role.extend``."""

    roles: Activations
    giving_back: GivingBack
    running: Running

    async def extend(self, actor: Actor, wish: Wish, *, confirmed: bool = False) -> a.ExtensionOutcome:
        """See ``ports.OwnRoles.extend``."""
        held = await self.roles.assertion(actor)
        if not isinstance(held, UserAssertion):
            return held
        return await self.extend_with(actor, held, wish, confirmed=confirmed)

    async def extend_with(
        self, actor: Actor, assertion: UserAssertion, wish: Wish, *, confirmed: bool
    ) -> a.ExtensionOutcome:
        """As ``extend``, with this very token."""
        wish = self.roles.completed(replace(wish, starts_at=None))
        policy = await self.roles.policy(wish.role.key)
        problems = self.roles.problems(wish, policy)
        if problems is not None:
            return problems
        try:
            role = await self.roles.held(assertion, wish.role.key, wish.role.scope)
            if role is None:
                return a.NotActive()
            repeated = await self._repeated(actor, assertion, role, wish)
            if repeated is not None:
                return repeated
            if not confirmed:
                return await self._costs(role, wish, policy)
            return await self._confirmed(actor, assertion, role, wish, policy)
        except DirectoryError as error:
            return trouble_of(error)

    # Where the tenant takes a repetition as an extension ------------------------------------

    async def _repeated(
        self, actor: Actor, assertion: UserAssertion, role: ActiveRole, wish: Wish
    ) -> a.ExtensionOutcome | None:
        """None: the tenant refuses a repetition, and for no other reason. A validation run comes
        first, which leaves no failed request behind in PIM.
        """
        who = actor.identity.object_id
        try:
            await self.roles.pim.activate(assertion, who, wish, validate_only=True)
            made = await self.roles.pim.activate(assertion, who, wish)
        except PimRefusedError as error:
            if error.refusal is PimRefusal.ACTIVE_ALREADY:
                return None
            return await self.roles.refused(actor, assertion, wish, error)
        except OutcomeUnknownError:
            await self.running.change(actor, role.key, role.scope, lambda one: one, role=role)
            raise
        if made.status is PimStatus.AWAITING_APPROVAL:
            return await self.roles.taken(actor, made, wish.role.display_name, by=assertion)
        # The new end is what Graph is seen to say.
        await self.running.change(
            actor, role.key, role.scope, lambda one: following.renewed(one, made.id), role=role
        )
        log.info("activation_extended", request=made.id, role=role.key)
        return a.Extended(made)

    # Where it has to be given back first ----------------------------------------------------

    async def _costs(self, role: ActiveRole, wish: Wish, policy: ActivationPolicy | None) -> a.ExtensionCosts:
        possible_at = role.since + a.MINIMUM_ACTIVE
        return a.ExtensionCosts(
            role=role,
            wish=wish,
            approval_required=policy is None or policy.approval_required,
            possible_at=possible_at if possible_at > self.roles.clock.now() else None,
            usually_gone_for=await self.running.usual_wait(role.key),
        )

    async def _confirmed(
        self,
        actor: Actor,
        assertion: UserAssertion,
        role: ActiveRole,
        wish: Wish,
        policy: ActivationPolicy | None,
    ) -> a.ExtensionOutcome:
        context = policy.authentication_context if policy is not None else None
        if context is not None and context not in contexts_of(assertion):
            # Found out now and not when the role is gone.
            return a.StepUpNeeded(claims_for(context))
        possible_at, now = role.since + a.MINIMUM_ACTIVE, self.roles.clock.now()
        if possible_at > now and context is not None:
            return a.TooEarly(role, possible_at)  # by then, nobody has a token that is strong enough
        effect = _effect(actor, wish, role, due=max(possible_at, now + _FALLBACK_AFTER))
        async with self.roles.store.transaction() as tx:
            await tx.wake(effect)
        if possible_at > now:
            await self.running.change(
                actor,
                role.key,
                role.scope,
                lambda one: following.to_be_given_back(one, possible_at),
                role=role,
            )
            return a.WillGiveBack(role, possible_at)
        outcome = await self._swap(actor, assertion, role, wish)
        if not may_yet_be(outcome):
            async with self.roles.store.transaction() as tx:
                await tx.cancel(effect.key)
        return outcome

    async def _swap(
        self, actor: Actor, assertion: UserAssertion, role: ActiveRole | None, wish: Wish
    ) -> a.ExtensionOutcome:
        """Give the role back, if it is there, and ask again. Raises ``DirectoryError``."""
        if role is not None:
            given_back = await self.giving_back.now(actor, assertion, role)
            if not isinstance(given_back, a.GivenBack):
                return given_back
        outcome = await self.roles.send(actor, assertion, wish)
        for pause in _PAUSES:
            if not isinstance(outcome, a.AlreadyActive):
                break
            await self.roles.clock.wait(pause)
            outcome = await self.roles.send(actor, assertion, wish)
        return outcome

    async def run(self, effect: LeasedEffect) -> None:
        """Effect handler: what was confirmed is finished. What is active since later than what was to
        be given back is the new activation, and what is pending is its request, so that a repeat does
        nothing. Raises ``UnavailableError`` to be tried again.
        """
        actor, wish = actor_of(effect.payload["actor"]), _WISH.validate_python(effect.payload["wish"])
        old_since = datetime.fromisoformat(str(effect.payload["old_since"]))
        held = await self.roles.assertion(actor)
        if isinstance(held, a.Unavailable):
            raise UnavailableError
        if not isinstance(held, UserAssertion):
            await self._end(actor, wish, "extend-sign-in", effect)
            return
        role = await self.roles.held(held, wish.role.key, wish.role.scope)
        if role is not None and role.since > old_since:
            await self._end(actor, wish, None, effect)
            return
        outcome = await self._swap(actor, held, role, wish)
        log.info("extended_later", role=wish.role.key, outcome=type(outcome).__name__)
        if await waits_on(self.roles.store, effect, outcome):
            return
        fine = isinstance(outcome, a.Sent | a.AlreadyPending | a.AlreadyActive)
        await self._end(actor, wish, None if fine else "extend-failed", effect)

    async def _end(self, actor: Actor, wish: Wish, hitch: str | None, effect: LeasedEffect) -> None:
        """Say what went wrong on the card of the activation it was about, running or just over."""
        async with self.roles.store.transaction() as tx:
            await finish(tx, effect)
        await self.running.note(actor, wish.role.key, wish.role.scope, hitch)


def _effect(actor: Actor, wish: Wish, role: ActiveRole, *, due: datetime) -> Effect:
    payload = {
        "actor": actor_document(actor),
        "wish": _WISH.dump_python(wish, mode="json"),
        "old_since": role.since.isoformat(),
    }
    return Effect(f"{EXTEND}:{named(actor.identity)}:{wish.role.key}:{wish.role.scope}", EXTEND, due, payload)

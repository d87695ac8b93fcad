"""A role is given back by its holder's own token, at once or at the first moment PIM takes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from bot.domain import activation as a
from bot.domain import following
from bot.domain.activation import ActiveRole
from bot.domain.audit import AuditEvent
from bot.domain.errors import (
    DirectoryError,
    OutcomeUnknownError,
    PimRefusal,
    PimRefusedError,
)
from bot.domain.model import Actor, UserAssertion
from bot.ports import Effect, LeasedEffect, Transaction
from bot.service import evidence
from bot.service.activate import Activations
from bot.service.common import entry, finish, named, waits_on
from bot.service.running import Running, actor_document, actor_of
from bot.service.troubles import trouble_of

GIVE_BACK: Final = "role.give-back"

log = structlog.get_logger(__name__)


def give_back_key(actor: Actor, key: str, scope: str) -> str:
    return f"{GIVE_BACK}:{named(actor.identity)}:{key}:{scope}"


@dataclass(frozen=True, slots=True)
class GivingBack:
    """``ports.OwnRoles.deactivate``, and the effect ``role.give-back``: a repeat finds the role gone."""

    roles: Activations
    running: Running

    async def deactivate(
        self, actor: Actor, key: str, scope: str, *, when_possible: bool = False
    ) -> a.DeactivationOutcome:
        """See ``ports.OwnRoles.deactivate``."""
        held = await self.roles.assertion(actor)
        if not isinstance(held, UserAssertion):
            return held
        return await self.deactivate_with(actor, held, key, scope, when_possible=when_possible)

    async def deactivate_with(
        self, actor: Actor, assertion: UserAssertion, key: str, scope: str, *, when_possible: bool = False
    ) -> a.DeactivationOutcome:
        """As ``deactivate``, with this very token."""
        try:
            role = await self.roles.held(assertion, key, scope)
            if role is None:
                return a.NotActive()
            outcome = await self.now(actor, assertion, role)
        except DirectoryError as error:
            return trouble_of(error)
        if isinstance(outcome, a.TooEarly) and when_possible:
            await self._later(actor, role, outcome.possible_at)
            return a.WillGiveBack(role, outcome.possible_at)
        return outcome

    async def now(self, actor: Actor, assertion: UserAssertion, role: ActiveRole) -> a.DeactivationOutcome:
        """Give back what is known to be active. Raises ``DirectoryError``."""
        possible_at = role.since + a.MINIMUM_ACTIVE
        if self.roles.clock.now() < possible_at:
            return a.TooEarly(role, possible_at)
        try:
            await self.roles.pim.give_back(assertion, actor.identity.object_id, role.key, role.scope)
        except OutcomeUnknownError:
            if await self.roles.held(assertion, role.key, role.scope) is not None:
                return a.OutcomeUnknown()
        except PimRefusedError as error:
            if error.refusal is PimRefusal.TOO_EARLY:
                return a.TooEarly(role, self.roles.clock.now() + a.MINIMUM_ACTIVE)
            if error.refusal is not PimRefusal.NOT_ACTIVE:
                raise
        await self._given_back(actor, assertion, role)
        return a.GivenBack(role)

    async def run(self, effect: LeasedEffect) -> None:
        """Effect handler: the moment has come. Raises ``UnavailableError`` to be tried again."""
        actor = actor_of(effect.payload["actor"])
        key, scope = str(effect.payload["key"]), str(effect.payload["scope"])
        outcome = await self.deactivate(actor, key, scope)
        if await waits_on(self.roles.store, effect, outcome):
            return
        hitch: str | None = "give-back-failed"
        if isinstance(outcome, a.GivenBack | a.NotActive):
            hitch = None
        elif isinstance(outcome, a.Curable | a.AnotherAccount):
            hitch = "give-back-sign-in"
        log.info("gave_back_later", role=key, outcome=type(outcome).__name__)
        await self._settle(actor, key, scope, hitch, effect)

    async def _later(self, actor: Actor, role: ActiveRole, at: datetime) -> None:
        key = give_back_key(actor, role.key, role.scope)
        payload = {"actor": actor_document(actor), "key": role.key, "scope": role.scope}

        async def plan(tx: Transaction) -> None:
            await tx.wake(Effect(key, GIVE_BACK, at, payload))

        await self.running.change(
            actor,
            role.key,
            role.scope,
            lambda one: following.to_be_given_back(one, at),
            role=role,
            then=plan,
        )

    async def _given_back(self, actor: Actor, assertion: UserAssertion, role: ActiveRole) -> None:
        facts = {"role": role.key, "scope": role.scope, **evidence.of_token(assertion)}

        async def record(tx: Transaction) -> None:
            await tx.cancel(give_back_key(actor, role.key, role.scope))
            await tx.audit(
                entry(self.roles.clock, AuditEvent.ROLE_GIVEN_BACK, role.request_id, actor.identity, facts)
            )

        now = self.roles.clock.now()
        await self.running.change(
            actor, role.key, role.scope, lambda one: following.given_back(one, now), then=record
        )

    async def _settle(
        self, actor: Actor, key: str, scope: str, hitch: str | None, effect: LeasedEffect
    ) -> None:
        async def end(tx: Transaction) -> None:
            await finish(tx, effect)

        await self.running.change(
            actor, key, scope, lambda one: following.to_be_given_back(one, None, hitch), then=end
        )

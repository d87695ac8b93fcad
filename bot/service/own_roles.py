"""Everything about one's own roles, as one (``ports.OwnRoles``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain import activation as a
from bot.domain.activation import ActiveRole, EligibleRole, Wish
from bot.domain.model import Actor, PimRequest
from bot.service.activate import Activations
from bot.service.extend import EXTEND, Extensions
from bot.service.give_back import GIVE_BACK, GivingBack
from bot.service.runner import Handler
from bot.service.running import Running
from bot.service.withdraw import Withdrawals


@dataclass(frozen=True, slots=True)
class RoleDesk:
    """Hands each act to its use case."""

    activations: Activations
    giving_back: GivingBack
    withdrawals: Withdrawals
    extensions: Extensions

    @classmethod
    def of(cls, activations: Activations) -> RoleDesk:
        """All of it, on what activating takes."""
        running = Running(activations.store, activations.clock)
        giving_back = GivingBack(activations, running)
        extensions = Extensions(activations, giving_back, running)
        return cls(activations, giving_back, Withdrawals(activations), extensions)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What is done later, by kind of effect."""
        return {GIVE_BACK: self.giving_back.run, EXTEND: self.extensions.run}

    async def eligible(self, actor: Actor) -> tuple[EligibleRole, ...] | a.Trouble:
        return await self.activations.eligible(actor)

    async def active(self, actor: Actor) -> tuple[ActiveRole, ...] | a.Trouble:
        return await self.activations.active(actor)

    async def pending(self, actor: Actor) -> tuple[PimRequest, ...] | a.Trouble:
        return await self.activations.pending(actor)

    async def activate(self, actor: Actor, wish: Wish) -> a.ActivationOutcome:
        return await self.activations.activate(actor, wish)

    async def deactivate(
        self, actor: Actor, key: str, scope: str, *, when_possible: bool = False
    ) -> a.DeactivationOutcome:
        return await self.giving_back.deactivate(actor, key, scope, when_possible=when_possible)

    async def withdraw(self, actor: Actor, request_id: str | None = None) -> a.WithdrawalOutcome:
        return await self.withdrawals.withdraw(actor, request_id)

    async def extend(self, actor: Actor, wish: Wish, *, confirmed: bool = False) -> a.ExtensionOutcome:
        return await self.extensions.extend(actor, wish, confirmed=confirmed)

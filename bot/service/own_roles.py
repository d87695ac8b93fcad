"""Everything about one's own roles, as one (``ports.OwnRoles``)."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain import activation as a
from bot.domain.activation import ActiveRole, EligibleRole, Wish
from bot.domain.model import Actor, PimRequest
from bot.service.activate import Activations
from bot.service.extend import Extensions
from bot.service.give_back import GivingBack
from bot.service.withdraw import Withdrawals


@dataclass(frozen=True, slots=True)
class RoleDesk:
    """Hands each act to its use case."""

    activations: Activations
    giving_back: GivingBack
    withdrawals: Withdrawals
    extensions: Extensions

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

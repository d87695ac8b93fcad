"""One's own roles as the command desk sees them: what is there is told, what is done is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from fakes.values import NOW, ROLE, a_pim_request

from bot.domain import activation as a
from bot.domain.activation import ActiveRole, EligibleRole, Wish
from bot.domain.model import Actor, PimRequest

AU = "/administrativeUnits/11111111-0000-4000-8000-000000000001"
SECURITY = EligibleRole(ROLE, "Security Administrator", "/")
SHAREPOINT = EligibleRole("f28a1f50-f6e7-4571-818b-6a12f2af6b6c", "SharePoint Administrator", "/")
USERS = EligibleRole("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator", "/")
USERS_IN_BERLIN = EligibleRole(USERS.key, USERS.display_name, AU, "Berlin")
ON_CALL = EligibleRole("group:cccccccc-0000-4000-8000-000000000001:member", "SRE on call", "/")
VAULT = EligibleRole("group:cccccccc-0000-4000-8000-000000000002:member", "Vault", "/")
VAULT_OWNER = EligibleRole("group:cccccccc-0000-4000-8000-000000000002:owner", "Vault (owner)", "/")
EVERYTHING = (SECURITY, SHAREPOINT, USERS, USERS_IN_BERLIN, ON_CALL, VAULT, VAULT_OWNER)


def active(role: EligibleRole = SECURITY) -> ActiveRole:
    return ActiveRole(role.key, role.display_name, role.scope, NOW, NOW + timedelta(hours=2))


@dataclass
class FakeOwnRoles:
    """``ports.OwnRoles``. ``trouble`` comes of everything; ``outcome`` of the next act."""

    roles: tuple[EligibleRole, ...] = EVERYTHING
    held: tuple[ActiveRole, ...] = ()
    waiting: tuple[PimRequest, ...] = ()
    trouble: a.Trouble | None = None
    outcome: object = None
    wishes: list[Wish] = field(default_factory=list)
    deeds: list[tuple[object, ...]] = field(default_factory=list)
    asked_as: set[Actor] = field(default_factory=set)
    """Whose token was asked for."""

    async def eligible(self, actor: Actor) -> tuple[EligibleRole, ...] | a.Trouble:
        self.asked_as.add(actor)
        return self.trouble or self.roles

    async def active(self, actor: Actor) -> tuple[ActiveRole, ...] | a.Trouble:
        self.asked_as.add(actor)
        return self.trouble or self.held

    async def pending(self, actor: Actor) -> tuple[PimRequest, ...] | a.Trouble:
        self.asked_as.add(actor)
        return self.trouble or self.waiting

    async def activate(self, actor: Actor, wish: Wish) -> a.ActivationOutcome:
        self.asked_as.add(actor)
        self.wishes.append(wish)
        return self.outcome or a.Sent(a_pim_request())  # type: ignore[return-value]

    async def deactivate(
        self, actor: Actor, key: str, scope: str, *, when_possible: bool = False
    ) -> a.DeactivationOutcome:
        self.asked_as.add(actor)
        self.deeds.append(("deactivate", key, scope, when_possible))
        return self.outcome or a.GivenBack(active())  # type: ignore[return-value]

    async def withdraw(self, actor: Actor, request_id: str | None = None) -> a.WithdrawalOutcome:
        self.asked_as.add(actor)
        self.deeds.append(("withdraw", request_id))
        return self.outcome or a.Withdrawn(a_pim_request())  # type: ignore[return-value]

    async def extend(self, actor: Actor, wish: Wish, *, confirmed: bool = False) -> a.ExtensionOutcome:
        self.asked_as.add(actor)
        self.deeds.append(("extend", wish, confirmed))
        return self.outcome or a.Extended(a_pim_request())  # type: ignore[return-value]

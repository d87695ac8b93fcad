"""Graph as the app sees it: requests, roles, people, and subscriptions."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from fakes.values import ALEX, BLAKE, RILEY, ROLE, person

from bot.domain.errors import DirectoryError, NotFoundError
from bot.domain.model import (
    APPROVER_POLICY,
    ELIGIBILITY,
    ApprovalPolicy,
    Choice,
    Danger,
    Decision,
    Holders,
    PathKind,
    Person,
    PimRequest,
    PimStatus,
    Role,
    RolePath,
    Standing,
    Unreadable,
)
from bot.ports import GraphSubscription

T = TypeVar("T")


@dataclass
class FakeGraph:
    """``ports.Directory``, and what approvals are made on. ``fail`` maps a method's name, or
    ``name:argument``, to what it raises while it stands there.
    """

    requests: dict[str, PimRequest] = field(default_factory=dict)
    decided: dict[str, Decision] = field(default_factory=dict)
    """By approval id: the step as it was completed."""
    closed: set[str] = field(default_factory=set)
    """Approvals whose step is neither open nor decided."""
    unlisted: set[str] = field(default_factory=set)
    """Requests that the list doesn't show yet, though they are there by their id."""
    roles: dict[str, Role] = field(
        default_factory=lambda: {ROLE: Role(ROLE, "Security Administrator", Danger.CRITICAL)}
    )
    people: dict[str, Person] = field(default_factory=lambda: {o: person(o) for o in (RILEY, ALEX, BLAKE)})
    policy: ApprovalPolicy = field(
        default_factory=lambda: ApprovalPolicy(True, (person(ALEX), person(BLAKE)))
    )
    held: Holders = field(default_factory=lambda: Holders((), ()))
    fail: dict[str, Exception] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    gate: asyncio.Event | None = None
    """While set and not open, whoever reads a policy waits."""

    def put(self, pim: PimRequest) -> PimRequest:
        self.requests[pim.id] = pim
        return pim

    def turn(self, request_id: str, status: PimStatus) -> None:
        self.put(replace(self.requests[request_id], status=status, raw_status=status.value))

    def complete(self, approval_id: str, decision: Decision) -> None:
        """Somebody reviews the step, and PIM acts on it."""
        self.decided[approval_id] = decision
        status = PimStatus.GRANTED if decision.choice is Choice.APPROVE else PimStatus.DENIED
        for pim in list(self.requests.values()):
            if pim.approval_id == approval_id:
                self.turn(pim.id, status)

    def make_eligible(self, object_id: str, via: str | None = None, scope: str = "/") -> None:
        kind = PathKind.GROUP if via else PathKind.DIRECT
        path = RolePath(object_id, kind, scope, (via,) if via else ())
        self.held = replace(self.held, eligible=(*self.held.eligible, path))

    async def pending_requests(self) -> tuple[PimRequest, ...]:
        self._called("pending_requests", "")
        waiting = (r for r in self.requests.values() if r.status is PimStatus.AWAITING_APPROVAL)
        return tuple(r for r in waiting if r.id not in self.unlisted)

    async def request(self, request_id: str, role_definition_id: str) -> PimRequest | None:
        self._called("request", request_id)
        found = self.requests.get(request_id)
        return found if found and found.role_definition_id == role_definition_id else None

    async def role(self, role_definition_id: str) -> Role:
        self._called("role", role_definition_id)
        return _found(self.roles, role_definition_id)

    async def person(self, object_id: str) -> Person:
        self._called("person", object_id)
        return _found(self.people, object_id)

    async def approval_policy(self, role_definition_id: str) -> ApprovalPolicy:
        self._called("approval_policy", role_definition_id)
        if self.gate is not None:
            await self.gate.wait()
        return self.policy

    async def holders(self, role_definition_id: str) -> Holders:
        self._called("holders", role_definition_id)
        return self.held

    async def standing(self, role_definition_id: str, object_id: str) -> Standing:
        """Of one person, what ``approval_policy`` and ``holders`` say of everybody."""
        return Standing(
            await _or_unreadable(APPROVER_POLICY, self._policy_of(role_definition_id, object_id)),
            await _or_unreadable(ELIGIBILITY, self._paths_of(role_definition_id, object_id)),
        )

    async def _policy_of(self, role: str, who: str) -> ApprovalPolicy:
        policy = await self.approval_policy(role)
        named = tuple(one for one in policy.approvers if one.identity.object_id == who)
        return replace(policy, approvers=named)

    async def _paths_of(self, role: str, who: str) -> Holders:
        held = await self.holders(role)
        eligible, active = (
            tuple(path for path in paths if path.object_id == who) for paths in (held.eligible, held.active)
        )
        return Holders(eligible, active)

    def _called(self, name: str, argument: str) -> None:
        self.calls[name] += 1
        error = self.fail.get(name) or self.fail.get(f"{name}:{argument}")
        if error is not None:
            raise error


async def _or_unreadable(fact: str, reading: Awaitable[T]) -> T | Unreadable:
    try:
        return await reading
    except DirectoryError as error:
        return Unreadable(fact, str(error))


def _found(known: dict[str, T], key: str) -> T:
    if key not in known:
        raise NotFoundError
    return known[key]


@dataclass
class FakeSubscriptions:
    """``ports.Subscriptions``. ``fail`` maps a method's name to what it raises."""

    alive: dict[str, str] = field(default_factory=dict)
    """Resource by subscription id."""
    fail: dict[str, Exception] = field(default_factory=dict)
    created: list[tuple[str, str, datetime]] = field(default_factory=list)
    renewed: list[tuple[str, datetime]] = field(default_factory=list)
    lifetime_cap: datetime | None = None
    """Graph may grant less than what was asked for."""

    async def create(self, resource: str, client_state: str, expires_at: datetime) -> GraphSubscription:
        self._may("create")
        self.created.append((resource, client_state, expires_at))
        made = GraphSubscription(f"sub-{len(self.created)}", self._granted(expires_at))
        self.alive[made.id] = resource
        return made

    async def renew(self, subscription_id: str, expires_at: datetime) -> GraphSubscription:
        self._may("renew")
        if subscription_id not in self.alive:
            raise NotFoundError
        self.renewed.append((subscription_id, expires_at))
        return GraphSubscription(subscription_id, self._granted(expires_at))

    async def delete(self, subscription_id: str) -> None:
        self._may("delete")
        self.alive.pop(subscription_id, None)

    def _granted(self, asked: datetime) -> datetime:
        return min(asked, self.lifetime_cap or asked)

    def _may(self, name: str) -> None:
        if name in self.fail:
            raise self.fail[name]

"""PIM as its users see it, on the requests of ``FakeGraph``."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import timedelta

from fakes.directory import FakeGraph
from fakes.manual_clock import ManualClock
from fakes.people import bearer
from fakes.values import RILEY, ROLE

from bot.domain.activation import ActivationPolicy, ActiveRole, EligibleRole, Wish
from bot.domain.errors import PimRefusal, PimRefusedError
from bot.domain.model import PimRequest, PimStatus, UserAssertion

ELIGIBLE = EligibleRole(ROLE, "Security Administrator", "/")
POLICY = ActivationPolicy(
    longest=timedelta(hours=4),
    reason_required=True,
    ticket_required=False,
    mfa_required=False,
    authentication_context=None,
    approval_required=True,
)


@dataclass
class FakePim:
    """``ports.SelfService`` and ``ports.RoleFacts``. The queues of failures are used up one call at a
    time; None passes.
    """

    graph: FakeGraph
    clock: ManualClock
    policy: ActivationPolicy = POLICY
    roles: list[EligibleRole] = field(default_factory=lambda: [ELIGIBLE])
    standing: dict[str, ActiveRole] = field(default_factory=dict)
    """Activated assignments by object id."""
    before: deque[Exception | None] = field(default_factory=deque)
    """Raised by what changes something, with nothing done."""
    after: deque[Exception | None] = field(default_factory=deque)
    """Raised when it is done already."""
    reading: deque[Exception | None] = field(default_factory=deque)
    unreadable: Exception | None = None
    """While set, what ``RoleFacts`` raises."""
    repeats_extend: bool = False
    posted: list[tuple[str, str]] = field(default_factory=list)
    """Action and object id of everything that was sent; validation runs as ``validate``."""

    def hold(self, object_id: str = RILEY, hours: float = 2.0) -> ActiveRole:
        now = self.clock.now()
        role = ActiveRole(ROLE, ELIGIBLE.display_name, "/", now, now + timedelta(hours=hours), None)
        self.standing[object_id] = role
        return role

    async def eligible(self, assertion: UserAssertion) -> tuple[EligibleRole, ...]:
        bearer(assertion)
        _raise_next(self.reading)
        return tuple(self.roles)

    async def active(self, assertion: UserAssertion) -> tuple[ActiveRole, ...]:
        _raise_next(self.reading)
        role = self.standing.get(bearer(assertion).object_id)
        return () if role is None else (role,)

    async def requests(self, assertion: UserAssertion) -> tuple[PimRequest, ...]:
        _raise_next(self.reading)
        me = bearer(assertion).object_id
        mine = [r for r in self.graph.requests.values() if r.principal_id == me]
        return tuple(sorted(mine, key=lambda r: r.created_at, reverse=True))

    async def activate(
        self, assertion: UserAssertion, principal_id: str, wish: Wish, *, validate_only: bool = False
    ) -> PimRequest:
        assert bearer(assertion).object_id == principal_id
        self.posted.append(("validate" if validate_only else "selfActivate", principal_id))
        _raise_next(self.before)
        held = self.standing.get(principal_id)
        if held is not None and not self.repeats_extend:
            raise PimRefusedError(refusal=PimRefusal.ACTIVE_ALREADY, code="RoleAssignmentExists")
        if any(
            r.principal_id == principal_id and r.status is PimStatus.AWAITING_APPROVAL
            for r in self.graph.requests.values()
        ):
            raise PimRefusedError(refusal=PimRefusal.PENDING_ALREADY, code="PendingRoleAssignmentRequest")
        made = self._made(principal_id, wish, extends=held is not None)
        if validate_only:
            return made
        self.graph.put(made)
        if held is not None:
            self.standing[principal_id] = replace(held, until=self.clock.now() + wish.duration)
        _raise_next(self.after)
        return made

    async def give_back(
        self, assertion: UserAssertion, principal_id: str, key: str, scope: str
    ) -> PimRequest:
        assert bearer(assertion).object_id == principal_id
        self.posted.append(("selfDeactivate", principal_id))
        _raise_next(self.before)
        role = self.standing.get(principal_id)
        if role is None or (role.key, role.scope) != (key, scope):
            raise PimRefusedError(refusal=PimRefusal.NOT_ACTIVE, code="RoleAssignmentDoesNotExist")
        if self.clock.now() - role.since < timedelta(minutes=5):
            raise PimRefusedError(refusal=PimRefusal.TOO_EARLY, code="ActiveDurationTooShort")
        del self.standing[principal_id]
        wish = Wish(ELIGIBLE, timedelta(hours=1), None, "")
        made = replace(self._made(principal_id, wish), action="selfDeactivate", status=PimStatus.REVOKED)
        self.graph.put(made)
        _raise_next(self.after)
        return made

    async def withdraw(self, assertion: UserAssertion, request: PimRequest) -> None:
        assert bearer(assertion).object_id == request.principal_id
        self.posted.append(("cancel", request.id))
        _raise_next(self.before)
        if self.graph.requests[request.id].status is not PimStatus.AWAITING_APPROVAL:
            raise PimRefusedError(refusal=PimRefusal.NOT_WITHDRAWABLE, code="RequestCannotBeCancelled")
        self.graph.turn(request.id, PimStatus.WITHDRAWN)
        _raise_next(self.after)

    async def activation_policy(self, key: str) -> ActivationPolicy:
        assert key == ROLE
        if self.unreadable is not None:
            raise self.unreadable
        return self.policy

    async def held(self, principal_id: str, key: str, scope: str) -> ActiveRole | None:
        if self.unreadable is not None:
            raise self.unreadable
        role = self.standing.get(principal_id)
        same = role is not None and (role.key, role.scope) == (key, scope)
        over = role is not None and role.until is not None and role.until <= self.clock.now()
        return role if same and not over else None

    def _made(self, principal_id: str, wish: Wish, *, extends: bool = False) -> PimRequest:
        waits = self.policy.approval_required and not extends
        number = len(self.graph.requests) + 1
        request_id = f"61998d6f-0000-4000-8000-{number:012d}"
        return PimRequest(
            id=request_id,
            approval_id=request_id if waits else None,
            action="selfActivate",
            raw_status="PendingApproval" if waits else "Provisioned",
            status=PimStatus.AWAITING_APPROVAL if waits else PimStatus.GRANTED,
            principal_id=principal_id,
            role_definition_id=wish.role.key,
            scope=wish.role.scope,
            justification=wish.reason,
            ticket=wish.ticket,
            duration=wish.duration,
            starts_at=wish.starts_at,
            created_at=self.clock.now(),
        )


def _raise_next(failures: deque[Exception | None]) -> None:
    error = failures.popleft() if failures else None
    if error is not None:
        raise error

"""What the directory of the sandbox's tenant holds: groups, roles, policies, schedules, requests.

Plain data with the few questions that Graph and PIM both ask of it. Users live in ``World.users``.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bot.sandbox.rows import Rows

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"

PENDING = frozenset({"PendingApproval", "PendingApprovalProvisioning"})


@dataclass(slots=True)
class Group:
    id: str
    display_name: str
    members: list[str]
    """Object ids of users and groups."""
    role_assignable: bool = False
    owners: list[str] = field(default_factory=list)
    """Object ids of users."""


@dataclass(slots=True)
class Role:
    """A built-in role. Its id is its template id, as in every real tenant."""

    id: str
    key: str
    display_name: str
    description: str
    privileged: bool


@dataclass(slots=True)
class RolePolicy:
    """A role's PIM settings, as far as they change what PIM does."""

    id: str
    role_id: str
    approval_required: bool = False
    approver_users: list[str] = field(default_factory=list)
    approver_groups: list[str] = field(default_factory=list)
    """Both lists empty and approval required: Privileged Role and Global Administrators approve."""
    approver_justification: bool = False
    maximum_duration: str = "PT8H"
    enabled_rules: list[str] = field(default_factory=lambda: ["Justification"])
    """Of ``MultiFactorAuthentication``, ``Justification``, ``Ticketing``."""
    authentication_context: str | None = None
    """``c1``…: what the caller's token must carry in ``acrs``."""


@dataclass(slots=True)
class Eligibility:
    id: str
    principal_id: str
    """A user, or a role-assignable group."""
    role_id: str
    scope: str = "/"
    start: datetime | None = None
    end: datetime | None = None


@dataclass(slots=True)
class GroupEligibility:
    """A ``privilegedAccessGroupEligibilityScheduleInstance``: PIM for Groups lets the principal activate
    membership in the group, or its ownership.
    """

    id: str
    group_id: str
    principal_id: str
    """A user, or another group (Entra docs, "PIM for Groups": a group can be an eligible member)."""
    access_id: str = "member"
    """``member`` or ``owner``."""
    start: datetime | None = None
    end: datetime | None = None


_Timed = TypeVar("_Timed", Eligibility, GroupEligibility)


def current(rows: Iterable[_Timed], now: datetime) -> list[_Timed]:
    """Without those of the future, and those that lapsed."""
    return [
        row for row in rows if (row.start is None or row.start <= now) and (row.end is None or now < row.end)
    ]


@dataclass(slots=True)
class GroupAssignment:
    """Membership or ownership of a group that was activated through PIM."""

    id: str
    group_id: str
    principal_id: str
    access_id: str
    start: datetime
    end: datetime
    request_id: str
    visible_at: datetime
    """When the principal appears among the group's members or owners."""
    appeared: bool = False


@dataclass(slots=True)
class Assignment:
    """A schedule instance: somebody holds the role now."""

    id: str
    principal_id: str
    role_id: str
    start: datetime
    end: datetime | None
    scope: str = "/"
    activated: bool = True
    """False: assigned without activation."""
    request_id: str | None = None
    visible_at: datetime | None = None
    """When it appears among the instances; None: at once. PIM itself knows of it from the start."""


@dataclass(slots=True)
class Approval:
    """The single stage of an approval; its id is the request's, and its step's."""

    approver_users: list[str]
    approver_groups: list[str]
    justification_required: bool
    defaults: bool = True
    """Whether administrators approve when nobody is named. PIM for Groups knows no default approvers."""
    status: str = "InProgress"
    result: str = "NotReviewed"
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    justification: str = ""


@dataclass(slots=True)
class PimRequest:
    """A ``unifiedRoleAssignmentScheduleRequest``."""

    id: str
    status: str
    action: str
    principal_id: str
    role_id: str
    scope: str
    justification: str
    created_at: datetime
    start: datetime
    duration: timedelta
    duration_text: str
    ticket_number: str | None = None
    ticket_system: str | None = None
    validation_only: bool = False
    completed_at: datetime | None = None
    approval: Approval | None = None

    @property
    def pending(self) -> bool:
        return self.status in PENDING


@dataclass(slots=True)
class Subscription:
    id: str
    resource: str
    change_type: str
    notification_url: str
    lifecycle_url: str | None
    client_state: str | None
    expires_at: datetime
    application_id: str
    creator_id: str


@dataclass(slots=True)
class Tenant:
    groups: dict[str, Group] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    policies: dict[str, RolePolicy] = field(default_factory=dict)
    """By role id."""
    eligibilities: Rows[Eligibility] = field(default_factory=lambda: Rows("principal_id", "role_id"))
    group_eligibilities: Rows[GroupEligibility] = field(
        default_factory=lambda: Rows("principal_id", "group_id")
    )
    assignments: dict[str, Assignment] = field(default_factory=dict)
    requests: dict[str, PimRequest] = field(default_factory=dict)
    group_policies: dict[tuple[str, str], RolePolicy] = field(default_factory=dict)
    """By group id and access id, of the groups that were brought under PIM's management."""
    group_requests: dict[str, PimRequest] = field(default_factory=dict)
    """PIM for Groups: their scope is the group's id, their role its access id."""
    group_assignments: dict[str, GroupAssignment] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    mailboxes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Messages by owner's object id, oldest first."""
    alarms: list[tuple[datetime, str]] = field(default_factory=list)
    """A heap of (when, request id): something about the request may lapse then."""

    def role(self, key_or_name: str) -> Role:
        """By id, key or display name. Raises ``KeyError``."""
        wanted = key_or_name.lower()
        for role in self.roles.values():
            if wanted in {role.id, role.key, role.display_name.lower()}:
                return role
        raise KeyError(key_or_name)

    def set_alarm(self, at: datetime, request_id: str) -> None:
        heapq.heappush(self.alarms, (at, request_id))

    def due_alarms(self, now: datetime) -> Iterator[str]:
        while self.alarms and self.alarms[0][0] <= now:
            yield heapq.heappop(self.alarms)[1]

    def transitive_members(self, group_id: str) -> list[str]:
        """Ids of users and groups in a group, however nested, each once."""
        seen: dict[str, None] = {}
        todo = [group_id]
        while todo:
            group = self.groups.get(todo.pop())
            for member in group.members if group else ():
                if member not in seen:
                    seen[member] = None
                    todo.append(member)
        return list(seen)

    def transitive_member_of(self, principal_id: str) -> list[str]:
        """Ids of the groups a user or group is in, however nested, each once."""
        parents: dict[str, list[str]] = {}
        for group in self.groups.values():
            for member in group.members:
                parents.setdefault(member, []).append(group.id)
        seen: dict[str, None] = {}
        todo = [principal_id]
        while todo:
            for parent in parents.get(todo.pop(), ()):
                if parent not in seen:
                    seen[parent] = None
                    todo.append(parent)
        return list(seen)

    def in_any_group(self, user_id: str, group_ids: Iterable[str]) -> bool:
        return any(user_id in self.transitive_members(group_id) for group_id in group_ids)

    def eligibilities_of(self, user_id: str, now: datetime) -> list[Eligibility]:
        """A user's own current ones, and those of groups the user is a member of."""
        principals = (user_id, *self.transitive_member_of(user_id))
        return current((e for p in principals for e in self.eligibilities.where("principal_id", p)), now)

    def is_eligible(self, user_id: str, role_id: str, now: datetime, scope: str = "/") -> bool:
        """Directly, or as a member of a group that is."""
        return any(
            e.role_id == role_id and e.scope in {scope, "/"} for e in self.eligibilities_of(user_id, now)
        )

    def visible_assignments(self, now: datetime) -> list[Assignment]:
        """Those that have got round to where the instances are read."""
        return [a for a in self.assignments.values() if a.visible_at is None or a.visible_at <= now]

    def active(self, user_id: str, role_id: str) -> Assignment | None:
        """Held now, however it came about."""
        for assignment in self.assignments.values():
            if assignment.principal_id == user_id and assignment.role_id == role_id:
                return assignment
        return None

    def activated(self, user_id: str, role_id: str, scope: str) -> Assignment | None:
        """Held now because it was activated."""
        for assignment in self.assignments.values():
            same = (assignment.principal_id, assignment.role_id, assignment.scope) == (
                user_id,
                role_id,
                scope,
            )
            if same and assignment.activated:
                return assignment
        return None

    def holds_any(self, user_id: str, role_ids: Iterable[str]) -> bool:
        return any(self.active(user_id, role_id) for role_id in role_ids)

    def may_approve(self, user_id: str, approval: Approval) -> bool:
        """As PIM sees it, who knows nothing of separation of duties."""
        if approval.defaults and not approval.approver_users and not approval.approver_groups:
            return self.holds_any(user_id, (PRIVILEGED_ROLE_ADMINISTRATOR, GLOBAL_ADMINISTRATOR))
        return user_id in approval.approver_users or self.in_any_group(user_id, approval.approver_groups)

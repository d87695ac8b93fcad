"""Where PIM's two families of roles are asked for by their users, and how their rows are read.

Sources: docs/entra-facts.md §2, §3 and §6. Directory roles are named by definition and scope, membership
and ownership of groups (PIM for Groups) by group and access; the requests are the same otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bot.domain import group_roles
from bot.domain.activation import ActiveRole, EligibleRole
from bot.domain.group_roles import Access, GroupRole
from bot.domain.model import PimRequest
from bot.graph.parsing import Json, child, group_request_of, request_of, required, text, time

_MINE: Final = "filterByCurrentUser(on='principal')"
_DIRECTORY: Final = "{+graph}/v1.0/roleManagement/directory"
_GROUP: Final = "{+graph}/v1.0/identityGovernance/privilegedAccess/group"


@dataclass(frozen=True, slots=True)
class Api:
    """One family's templates and readers. ``expand`` brings names along."""

    eligible: str
    active: str
    mine: str
    requests: str
    cancel: str
    expand: str
    eligible_of: Callable[[Json], EligibleRole]
    active_of: Callable[[Json, datetime], ActiveRole]
    request_of: Callable[[Json, datetime], PimRequest]
    subject: Callable[[str, str], dict[str, Any]]
    """Of a key and scope: what names the role in a request."""


def is_activated(row: Json) -> bool:
    """Whether an assignment instance came of an activation, not of a standing assignment."""
    return text(row, "assignmentType").lower() == "activated"


def eligible_of(row: Json) -> EligibleRole:
    """A ``roleEligibilityScheduleInstance``."""
    key = required(row, "roleDefinitionId").lower()
    return EligibleRole(
        key=key,
        display_name=text(child(row, "roleDefinition"), "displayName") or key,
        scope=text(row, "directoryScopeId") or "/",
        scope_name=text(child(row, "directoryScope"), "displayName") or None,
        ends_at=time(row, "endDateTime"),
    )


def active_of(row: Json, seen_at: datetime) -> ActiveRole:
    """A ``roleAssignmentScheduleInstance``."""
    key = required(row, "roleDefinitionId").lower()
    return ActiveRole(
        key=key,
        display_name=text(child(row, "roleDefinition"), "displayName") or key,
        scope=text(row, "directoryScopeId") or "/",
        since=time(row, "startDateTime") or seen_at,
        until=time(row, "endDateTime"),
        request_id=text(row, "roleAssignmentScheduleId") or None,
    )


def eligible_in_group_of(row: Json) -> EligibleRole:
    """A ``privilegedAccessGroupEligibilityScheduleInstance``."""
    role = _group_role(row)
    return EligibleRole(
        role.key, _name(row, role), group_roles.SCOPE, scope_name=None, ends_at=time(row, "endDateTime")
    )


def active_in_group_of(row: Json, seen_at: datetime) -> ActiveRole:
    """A ``privilegedAccessGroupAssignmentScheduleInstance``. Its schedule's id ends in the request's:
    ``{group}_{access}_{request}`` (Graph's page "List assignmentScheduleInstances").
    """
    role, schedule = _group_role(row), text(row, "assignmentScheduleId")
    return ActiveRole(
        key=role.key,
        display_name=_name(row, role),
        scope=group_roles.SCOPE,
        since=time(row, "startDateTime") or seen_at,
        until=time(row, "endDateTime"),
        request_id=schedule.rpartition("_")[2] or None,
    )


def _group_role(row: Json) -> GroupRole:
    """Raises ``RejectedError`` for a row that names no group."""
    access = Access.OWNER if text(row, "accessId").lower() == Access.OWNER else Access.MEMBER
    return GroupRole(required(row, "groupId"), access)


def _name(row: Json, role: GroupRole) -> str:
    """The group's name; what makes an owner's differ is part of it, as both can be asked for by name."""
    name = text(child(row, "group"), "displayName") or role.group_id
    return name + group_roles.OWNER_SUFFIX if role.access is Access.OWNER else name


def _role_subject(key: str, scope: str) -> dict[str, Any]:
    return {"roleDefinitionId": key, "directoryScopeId": scope}


def _group_subject(key: str, scope: str) -> dict[str, Any]:
    del scope  # there is one only
    role = group_roles.of(key)
    return {"groupId": role.group_id, "accessId": role.access.value}


DIRECTORY_ROLES: Final = Api(
    eligible=f"{_DIRECTORY}/roleEligibilityScheduleInstances/{_MINE}{{?%24expand}}",
    active=f"{_DIRECTORY}/roleAssignmentScheduleInstances/{_MINE}{{?%24expand}}",
    mine=f"{_DIRECTORY}/roleAssignmentScheduleRequests/{_MINE}",
    requests=f"{_DIRECTORY}/roleAssignmentScheduleRequests",
    cancel=f"{_DIRECTORY}/roleAssignmentScheduleRequests/{{request}}/cancel",
    expand="roleDefinition,directoryScope",
    eligible_of=eligible_of,
    active_of=active_of,
    request_of=request_of,
    subject=_role_subject,
)
GROUPS: Final = Api(
    eligible=f"{_GROUP}/eligibilityScheduleInstances/{_MINE}{{?%24expand}}",
    active=f"{_GROUP}/assignmentScheduleInstances/{_MINE}{{?%24expand}}",
    mine=f"{_GROUP}/assignmentScheduleRequests/{_MINE}",
    requests=f"{_GROUP}/assignmentScheduleRequests",
    cancel=f"{_GROUP}/assignmentScheduleRequests/{{request}}/cancel",
    expand="group",
    eligible_of=eligible_in_group_of,
    active_of=active_in_group_of,
    request_of=group_request_of,
    subject=_group_subject,
)


def api_of(key: str) -> Api:
    """The family that a role's key belongs to."""
    return DIRECTORY_ROLES if group_roles.parse(key) is None else GROUPS

"""Rows of the schedule instances, of roles and of groups, read into values.

Sources: docs/entra-facts.md §6. Instances are what holds now; one whose end has passed since is left out
all the same. Rows are compared with what was asked for, in case Graph ignores a filter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.graph.batch import Read, Want, url
from bot.graph.calls import literal
from bot.graph.parsing import Json, child, required, text, time

USER, GROUP = "#microsoft.graph.user", "#microsoft.graph.group"
_ELIGIBLE = "v1.0/roleManagement/directory/roleEligibilityScheduleInstances"
_ACTIVE = "v1.0/roleManagement/directory/roleAssignmentScheduleInstances"
_ELIGIBLE_FOR_GROUPS = "v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances"


@dataclass(frozen=True, slots=True)
class RoleRow:
    """Somebody is eligible for a role, or has it."""

    principal_id: str
    """Lower case."""
    principal: Json
    """As Graph expanded it; without ``@odata.type`` when it did not."""
    scope: str
    inherited: bool
    """Told of a user who has it through some group that is not named."""

    @property
    def kind(self) -> str:
        return text(self.principal, "@odata.type").lower()

    @property
    def may_be_group(self) -> bool:
        """Also what Graph does not say the kind of."""
        return self.kind in {"", GROUP}


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Somebody may activate membership in a group, or its ownership. Ids are lower case."""

    group_id: str
    group_name: str
    principal_id: str
    principal: Json
    owner: bool

    @property
    def kind(self) -> str:
        return text(self.principal, "@odata.type").lower()


def name_of(row: RoleRow | GroupRow) -> str:
    """The principal's name, or else its id."""
    return text(row.principal, "displayName") or row.principal_id


def eligible_for_role(role_definition_id: str, want: Want = Want.ALL) -> Read:
    return Read(_by_role(_ELIGIBLE, role_definition_id), want)


def active_in_role(role_definition_id: str, want: Want = Want.ALL) -> Read:
    return Read(_by_role(_ACTIVE, role_definition_id), want)


def eligible_of(principal_id: str) -> Read:
    """The roles that a principal itself is eligible for; groups it is in don't count."""
    return Read(url(_ELIGIBLE, filter=f"principalId eq {literal(principal_id)}"))


def active_of(principal_id: str) -> Read:
    """The roles that a principal itself has now."""
    return Read(url(_ACTIVE, filter=f"principalId eq {literal(principal_id)}"))


def groups_open_to(principal_id: str) -> Read:
    """The groups that a principal itself is eligible for."""
    return Read(url(_ELIGIBLE_FOR_GROUPS, filter=f"principalId eq {literal(principal_id)}", expand="group"))


def eligible_for_group(group_id: str) -> Read:
    """The principals that are eligible for a group."""
    return Read(url(_ELIGIBLE_FOR_GROUPS, filter=f"groupId eq {literal(group_id)}", expand="principal"))


def _by_role(template: str, role_definition_id: str) -> str:
    return url(template, filter=f"roleDefinitionId eq {literal(role_definition_id)}", expand="principal")


def role_rows(
    rows: Iterable[Json], now: datetime, *roles: str, principal: str | None = None
) -> Iterator[RoleRow]:
    """Those of the roles (and of the principal, when one is named). Raises ``RejectedError``."""
    for row in rows:
        one = _role_row(row)
        role = required(row, "roleDefinitionId").lower()
        if role in roles and holds(row, now) and principal in {None, one.principal_id}:
            yield one


def group_rows(rows: Iterable[Json], now: datetime) -> Iterator[GroupRow]:
    """Those that still hold. Raises ``RejectedError``."""
    for row in rows:
        if holds(row, now):
            yield GroupRow(
                group_id=required(row, "groupId").lower(),
                group_name=text(child(row, "group"), "displayName"),
                principal_id=required(row, "principalId").lower(),
                principal=child(row, "principal"),
                owner=required(row, "accessId").lower() != "member",
            )


def _role_row(row: Json) -> RoleRow:
    return RoleRow(
        principal_id=required(row, "principalId").lower(),
        principal=child(row, "principal"),
        scope=text(row, "directoryScopeId") or text(row, "appScopeId") or "/",
        inherited=text(row, "memberType").lower() in {"group", "inherited"},
    )


def holds(row: Json, now: datetime) -> bool:
    """Whether its end has not passed."""
    end = time(row, "endDateTime")
    return end is None or end > now

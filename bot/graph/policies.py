"""Who may approve the activation of a role.

Source: docs/entra-facts.md §5. Approvers are a permit list: whoever is left out may not decide, so
that a deleted approver is skipped, while a kind of approver not known here makes the policy unreadable.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.domain import group_roles
from bot.domain.danger import GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR
from bot.domain.errors import NotFoundError, RejectedError
from bot.domain.model import ApprovalPolicy, Person
from bot.graph.calls import GraphCalls, literal, query
from bot.graph.concurrently import concurrently
from bot.graph.holders import RoleHolders
from bot.graph.parsing import Json, child, required, rows, text
from bot.graph.people import People

_log = structlog.get_logger(__name__)
_RULE = "approval_enduser_assignment"
_KIND_PREFIX = "#microsoft.graph."
_USER, _GROUP = "singleUser", "groupMembers"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a policy says of approvals, with nobody looked up yet. ``users`` and ``groups`` are object
    ids, lower case; both empty where approval is required: Privileged Role and Global Administrators.
    """

    approval_required: bool
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    justification_required: bool = False

    @property
    def defaulted(self) -> bool:
        return self.approval_required and not self.users and not self.groups


class ApprovalPolicies:
    """Reads role management policies."""

    def __init__(self, calls: GraphCalls, graph: Any, people: People, holders: RoleHolders) -> None:
        self._calls = calls
        self._graph = graph
        self._people = people
        self._holders = holders

    async def policy(self, role_definition_id: str) -> ApprovalPolicy:
        """The approval rule in force. Raises ``RejectedError`` when there is none, or one that can't be
        read safely.
        """
        terms = terms_of(await self.rules(role_definition_id))
        # "There are no default approvers": Entra docs, "Configure PIM for Groups settings".
        defaulted = terms.defaulted and group_roles.parse(role_definition_id) is None
        approvers = await (self._default_approvers() if defaulted else self._approvers(terms))
        return ApprovalPolicy(
            approval_required=terms.approval_required,
            approvers=approvers,
            defaulted=defaulted,
            justification_required=terms.justification_required,
        )

    async def policy_for(self, role_definition_id: str, object_id: str) -> ApprovalPolicy:
        """The same, with one person or nobody as the approver. For group roles."""
        terms = terms_of(await self.rules(role_definition_id))
        me = object_id.lower()
        found = await self._approvers(replace(terms, users=tuple({me} & set(terms.users))))
        return ApprovalPolicy(
            approval_required=terms.approval_required,
            approvers=tuple(person for person in found if person.identity.object_id == me),
            justification_required=terms.justification_required,
        )

    async def rules(self, role_definition_id: str) -> list[Json]:
        """All rules in force. Raises ``RejectedError`` unless the role has exactly one policy."""
        info = query(
            self._graph.policies.role_management_policy_assignments.to_get_request_information(),
            filter=policy_filter(role_definition_id),
            expand=RULES,
        )
        return rules_of(await self._calls.read_all(info), role_definition_id)

    async def _approvers(self, terms: Terms) -> tuple[Person, ...]:
        return _distinct(
            await concurrently(
                [
                    *(_unless_gone(self._people.alone(one)) for one in terms.users),
                    *(_unless_gone(self._people.members(one)) for one in terms.groups),
                ]
            )
        )

    async def _default_approvers(self) -> tuple[Person, ...]:
        roles = (PRIVILEGED_ROLE_ADMINISTRATOR, GLOBAL_ADMINISTRATOR)
        return _distinct(await concurrently(map(self._holders.active_people, roles)))


RULES = "policy($expand=rules)"


def policy_filter(role_definition_id: str) -> str:
    """The ``$filter`` that asks for one role's policy. A group's policies get new ids when PIM takes it
    under management (docs/entra-facts.md §5), so that they are always asked for by the group.
    """
    group = group_roles.parse(role_definition_id)
    if group is not None:
        scope = f"scopeId eq {literal(group.group_id)} and scopeType eq 'Group'"
        return f"{scope} and roleDefinitionId eq {literal(group.access.value)}"
    role = literal(role_definition_id)
    return f"scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq {role}"


def rules_of(assignments: Iterable[Json], role_definition_id: str) -> list[Json]:
    """The rules of the one policy that is assigned. Raises ``RejectedError`` unless it is one."""
    group = group_roles.parse(role_definition_id)
    wanted = role_definition_id.lower() if group is None else group.access.value
    found = [one for one in assignments if required(one, "roleDefinitionId").lower() == wanted]
    if len(found) != 1:
        raise RejectedError(f"The role has {len(found)} policies instead of one")
    return rows(child(found[0], "policy"), "rules")


def terms_of(rules: Iterable[Json]) -> Terms:
    """The approval rule, read. Raises ``RejectedError`` when there is none, or one that can't be read
    safely.
    """
    rule = next((rule for rule in rules if text(rule, "id").lower() == _RULE), None)
    if rule is None:
        raise RejectedError("The role's policy has no approval rule")
    setting = child(rule, "setting")
    if setting.get("isApprovalRequired") is False:
        return Terms(approval_required=False)
    stage = _only_stage(setting)
    named = [_subject(one) for one in rows(stage, "primaryApprovers")]
    return Terms(
        approval_required=True,
        users=tuple(one for kind, one in named if kind == _USER),
        groups=tuple(one for kind, one in named if kind == _GROUP),
        justification_required=stage.get("isApproverJustificationRequired") is True,
    )


def _subject(subject: Json) -> tuple[str, str]:
    """Kind and object id of an approver that a policy names."""
    kind = text(subject, "@odata.type").removeprefix(_KIND_PREFIX)
    if kind not in {_USER, _GROUP}:
        raise RejectedError(f"The policy names approvers of a kind that is not supported: {kind or 'none'}")
    given = text(subject, "userId" if kind == _USER else "groupId")
    return kind, (given or required(subject, "id")).lower()


async def _unless_gone(reading: Awaitable[tuple[Person, ...]]) -> tuple[Person, ...]:
    try:
        return await reading
    except NotFoundError:
        _log.warning("approver_is_gone")
        return ()


def _only_stage(setting: Json) -> Json:
    """The approval stage; an empty one when none is configured. Raises ``RejectedError`` for several,
    which PIM does not support: their approvers must not be mixed.
    """
    stages = rows(setting, "approvalStages")
    if len(stages) > 1:
        raise RejectedError("The policy asks for several approval stages, which is not supported")
    return stages[0] if stages else {}


def _distinct(groups: Iterable[tuple[Person, ...]]) -> tuple[Person, ...]:
    return tuple({person.identity: person for group in groups for person in group}.values())

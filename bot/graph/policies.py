"""Who may approve the activation of a role.

Source: ``entra-facts.md`` §5. Approvers are a permit list: whoever is left out may not decide, so
that a deleted approver is skipped, while a kind of approver not known here makes the policy unreadable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog

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
        setting = child(await self._rule(role_definition_id), "setting")
        if setting.get("isApprovalRequired") is False:
            return ApprovalPolicy(approval_required=False, approvers=())
        stage = _only_stage(setting)
        named = rows(stage, "primaryApprovers")
        approvers = await (self._approvers(named) if named else self._default_approvers())
        return ApprovalPolicy(
            approval_required=True,
            approvers=approvers,
            defaulted=not named,
            justification_required=stage.get("isApproverJustificationRequired") is True,
        )

    async def rules(self, role_definition_id: str) -> list[Json]:
        """All rules in force. Raises ``RejectedError`` unless the role has exactly one policy."""
        info = query(
            self._graph.policies.role_management_policy_assignments.to_get_request_information(),
            filter="scopeId eq '/' and scopeType eq 'DirectoryRole'"
            f" and roleDefinitionId eq {literal(role_definition_id)}",
            expand="policy($expand=rules)",
        )
        found = [
            assignment
            for assignment in await self._calls.read_all(info)
            if required(assignment, "roleDefinitionId").lower() == role_definition_id.lower()
        ]
        if len(found) != 1:
            raise RejectedError(f"The role has {len(found)} policies instead of one")
        return rows(child(found[0], "policy"), "rules")

    async def _rule(self, role_definition_id: str) -> Json:
        for rule in await self.rules(role_definition_id):
            if text(rule, "id").lower() == _RULE:
                return rule
        raise RejectedError("The role's policy has no approval rule")

    async def _approvers(self, named: list[Json]) -> tuple[Person, ...]:
        return _distinct(await concurrently(self._approver(subject) for subject in named))

    async def _approver(self, subject: Json) -> tuple[Person, ...]:
        kind = text(subject, "@odata.type").removeprefix(_KIND_PREFIX)
        try:
            match kind:
                case "singleUser":
                    return (await self._people.person(text(subject, "userId") or required(subject, "id")),)
                case "groupMembers":
                    return await self._people.members(text(subject, "groupId") or required(subject, "id"))
        except NotFoundError:
            _log.warning("approver_is_gone", kind=kind)
            return ()
        raise RejectedError(f"The policy names approvers of a kind that is not supported: {kind or 'none'}")

    async def _default_approvers(self) -> tuple[Person, ...]:
        roles = (PRIVILEGED_ROLE_ADMINISTRATOR, GLOBAL_ADMINISTRATOR)
        return _distinct(await concurrently(map(self._holders.active_people, roles)))


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

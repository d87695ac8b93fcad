"""What Graph tells the app about activating a role: ``ports.RoleFacts``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog

from bot.domain import group_roles
from bot.domain.activation import ActivationPolicy, ActiveRole
from bot.graph.calls import GraphCalls, literal, query
from bot.graph.durations import parse_iso_duration
from bot.graph.instances import holds
from bot.graph.parsing import Json, required, text
from bot.graph.policies import ApprovalPolicies
from bot.graph.self_service_apis import api_of, is_activated
from bot.ports import Clock

_log = structlog.get_logger(__name__)


class GraphRoleFacts:
    """App-only reads, made anew each time."""

    def __init__(self, calls: GraphCalls, graph: Any, policies: ApprovalPolicies, clock: Clock) -> None:
        self._calls = calls
        self._graph = graph
        self._policies = policies
        self._clock = clock

    async def activation_policy(self, key: str) -> ActivationPolicy:
        """What the activation rules of the role's policy ask for; a rule that is missing asks nothing."""
        return policy_of(await self._policies.rules(key))

    async def held(self, principal_id: str, key: str, scope: str) -> ActiveRole | None:
        """See ``ports.RoleFacts.held``."""
        group = group_roles.parse(key)
        rows = await (
            self._of_role(principal_id, key)
            if group is None
            else self._of_group(principal_id, group.group_id)
        )
        found = [
            api_of(key).active_of(row, self._clock.now())
            for row in rows
            if is_activated(row) and self._is_theirs(row, principal_id) and holds(row, self._clock.now())
        ]
        same = (role for role in found if (role.key, role.scope) == (key.lower(), scope))
        return next(same, None)

    async def _of_role(self, principal_id: str, key: str) -> list[Json]:
        instances = self._graph.role_management.directory.role_assignment_schedule_instances
        wanted = f"principalId eq {literal(principal_id)} and roleDefinitionId eq {literal(key)}"
        return await self._calls.read_all(query(instances.to_get_request_information(), filter=wanted))

    async def _of_group(self, principal_id: str, group_id: str) -> list[Json]:
        group = self._graph.identity_governance.privileged_access.group
        instances = group.assignment_schedule_instances
        wanted = f"groupId eq {literal(group_id)} and principalId eq {literal(principal_id)}"
        return await self._calls.read_all(query(instances.to_get_request_information(), filter=wanted))

    def _is_theirs(self, row: Json, principal_id: str) -> bool:
        return required(row, "principalId").lower() == principal_id.lower()


def policy_of(rules: list[Json]) -> ActivationPolicy:
    """The activation rules (``…_EndUser_Assignment``) as one value."""
    by_id = {text(rule, "id").lower(): rule for rule in rules}
    expiration = by_id.get("expiration_enduser_assignment", {})
    enabled = {str(name).lower() for name in _listed(by_id.get("enablement_enduser_assignment", {}))}
    context = by_id.get("authenticationcontext_enduser_assignment", {})
    setting = by_id.get("approval_enduser_assignment", {}).get("setting")
    return ActivationPolicy(
        longest=_limit(text(expiration, "maximumDuration")),
        reason_required="justification" in enabled,
        ticket_required="ticketing" in enabled,
        mfa_required="multifactorauthentication" in enabled,
        authentication_context=(text(context, "claimValue") or None) if context.get("isEnabled") else None,
        approval_required=isinstance(setting, dict) and setting.get("isApprovalRequired") is True,
    )


def _listed(rule: Json) -> list[Any]:
    enabled = rule.get("enabledRules")
    return enabled if isinstance(enabled, list) else []


def _limit(duration: str) -> timedelta | None:
    if not duration:
        return None
    try:
        return parse_iso_duration(duration)
    except ValueError:
        # PIM knows its own limit and will say so; ours only spares the user a refusal.
        _log.warning("activation_limit_unreadable", duration=duration)
        return None

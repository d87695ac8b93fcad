"""What Graph tells the app itself about PIM for Groups: ``ports.Directory``, for group roles.

Sources: docs/entra-facts.md §3 and §5, and Graph's page "List assignmentScheduleRequests", by which the app
reads requests with ``PrivilegedAssignmentSchedule.Read.AzureADGroup``. Not tried on a real tenant.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bot.domain import group_roles
from bot.domain.errors import DirectoryError, NotFoundError, RejectedError
from bot.domain.group_roles import Access, GroupRole
from bot.domain.model import (
    APPROVER_POLICY,
    ELIGIBILITY,
    ApprovalPolicy,
    Holders,
    PimRequest,
    Role,
    Standing,
)
from bot.graph.calls import GraphCalls
from bot.graph.group_danger import GroupRoles
from bot.graph.group_holders import GroupHolders
from bot.graph.group_polling import GroupPolling, Round
from bot.graph.parsing import group_request_of
from bot.graph.policies import ApprovalPolicies
from bot.ports import Clock
from bot.service.facts import readable


class GroupDirectory:
    """Takes keys of group roles only."""

    def __init__(
        self,
        calls: GraphCalls,
        graph: Any,
        *,
        polling: GroupPolling,
        roles: GroupRoles,
        policies: ApprovalPolicies,
        holders: GroupHolders,
        clock: Clock,
    ) -> None:
        self._calls = calls
        self._graph = graph
        self._polling = polling
        self._roles = roles
        self._policies = policies
        self._holders = holders
        self._clock = clock

    async def pending(self) -> Round:
        """What awaits approval in the groups whose turn it is."""
        return await self._polling.round()

    async def request(self, request_id: str, key: str) -> PimRequest | None:
        """The request as it is now; None when Graph has no such request."""
        requests = self._graph.identity_governance.privileged_access.group.assignment_schedule_requests
        builder = requests.by_privileged_access_group_assignment_schedule_request_id(request_id)
        try:
            row = await self._calls.read(builder.to_get_request_information())
        except NotFoundError:
            return None
        found = group_request_of(row, self._clock.now())
        if found.role_definition_id != group_roles.of(key).key:
            raise RejectedError("Graph's request of this id is about something else")
        return found

    async def role(self, key: str) -> Role:
        """The group's name, and how dangerous it is."""
        return await self._roles.role(group_roles.of(key))

    async def approval_policy(self, key: str) -> ApprovalPolicy:
        """Who may approve the activation, groups expanded; nobody where nobody is named."""
        return await self._policies.policy(group_roles.of(key).key)

    async def holders(self, key: str) -> Holders:
        """Who is eligible and who is a member or owner now, by every path."""
        role = group_roles.of(key)
        return await self._holders.holders(role, await self._name(role))

    async def _name(self, role: GroupRole) -> str:
        """To be shown on the way; who is on it does not hang on it. Ownership has no way through the
        group itself.
        """
        if role.access is Access.OWNER:
            return role.group_id
        try:
            return await self._roles.name(role)
        except DirectoryError:
            return role.group_id

    async def standing(self, key: str, object_id: str) -> Standing:
        """What holds of one user. A group has few who can get into it, so that all of them are read."""
        policy, holders = await asyncio.gather(
            readable(APPROVER_POLICY, self._policies.policy_for(group_roles.of(key).key, object_id)),
            readable(ELIGIBILITY, self.holders(key)),
        )
        if isinstance(holders, Holders):
            holders = _of(holders, object_id.lower())
        return Standing(policy, holders)


def _of(holders: Holders, object_id: str) -> Holders:
    eligible, active = (
        tuple(path for path in paths if path.object_id == object_id)
        for paths in (holders.eligible, holders.active)
    )
    return Holders(eligible, active)

"""What Graph tells the app itself about PIM: ``ports.Directory``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.domain.errors import NotFoundError, RejectedError
from bot.domain.model import ApprovalPolicy, Holders, Person, PimRequest, Role, Standing
from bot.graph.batch import Batch
from bot.graph.calls import GraphCalls, literal, query
from bot.graph.holders import RoleHolders
from bot.graph.parsing import AWAITING_NAMES, Json, awaiting, request_of
from bot.graph.people import People
from bot.graph.policies import ApprovalPolicies
from bot.graph.standing import Standings
from bot.ports import Clock

_log = structlog.get_logger(__name__)
_FILTER_REFUSED_FOR = timedelta(hours=1)
_FILTER = " or ".join(f"status eq {literal(name)}" for name in AWAITING_NAMES)
_BAD_REQUEST = 400


class GraphDirectory:
    """App-only reads. Only names (of roles and persons) are remembered, for a minute; policies and
    holders are read anew each time.
    """

    def __init__(self, calls: GraphCalls, batch: Batch, graph: Any, tenant_id: str, clock: Clock) -> None:
        self._calls = calls
        self._graph = graph
        self._clock = clock
        self.people = People(calls, graph, tenant_id, clock)
        self.role_holders = RoleHolders(batch, self.people, clock)
        self._standings = Standings(batch, tenant_id, clock)
        self.policies = ApprovalPolicies(calls, graph, self.people, self.role_holders)
        self._no_filter_until: datetime | None = None

    async def pending_requests(self) -> tuple[PimRequest, ...]:
        """Every request that awaits approval. One that can't be read is logged and left out, so that it
        does not hide the others.
        """
        return awaiting(await self._rows(), request_of, self._clock.now())

    async def request(self, request_id: str, role_definition_id: str) -> PimRequest | None:
        """The request as it is now; None when Graph has no such request."""
        del role_definition_id  # directory roles share one API
        builder = self._requests.by_unified_role_assignment_schedule_request_id(request_id)
        try:
            row = await self._calls.read(builder.to_get_request_information())
        except NotFoundError:
            return None
        return request_of(row, self._clock.now())

    async def role(self, role_definition_id: str) -> Role:
        """Name and danger of a role."""
        return await self.people.role(role_definition_id)

    async def person(self, object_id: str) -> Person:
        """A user's names. Raises ``NotFoundError``."""
        return await self.people.person(object_id)

    async def approval_policy(self, role_definition_id: str) -> ApprovalPolicy:
        """Who may approve the role's activation, groups expanded."""
        return await self.policies.policy(role_definition_id)

    async def standing(self, role_definition_id: str, object_id: str) -> Standing:
        """What holds of one user and the role."""
        return await self._standings.standing(role_definition_id, object_id)

    async def holders(self, role_definition_id: str) -> Holders:
        """Who is eligible for the role and who holds it now, groups expanded."""
        return await self.role_holders.holders(role_definition_id)

    async def _rows(self) -> list[Json]:
        """Pending requests at least. Graph documents ``$filter`` on status, but refuses it in some
        tenants (400 InvalidFilter); after a refusal it is not tried again for an hour.
        """
        now = self._clock.now()
        if self._no_filter_until is None or now >= self._no_filter_until:
            try:
                return await self._calls.read_all(query(self._listing(), filter=_FILTER))
            except RejectedError as refused:
                if refused.status != _BAD_REQUEST:
                    raise
                _log.info("pim_status_filter_refused", code=refused.code)
                self._no_filter_until = now + _FILTER_REFUSED_FOR
        return await self._calls.read_all(self._listing())

    @property
    def _requests(self) -> Any:
        return self._graph.role_management.directory.role_assignment_schedule_requests

    def _listing(self) -> Any:
        return self._requests.to_get_request_information()

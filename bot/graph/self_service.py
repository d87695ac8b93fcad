"""Roles activated, given back and withdrawn by their users: ``ports.SelfService``.

Nothing here is repeated that may have taken effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import structlog
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from bot.domain.activation import ActiveRole, EligibleRole, Wish
from bot.domain.errors import NotFoundError, PermissionMissingError, RejectedError
from bot.domain.model import PimRequest, UserAssertion
from bot.graph.calls import GraphCalls, body, query
from bot.graph.concurrently import concurrently
from bot.graph.durations import iso_duration
from bot.graph.errors import Call
from bot.graph.on_behalf import OnBehalf
from bot.graph.parsing import Json
from bot.graph.self_service_apis import DIRECTORY_ROLES, GROUPS, Api, api_of, is_activated
from bot.ports import Clock

_PATIENCE: Final = 10.0
"""Seconds to wait for the answer to a request; PIM evaluates policies before it answers."""

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


class GraphSelfService:
    """Directory roles, and membership and ownership of groups, as whoever the assertion speaks for."""

    def __init__(self, on_behalf: OnBehalf, clock: Clock) -> None:
        self._on_behalf = on_behalf
        self._clock = clock

    async def eligible(self, assertion: UserAssertion) -> tuple[EligibleRole, ...]:
        """See ``ports.SelfService.eligible``."""
        return _longest(await self._listed(assertion, lambda api: api.eligible, lambda api: api.eligible_of))

    async def active(self, assertion: UserAssertion) -> tuple[ActiveRole, ...]:
        """See ``ports.SelfService.active``."""
        now = self._clock.now()

        def reader(api: Api) -> Callable[[Json], ActiveRole | None]:
            return lambda row: api.active_of(row, now) if is_activated(row) else None

        found = await self._listed(assertion, lambda api: api.active, reader)
        return tuple(role for role in found if role is not None)

    async def requests(self, assertion: UserAssertion) -> tuple[PimRequest, ...]:
        """See ``ports.SelfService.requests``."""
        now = self._clock.now()

        def reader(api: Api) -> Callable[[Json], PimRequest]:
            return lambda row: api.request_of(row, now)

        found = await self._listed(assertion, lambda api: api.mine, reader)
        return tuple(sorted(found, key=lambda request: request.created_at, reverse=True))

    async def activate(
        self, assertion: UserAssertion, principal_id: str, wish: Wish, *, validate_only: bool = False
    ) -> PimRequest:
        """See ``ports.SelfService.activate``."""
        api = api_of(wish.role.key)
        named = {"principalId": principal_id, **api.subject(wish.role.key, wish.role.scope)}
        return await self._post(api, assertion, named | _activation(wish, validate_only=validate_only))

    async def give_back(
        self, assertion: UserAssertion, principal_id: str, key: str, scope: str
    ) -> PimRequest:
        """See ``ports.SelfService.give_back``."""
        api = api_of(key)
        named = {"principalId": principal_id, **api.subject(key, scope)}
        return await self._post(api, assertion, named | {"action": "selfDeactivate"})

    async def withdraw(self, assertion: UserAssertion, request: PimRequest) -> None:
        """See ``ports.SelfService.withdraw``."""
        api = api_of(request.role_definition_id)
        parameters = {"graph": self._on_behalf.url, "request": request.id}
        calls = await self._on_behalf.calls(assertion, Call.SELF_ACTION)
        await calls.once(RequestInformation(Method.POST, api.cancel, parameters), Call.SELF_ACTION, _PATIENCE)

    async def _post(self, api: Api, assertion: UserAssertion, content: Json) -> PimRequest:
        info = RequestInformation(Method.POST, api.requests, {"graph": self._on_behalf.url})
        calls = await self._on_behalf.calls(assertion, Call.SELF_ACTION)
        made = await calls.once(body(info, content), Call.SELF_ACTION, _PATIENCE)
        return api.request_of(made, self._clock.now())

    async def _listed(
        self,
        assertion: UserAssertion,
        template: Callable[[Api], str],
        reader: Callable[[Api], Callable[[Json], _T]],
    ) -> list[_T]:
        """Of both families, by one token. Groups that can't be read hide no directory role."""
        calls = await self._on_behalf.calls(assertion, Call.DELEGATED)
        roles, groups = await concurrently(
            [
                self._rows(calls, DIRECTORY_ROLES, template),
                self._rows_of_groups(calls, template),
            ]
        )
        return [*map(reader(DIRECTORY_ROLES), roles), *map(reader(GROUPS), groups)]

    async def _rows_of_groups(self, calls: GraphCalls, template: Callable[[Api], str]) -> list[Json]:
        try:
            return await self._rows(calls, GROUPS, template)
        except (PermissionMissingError, RejectedError, NotFoundError) as error:
            _log.info("own_group_roles_unreadable", why=str(error))
            return []

    async def _rows(self, calls: GraphCalls, api: Api, template: Callable[[Api], str]) -> list[Json]:
        info = RequestInformation(Method.GET, template(api), {"graph": self._on_behalf.url})
        # A template without a place for it, as that of requests, sends none.
        return await calls.read_all(query(info, expand=api.expand))


def _activation(wish: Wish, *, validate_only: bool) -> dict[str, Any]:
    # The duration as text: Kiota would write a timedelta as "2:00:00" (docs/entra-facts.md §2).
    schedule: dict[str, Any] = {
        "expiration": {"type": "afterDuration", "duration": iso_duration(wish.duration)}
    }
    if wish.starts_at is not None:
        schedule["startDateTime"] = wish.starts_at.isoformat()
    content: dict[str, Any] = {
        "action": "selfActivate",
        "justification": wish.reason,
        "scheduleInfo": schedule,
    }
    if wish.ticket is not None:
        content["ticketInfo"] = {"ticketNumber": wish.ticket.number, "ticketSystem": wish.ticket.system}
    if validate_only:
        content["isValidationOnly"] = True
    return content


def _longest(roles: Iterable[EligibleRole]) -> tuple[EligibleRole, ...]:
    """Each role and scope once, by the eligibility that lasts longest."""
    kept: dict[tuple[str, str], EligibleRole] = {}
    for role in roles:
        other = kept.get((role.key, role.scope))
        if other is None or _outlives(role, other):
            kept[role.key, role.scope] = role
    return tuple(kept.values())


def _outlives(role: EligibleRole, other: EligibleRole) -> bool:
    if other.ends_at is None:
        return False
    return role.ends_at is None or role.ends_at > other.ends_at

"""Roles activated, given back and withdrawn by their users: ``ports.SelfService``.

Sources: ``entra-facts.md`` §2 and §6. Nothing here is repeated that may have taken effect.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from bot.domain.activation import ActiveRole, EligibleRole, Wish
from bot.domain.model import PimRequest, UserAssertion
from bot.graph.calls import body, query
from bot.graph.durations import iso_duration
from bot.graph.errors import Call
from bot.graph.on_behalf import OnBehalf
from bot.graph.parsing import Json, child, request_of, required, text, time
from bot.ports import Clock

_DIRECTORY: Final = "{+graph}/v1.0/roleManagement/directory"
_MINE: Final = "filterByCurrentUser(on='principal')"
_PATIENCE: Final = 10.0
"""Seconds to wait for the answer to a request; PIM evaluates policies before it answers."""
_EXPANDED: Final = "roleDefinition,directoryScope"


class GraphSelfService:
    """Directory roles, as whoever the assertion speaks for."""

    def __init__(self, on_behalf: OnBehalf, clock: Clock) -> None:
        self._on_behalf = on_behalf
        self._clock = clock

    async def eligible(self, assertion: UserAssertion) -> tuple[EligibleRole, ...]:
        """See ``ports.SelfService.eligible``."""
        path = f"{_DIRECTORY}/roleEligibilityScheduleInstances/{_MINE}{{?%24expand}}"
        calls = await self._on_behalf.calls(assertion, Call.DELEGATED)
        return _longest(
            eligible_of(row) for row in await calls.read_all(query(self._get(path), expand=_EXPANDED))
        )

    async def active(self, assertion: UserAssertion) -> tuple[ActiveRole, ...]:
        """See ``ports.SelfService.active``."""
        path = f"{_DIRECTORY}/roleAssignmentScheduleInstances/{_MINE}{{?%24expand}}"
        calls = await self._on_behalf.calls(assertion, Call.DELEGATED)
        rows = await calls.read_all(query(self._get(path), expand=_EXPANDED))
        return tuple(active_of(row, self._clock) for row in rows if is_activated(row))

    async def requests(self, assertion: UserAssertion) -> tuple[PimRequest, ...]:
        """See ``ports.SelfService.requests``."""
        path = f"{_DIRECTORY}/roleAssignmentScheduleRequests/{_MINE}"
        calls = await self._on_behalf.calls(assertion, Call.DELEGATED)
        found = [request_of(row, self._clock.now()) for row in await calls.read_all(self._get(path))]
        return tuple(sorted(found, key=lambda request: request.created_at, reverse=True))

    async def activate(
        self, assertion: UserAssertion, principal_id: str, wish: Wish, *, validate_only: bool = False
    ) -> PimRequest:
        """See ``ports.SelfService.activate``."""
        return await self._post(assertion, _activation(principal_id, wish, validate_only=validate_only))

    async def give_back(
        self, assertion: UserAssertion, principal_id: str, key: str, scope: str
    ) -> PimRequest:
        """See ``ports.SelfService.give_back``."""
        return await self._post(assertion, {"action": "selfDeactivate", **_subject(principal_id, key, scope)})

    async def withdraw(self, assertion: UserAssertion, request: PimRequest) -> None:
        """See ``ports.SelfService.withdraw``."""
        path = f"{_DIRECTORY}/roleAssignmentScheduleRequests/{{request}}/cancel"
        info = RequestInformation(Method.POST, path, {"graph": self._on_behalf.url, "request": request.id})
        calls = await self._on_behalf.calls(assertion, Call.SELF_ACTION)
        await calls.once(info, Call.SELF_ACTION, _PATIENCE)

    async def _post(self, assertion: UserAssertion, content: Json) -> PimRequest:
        path = f"{_DIRECTORY}/roleAssignmentScheduleRequests"
        info = RequestInformation(Method.POST, path, {"graph": self._on_behalf.url})
        calls = await self._on_behalf.calls(assertion, Call.SELF_ACTION)
        made = await calls.once(body(info, content), Call.SELF_ACTION, _PATIENCE)
        return request_of(made, self._clock.now())

    def _get(self, path: str) -> RequestInformation:
        return RequestInformation(Method.GET, path, {"graph": self._on_behalf.url})


def _subject(principal_id: str, key: str, scope: str) -> dict[str, Any]:
    return {"principalId": principal_id, "roleDefinitionId": key, "directoryScopeId": scope}


def _activation(principal_id: str, wish: Wish, *, validate_only: bool) -> Json:
    # The duration as text: Kiota would write a timedelta as "2:00:00" (entra-facts.md, trap 9).
    schedule: dict[str, Any] = {
        "expiration": {"type": "afterDuration", "duration": iso_duration(wish.duration)}
    }
    if wish.starts_at is not None:
        schedule["startDateTime"] = wish.starts_at.isoformat()
    content: dict[str, Any] = {
        "action": "selfActivate",
        **_subject(principal_id, wish.role.key, wish.role.scope),
        "justification": wish.reason,
        "scheduleInfo": schedule,
    }
    if wish.ticket is not None:
        content["ticketInfo"] = {"ticketNumber": wish.ticket.number, "ticketSystem": wish.ticket.system}
    if validate_only:
        content["isValidationOnly"] = True
    return content


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


def active_of(row: Json, clock: Clock) -> ActiveRole:
    """A ``roleAssignmentScheduleInstance``."""
    key = required(row, "roleDefinitionId").lower()
    return ActiveRole(
        key=key,
        display_name=text(child(row, "roleDefinition"), "displayName") or key,
        scope=text(row, "directoryScopeId") or "/",
        since=time(row, "startDateTime") or clock.now(),
        until=time(row, "endDateTime"),
        request_id=text(row, "roleAssignmentScheduleId") or None,
    )


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

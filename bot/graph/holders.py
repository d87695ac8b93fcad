"""Who is eligible for a role and who holds it.

Sources: ``entra-facts.md`` §6. A group that is eligible for a role is listed as the ``principalId``
itself, so its members are expanded here. Everything is read or the reading fails: a partial answer
would let somebody decide who may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import NotFoundError
from bot.domain.model import Holders, PathKind, Person, RolePath
from bot.graph.calls import GraphCalls, literal, query
from bot.graph.concurrently import concurrently
from bot.graph.parsing import Json, child, required, text, time
from bot.graph.people import People, is_user
from bot.ports import Clock

_GROUP = "#microsoft.graph.group"


@dataclass(frozen=True, slots=True)
class Held:
    """A path to a role, and who takes it; None for what is no user (an app)."""

    path: RolePath
    person: Person | None


@dataclass(frozen=True, slots=True)
class _Instance:
    id: str
    """Object id of the principal, lower case."""
    principal: Json
    scope: str
    inherited: bool

    @property
    def is_group(self) -> bool:
        return text(self.principal, "@odata.type").lower() == _GROUP


class RoleHolders:
    """Reads the current schedule instances of a role."""

    def __init__(self, calls: GraphCalls, graph: Any, people: People, clock: Clock) -> None:
        self._calls = calls
        self._graph = graph
        self._people = people
        self._clock = clock

    async def holders(self, role_definition_id: str) -> Holders:
        """Everybody eligible and everybody active, at any scope. Raises ``DirectoryError``s."""
        directory = self._graph.role_management.directory
        eligible, active = await self._held(
            role_definition_id,
            directory.role_eligibility_schedule_instances,
            directory.role_assignment_schedule_instances,
        )
        return Holders(eligible=_paths(eligible), active=_paths(active))

    async def active_people(self, role_definition_id: str) -> tuple[Person, ...]:
        """The users who hold the role now, groups expanded."""
        instances = self._graph.role_management.directory.role_assignment_schedule_instances
        (active,) = await self._held(role_definition_id, instances)
        return tuple(one.person for one in active if one.person)

    async def _held(self, role_definition_id: str, *kinds: Any) -> list[list[Held]]:
        """The holders by each kind of instance; each group is expanded once for all of them."""
        listings = await concurrently(self._instances(kind, role_definition_id) for kind in kinds)
        groups = sorted({one.id for listing in listings for one in listing if one.is_group})
        members = dict(zip(groups, await concurrently(map(self._people.members, groups)), strict=True))
        return [[held for one in listing for held in self._expand(one, members)] for listing in listings]

    async def _instances(self, kind: Any, role_definition_id: str) -> list[_Instance]:
        info = query(
            kind.to_get_request_information(),
            filter=f"roleDefinitionId eq {literal(role_definition_id)}",
            expand="principal",
        )
        rows = [row for row in await self._calls.read_all(info) if self._concerns(row, role_definition_id)]
        found = await concurrently(map(self._instance, rows))
        return [instance for instance in found if instance]

    def _concerns(self, row: Json, role_definition_id: str) -> bool:
        end = time(row, "endDateTime")
        same = required(row, "roleDefinitionId").lower() == role_definition_id.lower()
        return same and (end is None or end > self._clock.now())

    async def _instance(self, row: Json) -> _Instance | None:
        principal = await self._principal(row)
        if principal is None:
            return None
        scope = text(row, "directoryScopeId") or text(row, "appScopeId") or "/"
        inherited = text(row, "memberType").lower() in {"group", "inherited"}
        return _Instance(required(row, "principalId").lower(), principal, scope, inherited)

    def _expand(self, one: _Instance, members: dict[str, tuple[Person, ...]]) -> Iterator[Held]:
        if one.is_group:
            via = text(one.principal, "displayName") or one.id
            for person in members[one.id]:
                yield Held(RolePath(person.identity.object_id, PathKind.GROUP, one.scope, via), person)
        else:
            kind = PathKind.GROUP if one.inherited else PathKind.DIRECT
            person_or_app = self._people.person_in(one.principal) if is_user(one.principal) else None
            yield Held(RolePath(one.id, kind, one.scope), person_or_app)

    async def _principal(self, row: Json) -> Json | None:
        """The expanded principal, or looked up when Graph did not expand it; None when it is gone."""
        principal = child(row, "principal")
        if text(principal, "@odata.type"):
            return {**principal, "id": required(row, "principalId")}
        try:
            return await self._people.directory_object(required(row, "principalId"))
        except NotFoundError:
            return None


def _paths(held: Iterable[Held]) -> tuple[RolePath, ...]:
    return tuple(dict.fromkeys(one.path for one in held))

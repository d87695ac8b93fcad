"""Persons, roles and the members of groups."""

from __future__ import annotations

from typing import Any

from bot.domain.danger import danger_of
from bot.domain.model import Person, Role
from bot.graph.cache import ShortCache
from bot.graph.calls import GraphCalls, query
from bot.graph.instances import USER
from bot.graph.parsing import Json, person_of, required, text
from bot.ports import Clock

PERSON = "id,displayName,userPrincipalName,userType"
"""What is selected of a person."""
_LARGEST_PAGE = "999"


class People:
    """Reads and, for a minute, remembers persons and roles. Memberships are never remembered."""

    def __init__(self, calls: GraphCalls, graph: Any, tenant_id: str, clock: Clock) -> None:
        self._calls = calls
        self._graph = graph
        self._tenant_id = tenant_id
        self._persons: ShortCache[Person] = ShortCache(clock)
        self._roles: ShortCache[Role] = ShortCache(clock)

    async def person(self, object_id: str) -> Person:
        """A user of the tenant. Raises ``NotFoundError``, also for groups and apps."""
        return await self._persons.get(object_id, lambda: self._read_person(object_id))

    async def alone(self, object_id: str) -> tuple[Person, ...]:
        """As ``person``, to stand beside the members of groups."""
        return (await self.person(object_id),)

    async def role(self, definition_id: str) -> Role:
        """A directory role definition."""
        return await self._roles.get(definition_id, lambda: self._read_role(definition_id))

    async def members(self, group_id: str) -> tuple[Person, ...]:
        """Every user in the group, nested groups included.

        Without the OData cast to ``user``, which Graph answers from an index that "might not be
        up-to-date" and only with ``ConsistencyLevel: eventual``; who was added to a group a minute ago
        must count.
        """
        builder = self._graph.groups.by_group_id(group_id).transitive_members
        info = query(builder.to_get_request_information(), select=PERSON, top=_LARGEST_PAGE)
        rows = await self._calls.read_all(info)
        return tuple(self.person_in(row) for row in rows if is_user(row))

    async def directory_object(self, object_id: str) -> Json:
        """Any object of the directory, with its ``@odata.type``. Raises ``NotFoundError``."""
        builder = self._graph.directory_objects.by_directory_object_id(object_id)
        return await self._calls.read(builder.to_get_request_information())

    def person_in(self, row: Json) -> Person:
        """The person a user object tells of."""
        return person_of(row, self._tenant_id)

    async def _read_person(self, object_id: str) -> Person:
        builder = self._graph.users.by_user_id(object_id)
        row = await self._calls.read(query(builder.to_get_request_information(), select=PERSON))
        return self.person_in(row)

    async def _read_role(self, definition_id: str) -> Role:
        definitions = self._graph.role_management.directory.role_definitions
        builder = definitions.by_unified_role_definition_id(definition_id)
        row = await self._calls.read(builder.to_get_request_information())
        template_id = text(row, "templateId") or required(row, "id")
        danger = danger_of(template_id, built_in=row.get("isBuiltIn") is True)
        return Role(definition_id.lower(), text(row, "displayName") or definition_id, danger)


def is_user(row: Json) -> bool:
    """Whether a directory object is a user. One that tells no type counts as one when it has a UPN."""
    kind = text(row, "@odata.type").lower()
    return kind == USER if kind else bool(text(row, "userPrincipalName"))

"""How much harm membership or ownership of a group can do: as much as the directory roles it brings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bot.domain.group_roles import GroupRole
from bot.domain.model import Danger, Role
from bot.graph.cache import ShortCache
from bot.graph.calls import GraphCalls, literal, query
from bot.graph.concurrently import concurrently
from bot.graph.parsing import Json, required, text
from bot.graph.people import People
from bot.ports import Clock

_WORST_FIRST: Final = (Danger.CRITICAL, Danger.HIGH, Danger.ELEVATED)


class GroupRoles:
    """Reads and, for a minute, remembers what groups are called and how dangerous they are."""

    def __init__(self, calls: GraphCalls, graph: Any, people: People, clock: Clock) -> None:
        self._calls = calls
        self._graph = graph
        self._people = people
        self._groups: ShortCache[Json] = ShortCache(clock)
        self._roles: ShortCache[Role] = ShortCache(clock)

    async def role(self, role: GroupRole) -> Role:
        """By the group's name; the card says of what kind it is. An owner can add themselves to the
        members, so that both are as dangerous. Raises ``DirectoryError``s.
        """
        return await self._roles.get(role.key, lambda: self._read(role))

    async def name(self, role: GroupRole) -> str:
        """What the group is called, without asking how dangerous it is. Raises ``DirectoryError``s."""
        return _name(role, await self._group(role.group_id))

    async def _group(self, group_id: str) -> Json:
        group = self._graph.groups.by_group_id(group_id)
        wanted = query(group.to_get_request_information(), select="id,displayName,isAssignableToRole")
        return await self._groups.get(group_id, lambda: self._calls.read(wanted))

    async def _read(self, role: GroupRole) -> Role:
        row = await self._group(role.group_id)
        # Null counts as "maybe", when the app may not read the group's properties.
        brings_roles = row.get("isAssignableToRole") is True or not text(row, "displayName")
        danger = await self._danger(role.group_id) if brings_roles else Danger.ELEVATED
        return Role(role.key, _name(role, row), danger)

    async def _danger(self, group_id: str) -> Danger:
        """That of the worst directory role which the group has or is eligible for."""
        directory = self._graph.role_management.directory
        listings = await concurrently(
            self._definitions(kind, group_id)
            for kind in (
                directory.role_assignment_schedule_instances,
                directory.role_eligibility_schedule_instances,
            )
        )
        definitions = sorted({one for listing in listings for one in listing})
        roles = await concurrently(map(self._people.role, definitions))
        return _worst(role.danger for role in roles)

    async def _definitions(self, kind: Any, group_id: str) -> list[str]:
        info = query(kind.to_get_request_information(), filter=f"principalId eq {literal(group_id)}")
        return [
            required(row, "roleDefinitionId").lower()
            for row in await self._calls.read_all(info)
            if required(row, "principalId").lower() == group_id
        ]


def _name(role: GroupRole, row: Json) -> str:
    return text(row, "displayName") or role.key


def _worst(dangers: Iterable[Danger]) -> Danger:
    return min(dangers, key=_WORST_FIRST.index, default=Danger.ELEVATED)

"""Who is eligible for a role and who holds it: everybody, by every path.

Sources: docs/entra-facts.md §6. A group that is eligible for a role is listed as the ``principalId``
itself, so its members are expanded here; and whoever can get into such a group by themselves has a path
too: who is eligible for its membership (PIM for Groups), the members of a group that is, and so on; and
who owns one of these groups or can come to own it, since an owner can add themselves.

Everything is read or the reading fails: a partial answer would let somebody decide who may not. It costs
as many requests as the role has pages of rows, and some for each group on the way; a click asks about one
person instead (``standing.py``), and both have to come to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bot.domain.errors import NotFoundError, RejectedError
from bot.domain.model import Holders, PathKind, Person, RolePath
from bot.graph import instances
from bot.graph.batch import Batch, Read, url
from bot.graph.concurrently import concurrently
from bot.graph.instances import GROUP, USER, GroupRow, RoleRow, name_of
from bot.graph.parsing import Json, required, text
from bot.graph.people import People, is_user
from bot.graph.reach import MOST_GROUPS, Route
from bot.ports import Clock

_MEMBER = "id,displayName,userPrincipalName"

_Row = TypeVar("_Row", RoleRow, GroupRow)


@dataclass(frozen=True, slots=True)
class Insiders:
    """Who is in a group, owns it, or can do either. Ids are lower case."""

    users: frozenset[str]
    """Members, nested ones included."""
    groups: dict[str, str]
    """Nested groups: names by id."""
    owners: frozenset[str]
    candidates: tuple[GroupRow, ...]


@dataclass(slots=True)
class Ways:
    """How users could get into one group, the shortest way first."""

    found: dict[str, Route] = field(default_factory=dict)

    def lead(self, users: Iterable[str], route: Route) -> None:
        for user in users:
            self.found.setdefault(user, route)


class RoleHolders:
    """Reads the current schedule instances of a role, and the groups that lead there."""

    def __init__(self, batch: Batch, people: People, clock: Clock) -> None:
        self._batch = batch
        self._people = people
        self._clock = clock

    async def holders(self, role_definition_id: str) -> Holders:
        """Everybody eligible and everybody active, at any scope. Raises ``DirectoryError``s."""
        eligible, active = await self._rows(
            role_definition_id,
            instances.eligible_for_role(role_definition_id),
            instances.active_in_role(role_definition_id),
        )
        names = {row.principal_id: name_of(row) for row in (*eligible, *active) if row.kind == GROUP}
        insiders = await self.insiders(names)
        ways = {group: ways_into(group, name, insiders) for group, name in names.items()}
        could = [path for row in (*eligible, *active) for path in _potential(row, ways)]
        return Holders(
            eligible=tuple(dict.fromkeys([*_held(eligible, insiders), *could])),
            active=tuple(dict.fromkeys(_held(active, insiders))),
        )

    async def active_people(self, role_definition_id: str) -> tuple[Person, ...]:
        """The users who hold the role now, groups expanded."""
        (rows,) = await self._rows(role_definition_id, instances.active_in_role(role_definition_id))
        users = dict.fromkeys(row.principal_id for row in rows if is_user(row.principal))
        groups = dict.fromkeys(row.principal_id for row in rows if row.kind == GROUP)
        found = await concurrently([*map(self._people.alone, users), *map(self._people.members, groups)])
        return tuple(person for people in found for person in people)

    async def _rows(self, role_definition_id: str, *reads: Read) -> list[list[RoleRow]]:
        role, now = role_definition_id.lower(), self._clock.now()
        listings = await self._batch.whole(reads)
        return [await self._known(instances.role_rows(rows, now, role)) for rows in listings]

    async def _known(self, rows: Iterable[_Row]) -> list[_Row]:
        """With their principals; without those whose principal is gone."""
        listed = list(rows)
        principals = await concurrently(map(self._principal, listed))
        return [
            replace(row, principal=principal)
            for row, principal in zip(listed, principals, strict=True)
            if principal
        ]

    async def _principal(self, row: RoleRow | GroupRow) -> Json | None:
        """The principal, looked up where Graph did not expand it; None when it is gone."""
        if row.kind:
            return row.principal
        try:
            return await self._people.directory_object(row.principal_id)
        except NotFoundError:
            return None

    async def insiders(self, groups: Iterable[str]) -> dict[str, Insiders]:
        """Of the groups, and of every group from which one could get into them. Each is read once, so that
        groups which lead to each other end it. Raises ``DirectoryError``s.
        """
        known: dict[str, Insiders] = {}
        new = list(groups)
        while new:
            if len(known) + len(new) > MOST_GROUPS:
                raise RejectedError(f"There are more than {MOST_GROUPS} groups to follow")
            known.update(zip(new, await self._read_groups(new), strict=True))
            leading = {lead for group in new for lead in _leading(known[group])}
            new = sorted(leading - known.keys())
        return known

    async def _read_groups(self, groups: list[str]) -> list[Insiders]:
        reads = [read for group in groups for read in _of_group(group)]
        listed, now = iter(await self._batch.whole(reads)), self._clock.now()
        return [
            _insiders_of(members, owners, await self._known(instances.group_rows(candidates, now)))
            for members, owners, candidates in zip(listed, listed, listed, strict=True)
        ]


def _of_group(group_id: str) -> tuple[Read, Read, Read]:
    return (
        Read(url("v1.0/groups/{group}/transitiveMembers", group_id, select=_MEMBER, top="999")),
        Read(url("v1.0/groups/{group}/owners", group_id, select=_MEMBER, top="999")),
        instances.eligible_for_group(group_id),
    )


def _insiders_of(members: list[Json], owners: list[Json], candidates: Iterable[GroupRow]) -> Insiders:
    return Insiders(
        users=_ids(members),
        groups={
            required(row, "id").lower(): text(row, "displayName") or required(row, "id")
            for row in members
            if text(row, "@odata.type").lower() == GROUP
        },
        owners=_ids(owners),
        candidates=tuple(candidates),
    )


def _ids(rows: Iterable[Json]) -> frozenset[str]:
    return frozenset(required(row, "id").lower() for row in rows if is_user(row))


def _leading(insiders: Insiders) -> Iterator[str]:
    yield from insiders.groups
    yield from (row.principal_id for row in insiders.candidates if row.kind == GROUP)


def _held(rows: Iterable[RoleRow], insiders: dict[str, Insiders]) -> Iterator[RolePath]:
    """Without anybody doing anything first: directly, or as a member of a group."""
    for row in rows:
        if row.kind == GROUP:
            for user in sorted(insiders[row.principal_id].users):
                yield RolePath(user, PathKind.GROUP, row.scope, (name_of(row),))
        else:
            kind = PathKind.GROUP if row.inherited else PathKind.DIRECT
            yield RolePath(row.principal_id, kind, row.scope)


def _potential(row: RoleRow, ways: dict[str, Ways]) -> Iterator[RolePath]:
    """By getting into the group first."""
    for user, route in sorted(ways.get(row.principal_id, Ways()).found.items()):
        yield RolePath(user, route.kind, row.scope, route.via)


def ways_into(group: str, name: str, insiders: dict[str, Insiders]) -> Ways:
    """Backwards from a group, breadth first, to everybody who could get into it."""
    ways, seen = Ways(), {(group, False)}
    todo = [(group, Route(PathKind.GROUP_ELIGIBLE, (name,)), False)]
    for here, route, beyond in todo:
        there = insiders[here]
        ways.lead(there.owners, Route(PathKind.OWNER, route.via))
        if beyond:  # whoever is in here can activate what comes after
            ways.lead(there.users, route)
        for row in there.candidates:
            kind = PathKind.OWNER if row.owner else route.kind
            if row.kind == USER:
                ways.lead((row.principal_id,), Route(kind, route.via))
            if row.kind == GROUP and (row.principal_id, True) not in seen:
                seen.add((row.principal_id, True))
                todo.append((row.principal_id, _before(route, name_of(row), kind), True))
        for nested, nested_name in there.groups.items():
            if (nested, beyond) not in seen:
                seen.add((nested, beyond))
                todo.append((nested, _before(route, nested_name, route.kind), beyond))
    return ways


def _before(route: Route, name: str, kind: PathKind) -> Route:
    """The route that begins one group earlier."""
    return Route(PathKind.OWNER if kind is PathKind.OWNER else PathKind.NESTED, (name, *route.via))

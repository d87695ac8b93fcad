"""How far one user gets: the groups they are in, and those that they could get into by themselves.

Pure: ``Reach`` says which groups have to be asked about next and is told what Graph answered, until
nothing new turns up. Each group is asked about once, so that groups which lead to each other end it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.domain.errors import RejectedError
from bot.domain.model import PathKind
from bot.graph.instances import GroupRow
from bot.graph.parsing import Json, required, text

MOST_GROUPS = 2000
"""More than anybody is in; a reading that would go on from there fails."""
_NO_GROUPS = frozenset({"#microsoft.graph.directoryrole", "#microsoft.graph.administrativeunit"})
_OTHER_OWNED = frozenset(
    f"#microsoft.graph.{kind}"
    for kind in ("application", "serviceprincipal", "device", "user", "directoryrole")
)


@dataclass(frozen=True, slots=True)
class Route:
    """How a user could get into a group. ``via``: the names of the groups on the way, this one last."""

    kind: PathKind
    via: tuple[str, ...]

    def on(self, name: str, *, owner: bool = False) -> Route:
        """The route that goes on from here into another group."""
        owning = owner or self.kind is PathKind.OWNER
        return Route(PathKind.OWNER if owning else PathKind.NESTED, (*self.via, name))


@dataclass(slots=True)
class Reach:
    """Object ids are lower case."""

    inside: dict[str, str] = field(default_factory=dict)
    """The groups the user is in, however nested: names by id."""
    within: dict[str, Route] = field(default_factory=dict)
    """The groups the user could get into, by activating memberships or as an owner."""
    no_role: set[str] = field(default_factory=set)
    """Groups that no role can be assigned to: Graph says what they are, and not that they can."""
    _asked_open: set[str] = field(default_factory=set)
    _asked_parents: set[str] = field(default_factory=set)

    def is_in(self, rows: Iterable[Json]) -> None:
        """Told of what the user is a transitive member of."""
        for row in rows:
            if text(row, "@odata.type").lower() not in _NO_GROUPS:
                group_id = required(row, "id").lower()
                self.inside[group_id] = self._name(row, group_id)

    def owns(self, rows: Iterable[Json]) -> None:
        """Told of what the user owns. An owner can add themselves to the group's members."""
        for row in rows:
            if text(row, "@odata.type").lower() not in _OTHER_OWNED:
                group_id = required(row, "id").lower()
                self._get_to(group_id, Route(PathKind.OWNER, (self._name(row, group_id),)))

    def may_activate(self, rows: Iterable[GroupRow]) -> None:
        """Told of the groups that the user is eligible for."""
        for row in rows:
            kind = PathKind.OWNER if row.owner else PathKind.GROUP_ELIGIBLE
            self._get_to(row.group_id, Route(kind, (row.group_name or row.group_id,)))

    def next_open(self) -> list[str]:
        """The groups to ask of which other groups they are eligible for."""
        return self._next({**self.inside, **self.within}, self._asked_open)

    def next_parents(self) -> list[str]:
        """The groups to ask of which groups they are members of. Those of the groups that the user
        is in are known: membership was told transitively.
        """
        return self._next(self.within, self._asked_parents)

    def opens(self, group_id: str, rows: Iterable[GroupRow]) -> None:
        """Told of the groups that a group is eligible for: each of its members can activate them."""
        route = self._route(group_id)
        for row in rows:
            self._get_to(row.group_id, route.on(row.group_name or row.group_id, owner=row.owner))

    def has_parents(self, group_id: str, rows: Iterable[Json]) -> None:
        """Told of the groups that a group is a member of."""
        for row in rows:
            if text(row, "@odata.type").lower() not in _NO_GROUPS:
                parent = required(row, "id").lower()
                self._get_to(parent, self.within[group_id].on(self._name(row, parent)))

    def may_have_roles(self) -> list[str]:
        """The groups, of those come to so far, that roles may be assigned to."""
        return [one for one in {**self.inside, **self.within} if one not in self.no_role]

    def _route(self, group_id: str) -> Route:
        """The shortest is enough to go on from; being in the group is shorter than getting into it."""
        if group_id in self.inside:
            return Route(PathKind.GROUP, (self.inside[group_id],))
        return self.within[group_id]

    def _get_to(self, group_id: str, route: Route) -> None:
        self.within.setdefault(group_id, route)

    def _name(self, row: Json, group_id: str) -> str:
        name = text(row, "displayName")
        # Without a name the app may not read the group, and then its properties are null for that reason.
        if name and row.get("isAssignableToRole") is not True:
            self.no_role.add(group_id)
        return name or group_id

    def _next(self, groups: Iterable[str], asked: set[str]) -> list[str]:
        found = [one for one in groups if one not in asked]
        asked.update(found)
        if len(asked) > MOST_GROUPS:
            raise RejectedError(f"There are more than {MOST_GROUPS} groups to follow")
        return found

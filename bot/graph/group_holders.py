"""Who is eligible for membership or ownership of a group and who has it: everybody, by every path.

A group leads to its own membership as it leads to a role (``holders.py``): through eligibility for it (PIM
for Groups), through groups that are eligible for it or nested in it, and through ownership, held or open
to activation, since an owner can add themselves. To ownership leads eligibility for ownership only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.domain.group_roles import SCOPE, Access, GroupRole
from bot.domain.model import Holders, PathKind, RolePath
from bot.graph.holders import Insiders, RoleHolders, ways_into
from bot.graph.instances import GROUP, USER, GroupRow, name_of
from bot.graph.reach import Route


class GroupHolders:
    """Everything is read or the reading fails, as for roles."""

    def __init__(self, holders: RoleHolders) -> None:
        self._holders = holders

    async def holders(self, role: GroupRole, group_name: str) -> Holders:
        """Raises ``DirectoryError``s."""
        insiders = await self._holders.insiders([role.group_id])
        here = insiders[role.group_id]
        if role.access is Access.OWNER:
            found = _to_ownership(here.candidates, insiders)
            return Holders(tuple(dict.fromkeys(found)), _own(here.owners))
        ways = ways_into(role.group_id, group_name, insiders).found
        eligible = (_path(user, route) for user, route in sorted(ways.items()))
        return Holders(tuple(eligible), _own(here.users))


def _own(users: Iterable[str]) -> tuple[RolePath, ...]:
    return tuple(RolePath(user, PathKind.DIRECT, SCOPE) for user in sorted(users))


def _path(user: str, route: Route) -> RolePath:
    """Activating the membership itself is no way through a group."""
    if route.kind is PathKind.GROUP_ELIGIBLE:
        return RolePath(user, PathKind.DIRECT, SCOPE)
    return RolePath(user, route.kind, SCOPE, route.via)


def _to_ownership(candidates: Iterable[GroupRow], insiders: dict[str, Insiders]) -> Iterator[RolePath]:
    for row in candidates:
        if not row.owner:
            continue
        if row.kind == USER:
            yield RolePath(row.principal_id, PathKind.DIRECT, SCOPE)
        elif row.kind == GROUP:
            name = name_of(row)
            for user in sorted(insiders[row.principal_id].users):
                yield RolePath(user, PathKind.GROUP, SCOPE, (name,))
            for user, route in sorted(ways_into(row.principal_id, name, insiders).found.items()):
                yield RolePath(user, route.kind, SCOPE, route.via)

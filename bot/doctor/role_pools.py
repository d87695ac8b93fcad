"""What several checks want to know of PIM: each role that needs approval, and who could decide on it.

Of directory roles, and of membership and ownership of the groups that are looked after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from bot.doctor.probing import Answer, ProbeError
from bot.doctor.tools import NOBODY, Tools
from bot.domain import group_roles, separation
from bot.domain.errors import DirectoryError, NotFoundError, RejectedError, UnavailableError
from bot.domain.group_roles import Access, GroupRole
from bot.domain.model import ApprovalPolicy, Holders, Identity, Pool, Role
from bot.graph.concurrently import concurrently
from bot.graph.parsing import Json, child, rows
from bot.graph.policies import terms_of
from bot.house_rules import house_rules
from bot.settings import Settings

_AT_ONCE: Final = 4
_POLICIES: Final = "v1.0/policies/roleManagementPolicyAssignments?$filter={}&$expand=policy($expand=rules)"
_MOST_PAGES: Final = 200

_A = TypeVar("_A")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RolePool:
    """A role that needs approval, and who could decide if a stranger asked for it."""

    role: Role
    policy: ApprovalPolicy
    holders: Holders
    pool: Pool
    quorum: int = 1

    @property
    def group(self) -> GroupRole | None:
        """None for a directory role."""
        return group_roles.parse(self.role.definition_id)

    @property
    def name(self) -> str:
        """A group's with what is to be had of it."""
        access = f" ({self.group.access.value})" if self.group else ""
        return f"{self.role.display_name}{access}"


class UnknownGroupError(NotFoundError):
    """PIM has no settings for this group"""


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be read: ``what`` goes into a sentence."""

    what: str
    failure: DirectoryError

    @property
    def busy(self) -> bool:
        return isinstance(self.failure, UnavailableError)


@dataclass(frozen=True, slots=True)
class RolePools:
    """Sorted by the roles' names."""

    read: tuple[RolePool, ...]
    unread: tuple[Unread, ...]


async def read_pools(tools: Tools) -> RolePools:
    """Of every role whose policy requires approval, read once for all checks."""
    task = tools.shared.get("pools")
    if task is None:
        task = tools.shared["pools"] = asyncio.create_task(_Reading(tools).pools())
    # Whoever runs out of time must not end it for the others.
    found: RolePools = await asyncio.shield(task)
    return found


class _Reading:
    """One that fails hides no other."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._unread: list[Unread] = []

    async def pools(self) -> RolePools:
        managed = self._tools.graph.managed_groups
        places = [None, *await managed.ids()]
        if managed.failure is not None:
            self._unread.append(Unread("the list of the groups that PIM manages", managed.failure))
        keys = [key for found in await self._each(self._keys, places, self._place) for key in found]
        pools = await self._each(self._pool, keys, self._name)
        return RolePools(tuple(sorted(pools, key=lambda pool: pool.name)), tuple(self._unread))

    async def _each(
        self,
        read: Callable[[_A], Awaitable[_T]],
        of: Iterable[_A],
        name: Callable[[_A], Awaitable[str]],
    ) -> list[_T]:
        """What could be read; the rest is noted, by its ``name``."""

        async def one(asked: _A) -> list[_T]:
            async with self._slots:
                try:
                    return [await read(asked)]
                except DirectoryError as failed:
                    self._unread.append(Unread(await name(asked), failed))
                    return []

        return [found for some in await concurrently(map(one, of)) for found in some]

    async def _keys(self, group_id: str | None) -> list[str]:
        """Of the roles that need approval: of one group, or else of the directory."""
        if group_id is None:
            return needing_approval(await self._assigned("scopeId eq '/' and scopeType eq 'DirectoryRole'"))
        assigned = await self._assigned(f"scopeId eq '{group_id}' and scopeType eq 'Group'")
        if not assigned:
            raise UnknownGroupError
        found = needing_approval(assigned)
        return [GroupRole(group_id, access).key for access in Access if access.value in found]

    async def _place(self, group_id: str | None) -> str:
        return await self._name(GroupRole(group_id, Access.MEMBER).key) if group_id else "directory roles"

    async def _assigned(self, where: str) -> list[Json]:
        path = _POLICIES.format(where)
        found: list[Json] = []
        for _ in range(_MOST_PAGES):
            try:
                page = await self._tools.ask_graph(path)
            except ProbeError as failed:
                raise UnavailableError(str(failed)) from failed
            found += rows_of(page)
            more = _next(page, self._tools.settings.endpoints.graph_url)
            if more is None:
                return found
            path = more
        raise RejectedError(f"Graph's list has more than {_MOST_PAGES} pages")

    async def _pool(self, key: str) -> RolePool:
        directory, settings = self._tools.graph.directory, self._tools.settings
        role, policy = await directory.role(key), await directory.approval_policy(key)
        holders = await directory.holders(key)
        pool = forecast(policy, holders, settings)
        return RolePool(role, policy, holders, pool, settings.quorum_of(role))

    async def _name(self, key: str) -> str:
        try:
            return (await self._tools.graph.directory.role(key)).display_name
        except DirectoryError:
            return key


def forecast(policy: ApprovalPolicy, holders: Holders, settings: Settings) -> Pool:
    """For a requester who is nobody: every real one can only have fewer approvers."""
    return separation.forecast(
        Identity(settings.tenant_id, NOBODY), "/", policy, holders, house_rules(settings)
    )


def rows_of(answer: Answer) -> list[Json]:
    """What a listing holds. Raises ``DirectoryError``; ``UnavailableError`` when asking again may help."""
    if answer.busy:
        raise UnavailableError(answer.error, status=answer.status)
    found = answer.json.get("value")
    if not answer.good or not isinstance(found, list):
        raise DirectoryError(answer.error or f"Graph answered {answer.status}", status=answer.status)
    return [row for row in found if isinstance(row, dict)]


def _next(answer: Answer, graph_url: str) -> str | None:
    """The next page's path. Raises ``RejectedError`` for a link to anywhere else, which is not followed."""
    link = answer.json.get("@odata.nextLink")
    if link is None:
        return None
    if not isinstance(link, str) or not link.startswith(f"{graph_url}/"):
        raise RejectedError("Graph's next page is on another host")
    return link.removeprefix(f"{graph_url}/")


def needing_approval(assignments: Collection[Json]) -> list[str]:
    """Role definition ids (of a group's policies: ``member``, ``owner``) whose policies do not say that
    activating takes no approval: one that can't be read has to be told of, and not to be passed over.
    """
    return [
        str(one["roleDefinitionId"]).lower()
        for one in assignments
        if one.get("roleDefinitionId") and _requires_approval(one)
    ]


def _requires_approval(assignment: Json) -> bool:
    try:
        return terms_of(rows(child(assignment, "policy"), "rules")).approval_required
    except RejectedError:
        return True

"""Directory roles and PIM for Groups as one: ``ports.Directory``. Each role's key says whose it is."""

from __future__ import annotations

import asyncio

from bot.domain import group_roles
from bot.domain.errors import DirectoryError, IncompleteListingError
from bot.domain.model import ApprovalPolicy, Holders, Person, PimRequest, Role, Standing
from bot.graph.directory import GraphDirectory
from bot.graph.group_directory import GroupDirectory


class WholeDirectory:
    """See the module's docstring."""

    def __init__(self, roles: GraphDirectory, groups: GroupDirectory) -> None:
        self._roles = roles
        self._groups = groups

    async def pending_requests(self) -> tuple[PimRequest, ...]:
        """Those for directory roles, and those of the groups whose turn it is. What fails hides nothing
        else: raises ``IncompleteListingError`` with what could be listed.
        """
        roles, groups = await asyncio.gather(self._of_roles(), self._groups.pending())
        failed = roles if isinstance(roles, DirectoryError) else None
        listed = roles if not isinstance(roles, DirectoryError) else ()
        if failed is not None and not groups.found:
            raise failed
        if failed is None and groups.whole:
            return (*listed, *groups.found)
        why = "; ".join(str(error) for error in (failed, groups.failure) if error is not None)
        raise IncompleteListingError(
            why or None, found=(*listed, *groups.found), groups=groups.unread, directory_roles=failed
        )

    async def _of_roles(self) -> tuple[PimRequest, ...] | DirectoryError:
        try:
            return await self._roles.pending_requests()
        except DirectoryError as error:
            return error

    async def request(self, request_id: str, role_definition_id: str) -> PimRequest | None:
        """See ``ports.Directory.request``."""
        return await self._of(role_definition_id).request(request_id, role_definition_id)

    async def role(self, role_definition_id: str) -> Role:
        """See ``ports.Directory.role``."""
        return await self._of(role_definition_id).role(role_definition_id)

    async def person(self, object_id: str) -> Person:
        """See ``ports.Directory.person``."""
        return await self._roles.person(object_id)

    async def approval_policy(self, role_definition_id: str) -> ApprovalPolicy:
        """See ``ports.Directory.approval_policy``."""
        return await self._of(role_definition_id).approval_policy(role_definition_id)

    async def standing(self, role_definition_id: str, object_id: str) -> Standing:
        """See ``ports.Directory.standing``."""
        return await self._of(role_definition_id).standing(role_definition_id, object_id)

    async def holders(self, role_definition_id: str) -> Holders:
        """See ``ports.Directory.holders``."""
        return await self._of(role_definition_id).holders(role_definition_id)

    def _of(self, role_definition_id: str) -> GraphDirectory | GroupDirectory:
        return self._roles if group_roles.parse(role_definition_id) is None else self._groups

"""Tenants to choose from: ``story`` has the faults that the demo tells of, ``healthy`` has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from bot.sandbox.world import World

LEAST_APP_ROLES: Final = frozenset(
    {
        "GroupMember.Read.All",
        "Mail.ReadBasic",
        "PrivilegedAccess.Read.AzureADGroup",
        "PrivilegedAssignmentSchedule.Read.AzureADGroup",
        "PrivilegedEligibilitySchedule.Read.AzureADGroup",
        "RoleAssignmentSchedule.Remove.Directory",
        "RoleManagement.Read.Directory",
        "RoleManagementPolicy.Read.AzureADGroup",
        "RoleManagementPolicy.Read.Directory",
        "User.Read.All",
    }
)
"""What the bot asks for, and no more."""


def _story(_: World) -> None:
    """As seeded: Conditional Access Administrator has nobody who may decide, two roles name no approver, and
    the bot has more permissions than it needs.
    """


def _healthy(world: World) -> None:
    """Two or more who can decide for every role, named, and least privilege."""
    approvers = [world.user(key).object_id for key in ("alex", "dana", "emery")]
    for key in (
        "global_administrator",
        "privileged_role_administrator",
        "conditional_access_administrator",
    ):
        world.tenant.policies[world.tenant.role(key).id].approver_users = approvers
    world.app_roles = set(LEAST_APP_ROLES)


PROFILES: Final[Mapping[str, Callable[[World], None]]] = MappingProxyType(
    {"story": _story, "healthy": _healthy}
)

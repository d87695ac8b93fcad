"""Permissions as code: every call that the adapters make to Graph, and what each of them needs.

A call that is not in ``CALLS`` is not sent: ``bot/graph/guard.py`` raises ``UndeclaredCallError``,
which says which row is missing. ``secondkey docs`` writes from here README, ``docs/permissions.md`` and
the lists of ``infra/modules/permissions.bicep``, which the app registration asks for. The consent link
names none: it is for what the registration asks for (``.default``). The Teams manifest has none either.

Its rows stand in ``permissions_of_approvals`` and ``permissions_of_activations``. To add one, write the
permission that should be asked for as the first alternative, and name whatever else Graph accepts after
it; a page or fact that says so goes into ``source``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Final

from bot.graph.graph_call import Feature, GraphCall, Kind
from bot.graph.permissions_of_activations import OF_ACTIVATIONS
from bot.graph.permissions_of_approvals import OF_APPROVALS

GRAPH_APP_ID: Final = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph's application id, the same in every tenant and cloud."""

CALLS: Final = (*OF_APPROVALS, *OF_ACTIVATIONS)

_NOBODY: Final = "nobody may decide here, and the cards say so"
WITHOUT: Final = MappingProxyType(
    {
        Kind.APPLICATION: {
            "RoleAssignmentSchedule.Remove.Directory": "no request is found: there are no cards",
            "RoleManagement.Read.Directory": f"separation of duties can't be judged: {_NOBODY}",
            "RoleManagementPolicy.Read.Directory": f"who may approve is not known: {_NOBODY}",
            "User.Read.All": "approvers named one by one can't be read: for those roles, " + _NOBODY,
            "GroupMember.Read.All": "groups can't be expanded: for roles that a group approves, is eligible"
            f" for or holds, {_NOBODY}",
            "PrivilegedEligibilitySchedule.Read.AzureADGroup": "paths through PIM for Groups can't be seen: "
            + _NOBODY,
            "PrivilegedAssignmentSchedule.Read.AzureADGroup": "requests for groups are not found: no cards;"
            " and nobody is told when a membership or ownership is usable, or over",
            "PrivilegedAccess.Read.AzureADGroup": "groups get cards only if SECONDKEY_PIM_GROUPS names them",
            "RoleManagementPolicy.Read.AzureADGroup": "who may approve for a group is not known: " + _NOBODY,
            "Directory.Read.All": f"where Graph leaves a principal unexpanded, {_NOBODY}",
            "Mail.ReadBasic": "the mailbox can't be subscribed to; polling still finds the requests",
        },
        Kind.DELEGATED: {
            "RoleAssignmentSchedule.ReadWrite.Directory": "nobody can decide or ask; they are told so",
            "RoleEligibilitySchedule.Read.Directory": "nobody can ask for a role by typing",
            "PrivilegedEligibilitySchedule.Read.AzureADGroup": "nobody can ask for a group by typing",
            "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup": "nothing of PIM for Groups is decided,"
            " asked for, given back or withdrawn",
            "PrivilegedAccess.ReadWrite.AzureAD": "no approval can be read; the approver is told so",
        },
    }
)
"""What breaks without each permission that is asked for."""


def asked(kind: Kind, features: Iterable[Feature] | None = None) -> tuple[str, ...]:
    """The permissions to ask for, sorted: those of ``features``, by default the ones always asked for."""
    chosen = frozenset(features) if features is not None else frozenset(f for f in Feature if f.asked)
    calls = [call for call in CALLS if call.kind is kind and call.feature in chosen]
    return tuple(sorted({permission for call in calls for permission in call.asks}))


def calls_of(permission: str, kind: Kind) -> Iterator[GraphCall]:
    """The calls for which a permission is asked."""
    return (call for call in CALLS if call.kind is kind and permission in call.asks)

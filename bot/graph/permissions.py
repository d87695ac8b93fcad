"""Permissions as code: every call that the adapters make to Graph, and what each of them needs.

A call that is not in ``CALLS`` is not sent: ``bot/graph/guard.py`` raises ``UndeclaredCallError``,
which says which row is missing. README, ``docs/permissions.md``, the consent link and what the
infrastructure asks for are generated from here.

To add a row, write the permission that should be asked for as the first alternative, and name
whatever else Graph accepts after it; a page or fact that says so goes into ``source``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Final

from bot.graph.graph_call import Feature, GraphCall, Kind

GRAPH_APP_ID: Final = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph's application id, the same in every tenant and cloud."""

_DIRECTORY: Final = "roleManagement/directory"
_LIST_REQUESTS: Final = (
    ("RoleAssignmentSchedule.Remove.Directory",),
    ("RoleAssignmentSchedule.ReadWrite.Directory",),
    ("RoleManagement.ReadWrite.Directory",),
)
"""Of the three, ``Remove`` is the only one with which the app could not give itself a role."""
_READ_APPROVAL: Final = (
    ("PrivilegedAccess.ReadWrite.AzureAD",),
    ("PrivilegedAccess.Read.AzureAD",),
)
_DECIDE: Final = (("RoleAssignmentSchedule.ReadWrite.Directory", "PrivilegedAccess.ReadWrite.AzureAD"),)
_MINE: Final = "filterByCurrentUser(on='principal')"
_OWN_IN_GROUPS: Final = (("PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",),)
_OWN: Final = (("RoleAssignmentSchedule.ReadWrite.Directory",), ("RoleManagement.ReadWrite.Directory",))
_GROUPS: Final = "identityGovernance/privilegedAccess/group"
_GROUP_APPROVALS: Final = f"{_GROUPS}/assignmentApprovals"
_READ_GROUP_REQUESTS: Final = (
    ("PrivilegedAssignmentSchedule.Read.AzureADGroup",),
    ("PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",),
)
_SUBSCRIBE: Final = (("Mail.ReadBasic",), ("Mail.ReadBasic.All",), ("Mail.Read",))

CALLS: Final = (
    GraphCall(
        "GET",
        "v1.0",
        f"{_DIRECTORY}/roleAssignmentScheduleRequests",
        Kind.APPLICATION,
        _LIST_REQUESTS,
        Feature.CORE,
        "finding pending requests",
        "entra-facts §3, app-only listing",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_DIRECTORY}/roleAssignmentScheduleRequests/{{request}}",
        Kind.APPLICATION,
        _LIST_REQUESTS,
        Feature.CORE,
        "seeing what became of a request",
        "entra-facts §3, app-only listing",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_DIRECTORY}/roleEligibilityScheduleInstances",
        Kind.APPLICATION,
        (("RoleManagement.Read.Directory",), ("RoleEligibilitySchedule.Read.Directory",)),
        Feature.CORE,
        "who is eligible for a role, and so may not decide on it",
        "entra-facts §6; Graph docs, List roleEligibilityScheduleInstances",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_DIRECTORY}/roleAssignmentScheduleInstances",
        Kind.APPLICATION,
        (("RoleManagement.Read.Directory",), ("RoleAssignmentSchedule.Read.Directory",)),
        Feature.CORE,
        "who holds a role now",
        "entra-facts §6; Graph docs, List roleAssignmentScheduleInstances",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_DIRECTORY}/roleDefinitions/{{role}}",
        Kind.APPLICATION,
        (("RoleManagement.Read.Directory",), ("Directory.Read.All",)),
        Feature.CORE,
        "names of roles, and how dangerous they are",
        "Graph docs, Get unifiedRoleDefinition",
    ),
    GraphCall(
        "GET",
        "v1.0",
        "policies/roleManagementPolicyAssignments",
        Kind.APPLICATION,
        (("RoleManagementPolicy.Read.Directory",), ("RoleManagement.Read.Directory",)),
        Feature.CORE,
        "who may approve a role's activation, and by which rules",
        "entra-facts §5",
    ),
    GraphCall(
        "GET",
        "v1.0",
        "users/{user}",
        Kind.APPLICATION,
        (("User.Read.All",), ("User.ReadBasic.All",), ("Directory.Read.All",)),
        Feature.CORE,
        "names of approvers and requesters",
        "Graph docs, Get user",
    ),
    GraphCall(
        "GET",
        "v1.0",
        "groups/{group}/transitiveMembers",
        Kind.APPLICATION,
        (("GroupMember.Read.All",), ("Group.Read.All",), ("Directory.Read.All",)),
        Feature.CORE,
        "members of groups that approve, are eligible or hold a role",
        "entra-facts §6; Graph docs, List group transitive members",
    ),
    GraphCall(
        "GET",
        "v1.0",
        "groups/{group}/owners",
        Kind.APPLICATION,
        (("GroupMember.Read.All",), ("Group.Read.All",), ("Directory.Read.All",)),
        Feature.CORE,
        "who could add themselves to a group that leads to a role",
        "Graph docs, List group owners",
    ),
    GraphCall(
        "GET",
        "v1.0",
        "groups/{group}/memberOf",
        Kind.APPLICATION,
        (("GroupMember.Read.All",), ("Group.Read.All",), ("Directory.Read.All",)),
        Feature.CORE,
        "where one gets from a group that one could get into",
        "Graph docs, List group memberOf",
    ),
    GraphCall(
        "GET",
        "v1.0",
        "users/{user}/transitiveMemberOf",
        Kind.APPLICATION,
        (("User.Read.All",), ("Directory.Read.All",)),
        Feature.CORE,
        "the groups that the clicking approver is in",
        "Graph docs, List a user's memberships; GroupMember.Read.All shows the groups' properties",
    ),
    GraphCall(
        "GET",
        "v1.0",
        "users/{user}/ownedObjects",
        Kind.APPLICATION,
        (("User.Read.All",), ("Directory.Read.All",)),
        Feature.CORE,
        "the groups that the clicking approver owns",
        "Graph docs, List ownedObjects of 2021 (newer pages say not supported for applications: try it)",
    ),
    GraphCall(
        "GET",
        "v1.0",
        "identityGovernance/privilegedAccess/group/eligibilityScheduleInstances",
        Kind.APPLICATION,
        (
            ("PrivilegedEligibilitySchedule.Read.AzureADGroup",),
            ("PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",),
        ),
        Feature.CORE,
        "who can activate membership in a group that leads to a role",
        "entra-facts §6; Graph docs, List eligibilityScheduleInstances",
    ),
    GraphCall(
        "GET",
        "v1.0",
        "directoryObjects/{object}",
        Kind.APPLICATION,
        (("Directory.Read.All",),),
        Feature.FALLBACK,
        "what kind of principal is eligible, when Graph does not expand it",
        "Graph docs, Get directoryObject",
    ),
    GraphCall(
        "POST",
        "v1.0",
        "subscriptions",
        Kind.APPLICATION,
        _SUBSCRIBE,
        Feature.SUBSCRIPTIONS,
        "mail as a hint (another resource needs the permission to read that one)",
        "entra-facts §8; Graph docs, Change notifications for Outlook resources",
    ),
    GraphCall(
        "PATCH",
        "v1.0",
        "subscriptions/{subscription}",
        Kind.APPLICATION,
        _SUBSCRIBE,
        Feature.SUBSCRIPTIONS,
        "keeping the subscription alive",
        "entra-facts §8",
    ),
    GraphCall(
        "DELETE",
        "v1.0",
        "subscriptions/{subscription}",
        Kind.APPLICATION,
        _SUBSCRIBE,
        Feature.SUBSCRIPTIONS,
        "ending it",
        "entra-facts §8",
    ),
    GraphCall(
        "GET",
        "beta",
        f"{_DIRECTORY}/roleAssignmentApprovals/{{approval}}",
        Kind.DELEGATED,
        _READ_APPROVAL,
        Feature.CORE,
        "the step that is open for the approver",
        "entra-facts §3, what Graph demanded at run time",
    ),
    GraphCall(
        "PATCH",
        "beta",
        f"{_DIRECTORY}/roleAssignmentApprovals/{{approval}}/steps/{{step}}",
        Kind.DELEGATED,
        _DECIDE,
        Feature.CORE,
        "approving or denying, as the approver",
        "entra-facts §3: the documented permission and the one demanded at run time",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_GROUPS}/assignmentScheduleRequests",
        Kind.APPLICATION,
        _READ_GROUP_REQUESTS,
        Feature.GROUPS,
        "finding pending requests, group by group",
        "Graph docs, List assignmentScheduleRequests",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_GROUPS}/assignmentScheduleRequests/{{request}}",
        Kind.APPLICATION,
        _READ_GROUP_REQUESTS,
        Feature.GROUPS,
        "seeing what became of a request",
        "Graph docs, Get privilegedAccessGroupAssignmentScheduleRequest",
    ),
    GraphCall(
        "GET",
        "beta",
        f"{_GROUPS}/resources",
        Kind.APPLICATION,
        (("PrivilegedAccess.Read.AzureADGroup",), ("PrivilegedAccess.ReadWrite.AzureADGroup",)),
        Feature.GROUPS,
        "which groups PIM manages (not with SECONDKEY_PIM_GROUPS naming them)",
        "Graph docs (beta), List groupResource objects",
    ),
    GraphCall(
        "GET",
        "v1.0",
        "groups/{group}",
        Kind.APPLICATION,
        (("GroupMember.Read.All",), ("Group.Read.All",), ("Directory.Read.All",)),
        Feature.GROUPS,
        "names of groups, and whether roles can be assigned to them",
        "Graph docs, Get group",
    ),
    GraphCall(
        "GET",
        "v1.0",
        "policies/roleManagementPolicyAssignments",
        Kind.APPLICATION,
        (("RoleManagementPolicy.Read.AzureADGroup",), ("RoleManagementPolicy.ReadWrite.AzureADGroup",)),
        Feature.GROUPS,
        "who may approve membership or ownership of a group",
        "entra-facts §5",
        only="scopeType eq 'Group'",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_GROUP_APPROVALS}/{{approval}}",
        Kind.DELEGATED,
        (
            ("PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",),
            ("PrivilegedAssignmentSchedule.Read.AzureADGroup",),
        ),
        Feature.GROUPS,
        "the stage that is open for the approver",
        "entra-facts §3, PIM for Groups",
    ),
    GraphCall(
        "PATCH",
        "v1.0",
        f"{_GROUP_APPROVALS}/{{approval}}/stages/{{stage}}",
        Kind.DELEGATED,
        (("PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",),),
        Feature.GROUPS,
        "approving or denying, as the approver",
        "entra-facts §3, PIM for Groups",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_DIRECTORY}/roleEligibilityScheduleInstances/{_MINE}",
        Kind.DELEGATED,
        (("RoleEligibilitySchedule.Read.Directory",), ("RoleManagement.Read.Directory",)),
        Feature.ACTIVATION,
        "one's own eligible roles",
        "Graph docs, unifiedRoleEligibilityScheduleInstance: filterByCurrentUser",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_DIRECTORY}/roleAssignmentScheduleInstances/{_MINE}",
        Kind.DELEGATED,
        (*_OWN, ("RoleAssignmentSchedule.Read.Directory",)),
        Feature.ACTIVATION,
        "one's own active roles",
        "Graph docs, unifiedRoleAssignmentScheduleInstance: filterByCurrentUser",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_DIRECTORY}/roleAssignmentScheduleRequests/{_MINE}",
        Kind.DELEGATED,
        (*_OWN, ("RoleAssignmentSchedule.Read.Directory",)),
        Feature.ACTIVATION,
        "one's own requests",
        "Graph docs, unifiedRoleAssignmentScheduleRequest: filterByCurrentUser",
    ),
    GraphCall(
        "POST",
        "v1.0",
        f"{_DIRECTORY}/roleAssignmentScheduleRequests",
        Kind.DELEGATED,
        _OWN,
        Feature.ACTIVATION,
        "activating and giving back one's own role",
        "entra-facts §2",
    ),
    GraphCall(
        "POST",
        "v1.0",
        f"{_DIRECTORY}/roleAssignmentScheduleRequests/{{request}}/cancel",
        Kind.DELEGATED,
        _OWN,
        Feature.ACTIVATION,
        "taking one's own request back",
        "entra-facts §2",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_GROUPS}/eligibilityScheduleInstances/{_MINE}",
        Kind.DELEGATED,
        (
            ("PrivilegedEligibilitySchedule.Read.AzureADGroup",),
            ("PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",),
        ),
        Feature.ACTIVATION,
        "the groups one is eligible for",
        "Graph docs, privilegedAccessGroupEligibilityScheduleInstance: filterByCurrentUser",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_GROUPS}/assignmentScheduleInstances/{_MINE}",
        Kind.DELEGATED,
        _OWN_IN_GROUPS,
        Feature.ACTIVATION,
        "the groups one is in by activation",
        "Graph docs, privilegedAccessGroupAssignmentScheduleInstance: filterByCurrentUser",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_GROUPS}/assignmentScheduleRequests/{_MINE}",
        Kind.DELEGATED,
        _OWN_IN_GROUPS,
        Feature.ACTIVATION,
        "one's own requests for groups",
        "Graph docs, privilegedAccessGroupAssignmentScheduleRequest: filterByCurrentUser",
    ),
    GraphCall(
        "POST",
        "v1.0",
        f"{_GROUPS}/assignmentScheduleRequests",
        Kind.DELEGATED,
        _OWN_IN_GROUPS,
        Feature.ACTIVATION,
        "activating and giving back one's own membership or ownership",
        "Graph docs, Create assignmentScheduleRequest",
    ),
    GraphCall(
        "POST",
        "v1.0",
        f"{_GROUPS}/assignmentScheduleRequests/{{request}}/cancel",
        Kind.DELEGATED,
        _OWN_IN_GROUPS,
        Feature.ACTIVATION,
        "taking one's own request for a group back",
        "Graph docs, privilegedAccessGroupAssignmentScheduleRequest: cancel",
    ),
    GraphCall(
        "GET",
        "v1.0",
        f"{_GROUPS}/assignmentScheduleInstances",
        Kind.APPLICATION,
        (
            ("PrivilegedAssignmentSchedule.Read.AzureADGroup",),
            ("PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",),
        ),
        Feature.GROUPS,
        "when an activated membership is really there, and when it is over",
        "Graph docs, List assignmentScheduleInstances",
    ),
)

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

"""Rows of ``permissions.CALLS``: what one's own roles take, and seeing when they work."""

from __future__ import annotations

from typing import Final

from bot.graph.graph_call import Feature, GraphCall, Kind

_DIRECTORY: Final = "roleManagement/directory"
_MINE: Final = "filterByCurrentUser(on='principal')"
_OWN_IN_GROUPS: Final = (("PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",),)
_OWN: Final = (("RoleAssignmentSchedule.ReadWrite.Directory",), ("RoleManagement.ReadWrite.Directory",))
_GROUPS: Final = "identityGovernance/privilegedAccess/group"

OF_ACTIVATIONS: Final = (
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
        "docs/entra-facts.md §2",
    ),
    GraphCall(
        "POST",
        "v1.0",
        f"{_DIRECTORY}/roleAssignmentScheduleRequests/{{request}}/cancel",
        Kind.DELEGATED,
        _OWN,
        Feature.ACTIVATION,
        "taking one's own request back",
        "docs/entra-facts.md §2",
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

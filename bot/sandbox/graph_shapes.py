"""The sandbox's values as the JSON that Graph shows."""

from __future__ import annotations

from collections.abc import Collection

from bot.sandbox.durations import graph_time
from bot.sandbox.graph_http import ON_REQUEST, Json
from bot.sandbox.tenant import Assignment, Eligibility, Group, GroupEligibility, PimRequest, Role
from bot.sandbox.world import User, World


def user_json(user: User) -> Json:
    given, _, surname = user.display_name.partition(" ")
    return {
        "id": user.object_id,
        "displayName": user.display_name,
        "givenName": given,
        "surname": surname or None,
        "jobTitle": user.job_title or None,
        "mail": None if user.guest else user.upn,
        "userPrincipalName": user.upn,
        "businessPhones": [],
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "accountEnabled": True,
        "department": user.department or None,
        "userType": "Guest" if user.guest else "Member",
    }


def group_json(group: Group) -> Json:
    return {
        "id": group.id,
        "displayName": group.display_name,
        "description": None,
        "groupTypes": [],
        "isAssignableToRole": group.role_assignable or None,
        "mailEnabled": False,
        "mailNickname": group.display_name.replace(" ", "").lower(),
        "securityEnabled": True,
        "visibility": "Private" if group.role_assignable else None,
    }


def object_json(world: World, object_id: str) -> Json | None:
    """A user or group, told apart by ``@odata.type``."""
    user = world.users.get(object_id.lower())
    if user is not None:
        return {"@odata.type": "#microsoft.graph.user", **user_json(user)}
    group = world.tenant.groups.get(object_id.lower())
    if group is not None:
        return {"@odata.type": "#microsoft.graph.group", **group_json(group)}
    return None


def role_json(role: Role, *, beta: bool = False) -> Json:
    shown: Json = {
        "id": role.id,
        "description": role.description,
        "displayName": role.display_name,
        "isBuiltIn": True,
        "isEnabled": True,
        "resourceScopes": ["/"],
        "templateId": role.id,
        "version": "1",
        "rolePermissions": [{"allowedResourceActions": [], "condition": None}],
    }
    return shown | {"isPrivileged": role.privileged} if beta else shown


def request_json(world: World, request: PimRequest, expand: Collection[str] = ()) -> Json:
    shown: Json = {
        "id": request.id,
        "status": request.status,
        "createdDateTime": graph_time(request.created_at),
        "completedDateTime": graph_time(request.completed_at),
        "approvalId": request.id if request.approval else None,
        "customData": None,
        "action": request.action,
        "principalId": request.principal_id,
        "roleDefinitionId": request.role_id,
        "directoryScopeId": request.scope,
        "appScopeId": None,
        "isValidationOnly": request.validation_only,
        "targetScheduleId": request.id,
        "justification": request.justification,
        "createdBy": {
            "application": None,
            "device": None,
            # Null also for users that exist: who shows a name has to look it up.
            "user": {"displayName": None, "id": request.principal_id},
        },
        "scheduleInfo": {
            "startDateTime": graph_time(request.start),
            "recurrence": None,
            "expiration": {"type": "afterDuration", "endDateTime": None, "duration": request.duration_text},
        },
        "ticketInfo": {"ticketNumber": request.ticket_number, "ticketSystem": request.ticket_system},
    }
    return shown | _expanded(world, expand, request.principal_id, request.role_id)


def _expanded(world: World, expand: Collection[str], principal_id: str, role_id: str) -> Json:
    shown: Json = {}
    if "principal" in expand:
        principal = object_json(world, principal_id) or {}
        shown["principal"] = {name: principal[name] for name in principal if name not in ON_REQUEST} or None
    if "roleDefinition" in expand:
        shown["roleDefinition"] = role_json(world.tenant.roles[role_id])
    return shown


def eligibility_json(world: World, entry: Eligibility, expand: Collection[str] = ()) -> Json:
    shown: Json = {
        "id": entry.id,
        "principalId": entry.principal_id,
        "roleDefinitionId": entry.role_id,
        "directoryScopeId": entry.scope,
        "appScopeId": None,
        "startDateTime": graph_time(entry.start),
        "endDateTime": graph_time(entry.end),
        "memberType": "Direct",
        "roleEligibilityScheduleId": entry.id,
    }
    return shown | _expanded(world, expand, entry.principal_id, entry.role_id)


def assignment_json(world: World, entry: Assignment, expand: Collection[str] = ()) -> Json:
    shown: Json = {
        "id": entry.id,
        "principalId": entry.principal_id,
        "roleDefinitionId": entry.role_id,
        "directoryScopeId": entry.scope,
        "appScopeId": None,
        "startDateTime": graph_time(entry.start),
        "endDateTime": graph_time(entry.end),
        "assignmentType": "Activated" if entry.activated else "Assigned",
        "memberType": "Direct",
        "roleAssignmentOriginId": entry.id,
        "roleAssignmentScheduleId": entry.request_id or entry.id,
    }
    return shown | _expanded(world, expand, entry.principal_id, entry.role_id)


def group_eligibility_json(world: World, entry: GroupEligibility, expand: Collection[str] = ()) -> Json:
    shown: Json = {
        "id": entry.id,
        "startDateTime": graph_time(entry.start),
        "endDateTime": graph_time(entry.end),
        "principalId": entry.principal_id,
        "accessId": entry.access_id,
        "groupId": entry.group_id,
        "memberType": "direct",
        "eligibilityScheduleId": entry.id,
    }
    return shown | in_group(world, expand, entry.principal_id, entry.group_id)


def in_group(world: World, expand: Collection[str], principal_id: str, group_id: str) -> Json:
    """The ``principal`` and ``group`` that PIM for Groups expands."""
    shown: Json = {}
    for name, object_id in (("principal", principal_id), ("group", group_id)):
        if name in expand:
            found = object_json(world, object_id) or {}
            shown[name] = {key: value for key, value in found.items() if key not in ON_REQUEST} or None
    return shown


def approval_json(world: World, request: PimRequest, caller_id: str, *, steps: bool) -> Json:
    """An approval carries nothing but its id and its steps."""
    return {"id": request.id} | ({"steps": [step_json(world, request, caller_id)]} if steps else {})


def step_json(world: World, request: PimRequest, caller_id: str) -> Json:
    approval = request.approval
    if approval is None:
        raise KeyError(request.id)
    mine = request.principal_id != caller_id and world.tenant.may_approve(caller_id, approval)
    reviewer = world.users.get(approval.reviewed_by or "")
    return {
        "id": request.id,
        "displayName": None,
        "reviewedDateTime": graph_time(approval.reviewed_at),
        "reviewResult": approval.result,
        "status": approval.status,
        "assignedToMe": mine,
        "justification": approval.justification,
        "reviewedBy": None
        if reviewer is None
        else {
            "id": reviewer.object_id,
            "displayName": reviewer.display_name,
            "userPrincipalName": reviewer.upn,
            "mail": reviewer.upn,
        },
    }

"""Role settings as Graph shows them: one policy with seventeen rules per role."""

from __future__ import annotations

from bot.sandbox.graph_http import Json
from bot.sandbox.tenant import RolePolicy
from bot.sandbox.world import World

_TYPE = "#microsoft.graph.unifiedRoleManagementPolicy"
_LEVELS = (("Admin", "Eligibility"), ("Admin", "Assignment"), ("EndUser", "Assignment"))


def assignment_json(
    world: World,
    policy: RolePolicy,
    *,
    with_policy: bool,
    with_rules: bool,
    scope: tuple[str, str] = ("/", "DirectoryRole"),
) -> Json:
    """``scope``: its id and its type."""
    scope_id, scope_type = scope
    shown: Json = {
        "id": f"{policy.id}_{policy.role_id}",
        "policyId": policy.id,
        "scopeId": scope_id,
        "scopeType": scope_type,
        "roleDefinitionId": policy.role_id,
    }
    if with_policy:
        shown["policy"] = {
            "id": policy.id,
            "displayName": scope_type,
            "description": scope_type,
            "isOrganizationDefault": False,
            "scopeId": scope_id,
            "scopeType": scope_type,
            "lastModifiedDateTime": None,
            "lastModifiedBy": {"displayName": None, "id": None},
        }
        if with_rules:
            shown["policy"]["rules"] = rules(world, policy)
    return shown


def rules(world: World, policy: RolePolicy) -> list[Json]:
    """The seventeen, in the order of admin eligibility, admin assignment, activation."""
    shown: list[Json] = []
    for who, level in _LEVELS:
        activation = who == "EndUser"
        name = f"{who}_{level}"
        shown.append(_expiration(name, who, level, policy.maximum_duration if activation else "P365D"))
        enabled = policy.enabled_rules if activation else []
        shown.append(_rule("Enablement", name, who, level) | {"enabledRules": enabled})
        if activation:
            shown.append(_approval(world, policy, name))
            context = policy.authentication_context
            shown.append(
                _rule("AuthenticationContext", name, who, level)
                | {"isEnabled": context is not None, "claimValue": context or ""}
            )
        shown += [
            _notification(recipient, name, who, level) for recipient in ("Admin", "Requestor", "Approver")
        ]
    return shown


def _rule(kind: str, name: str, who: str, level: str, prefix: str = "") -> Json:
    return {
        "@odata.type": f"{_TYPE}{kind}Rule",
        "id": f"{kind}_{prefix}{name}",
        "target": {
            "caller": who,
            "operations": ["All"],
            "level": level,
            "inheritableSettings": [],
            "enforcedSettings": [],
        },
    }


def _expiration(name: str, who: str, level: str, maximum: str) -> Json:
    required = who == "EndUser"
    return _rule("Expiration", name, who, level) | {
        "isExpirationRequired": required,
        "maximumDuration": maximum,
    }


def _notification(recipient: str, name: str, who: str, level: str) -> Json:
    return _rule("Notification", name, who, level, prefix=f"{recipient}_") | {
        "notificationType": "Email",
        "recipientType": recipient,
        "notificationLevel": "All",
        "isDefaultRecipientsEnabled": True,
        "notificationRecipients": [],
    }


def _approval(world: World, policy: RolePolicy, name: str) -> Json:
    users: list[Json] = [
        {
            "@odata.type": "#microsoft.graph.singleUser",
            "isBackup": False,
            "id": user_id,
            "userId": user_id,
            "description": world.users[user_id].display_name if user_id in world.users else None,
        }
        for user_id in policy.approver_users
    ]
    groups: list[Json] = [
        {
            "@odata.type": "#microsoft.graph.groupMembers",
            "isBackup": False,
            "id": group_id,
            "groupId": group_id,
            "description": world.tenant.groups[group_id].display_name,
        }
        for group_id in policy.approver_groups
    ]
    stage = {
        "approvalStageTimeOutInDays": 1,
        "isApproverJustificationRequired": policy.approver_justification,
        "escalationTimeInMinutes": 0,
        "isEscalationEnabled": False,
        "primaryApprovers": users + groups,
        "escalationApprovers": [],
    }
    return _rule("Approval", name, "EndUser", "Assignment") | {
        "setting": {
            "isApprovalRequired": policy.approval_required,
            "isApprovalRequiredForExtension": False,
            "isRequestorJustificationRequired": True,
            "approvalMode": "SingleStage",
            "approvalStages": [stage],
        }
    }

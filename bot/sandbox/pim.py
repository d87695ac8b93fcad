"""Privileged Identity Management: what happens to requests, whoever asks (Graph or the portal).

Nothing here speaks HTTP or knows permissions; refusals are ``GraphError``s with PIM's codes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

from bot.sandbox.durations import parse_duration
from bot.sandbox.graph_http import GraphError
from bot.sandbox.tenant import (
    GLOBAL_ADMINISTRATOR,
    PRIVILEGED_ROLE_ADMINISTRATOR,
    Approval,
    Assignment,
    GroupAssignment,
    PimRequest,
    RolePolicy,
)
from bot.sandbox.wishes import Wish
from bot.sandbox.world import World

APPROVAL_WINDOW = timedelta(hours=24)
MINIMUM_ACTIVE = timedelta(minutes=5)
_Held = TypeVar("_Held", Assignment, GroupAssignment)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts on PIM: a user, and what their session has proved."""

    object_id: str
    mfa: bool = True
    acrs: frozenset[str] = frozenset()


def submit(world: World, caller: Caller, wish: Wish) -> PimRequest:
    """Take a request in. Raises ``GraphError`` as in the documented table."""
    settle(world)
    if not world.premium_licence:
        text = "The tenant needs an AAD Premium 2 license."
        raise GraphError(400, "AadPremiumLicenseRequired", text)
    match wish.action.lower():
        case "selfactivate":
            return _activate(world, caller, wish)
        case "selfdeactivate":
            return _deactivate(world, caller, wish)
        case other:
            raise GraphError(400, "InvalidAction", f"The action '{other}' is not supported here.")


def _activate(world: World, caller: Caller, wish: Wish) -> PimRequest:
    tenant = world.tenant
    _check_names(world, caller, wish)
    active = tenant.activated(wish.principal_id, wish.role_id, wish.scope)
    if active is not None and not world.reactivation_extends:
        raise GraphError(400, "RoleAssignmentExists", "The Role assignment already exists.")
    check_not_pending(tenant.requests.values(), wish)
    policy = tenant.policies[wish.role_id]
    eligible = tenant.is_eligible(wish.principal_id, wish.role_id, world.now(), wish.scope)
    check_policy(caller, wish, policy, eligible=eligible)
    if active is not None:
        return _extended(world, active, wish)
    made = request_of(world, wish, "Granted")
    if wish.validation_only:
        return made
    tenant.requests[made.id] = made
    if policy.approval_required:
        await_approval(world, made, policy)
        tenant.set_alarm(world.now() + APPROVAL_WINDOW, made.id)
    else:
        _provision(world, made)
    return made


def check_not_pending(requests: Iterable[PimRequest], wish: Wish) -> None:
    """Raises ``GraphError`` 400 while another one waits, about the same principal, role and scope."""
    asked = (wish.principal_id, wish.role_id, wish.scope)
    if any(r.pending and (r.principal_id, r.role_id, r.scope) == asked for r in requests):
        text = "There is already an existing pending Role assignment request."
        raise GraphError(400, "PendingRoleAssignmentRequest", text)


def _extended(world: World, active: Assignment, wish: Wish) -> PimRequest:
    """What is running goes on from now, without another approval."""
    made = request_of(world, wish, "Provisioned")
    if not wish.validation_only:
        made.completed_at = world.now()
        world.tenant.requests[made.id] = made
        active.end = world.now() + made.duration
        active.request_id = made.id
        world.tenant.set_alarm(active.end, made.id)
    return made


def _check_names(world: World, caller: Caller, wish: Wish) -> None:
    if wish.role_id not in world.tenant.roles:
        raise GraphError(400, "RoleNotFound", "The Role could not be found.")
    check_principal(world, caller, wish)
    scopes = {e.scope for e in world.tenant.eligibilities.values()} | {"/"}
    if wish.scope not in scopes:
        raise GraphError(400, "InvalidScope", "The scope is invalid.")


def check_principal(world: World, caller: Caller, wish: Wish) -> None:
    """Raises ``GraphError`` 400, 403."""
    if wish.principal_id not in world.users:
        raise GraphError(400, "SubjectNotFound", "The subject is not found.")
    if wish.principal_id != caller.object_id:
        text = "The principal of a self activation must be the caller."
        raise GraphError(403, "UnauthorizedAccess", text)


def check_policy(caller: Caller, wish: Wish, policy: RolePolicy, *, eligible: bool) -> None:
    """Raises ``GraphError`` 400 that names every rule which failed."""
    failed = [] if eligible else ["EligibilityRule"]
    if wish.duration is None or not timedelta(0) < wish.duration <= parse_duration(policy.maximum_duration):
        failed.append("ExpirationRule")
    if "Justification" in policy.enabled_rules and not wish.justification.strip():
        failed.append("JustificationRule")
    if "Ticketing" in policy.enabled_rules and not (wish.ticket_number and wish.ticket_system):
        failed.append("TicketingRule")
    # Whatever the policy says: self actions ask for a session that was challenged for MFA.
    if not caller.mfa:
        failed.append("MfaRule")
    if failed:
        text = f"The following policy rules failed: {json.dumps(failed, separators=(',', ':'))}"
        raise GraphError(400, "RoleAssignmentRequestPolicyValidationFailed", text)
    context = policy.authentication_context
    if context is not None and context not in caller.acrs:
        claims = json.dumps({"access_token": {"acrs": {"essential": True, "value": context}}})
        raise GraphError(
            400, "RoleAssignmentRequestAcrsValidationFailed", f"&claims={quote(claims, safe='')}"
        )


def await_approval(world: World, request: PimRequest, policy: RolePolicy, *, defaults: bool = True) -> None:
    """By the approvers whom the policy names now. ``defaults``: or else by administrators."""
    request.status = world.pending_status
    users, groups = list(policy.approver_users), list(policy.approver_groups)
    request.approval = Approval(users, groups, policy.approver_justification, defaults)


def request_of(world: World, wish: Wish, status: str) -> PimRequest:
    """The activation that was wished for; the wish was checked."""
    if wish.duration is None:
        raise AssertionError("ExpirationRule lets no activation pass that has no end")
    return PimRequest(
        id=world.new_id(),
        status=status,
        action="selfActivate",
        principal_id=wish.principal_id,
        role_id=wish.role_id,
        scope=wish.scope,
        justification=wish.justification,
        created_at=world.now(),
        start=wish.start,
        duration=wish.duration,
        duration_text=wish.duration_text,
        ticket_number=wish.ticket_number,
        ticket_system=wish.ticket_system,
        validation_only=wish.validation_only,
    )


def _provision(world: World, request: PimRequest) -> None:
    """Give the role now, or when its start comes."""
    now = world.now()
    if request.start > now:
        request.status = "Granted"
        world.tenant.set_alarm(request.start, request.id)
        return
    request.status = "Provisioned"
    request.completed_at = now
    entry = Assignment(
        id=world.new_id(),
        principal_id=request.principal_id,
        role_id=request.role_id,
        start=now,
        end=now + request.duration,
        scope=request.scope,
        request_id=request.id,
        visible_at=now + timedelta(seconds=world.propagation_seconds),
    )
    world.tenant.assignments[entry.id] = entry
    world.tenant.set_alarm(now + request.duration, request.id)


def _deactivate(world: World, caller: Caller, wish: Wish) -> PimRequest:
    _check_names(world, caller, wish)
    active = world.tenant.activated(wish.principal_id, wish.role_id, wish.scope)
    active = to_give_back(world, caller, active)
    request = given_back(world, wish)
    if not wish.validation_only:
        world.tenant.requests[request.id] = request
        _take_back(world, active)
    return request


def to_give_back(world: World, caller: Caller, active: _Held | None) -> _Held:
    """What is held, if it may be given back now. Raises ``GraphError`` 400."""
    now = world.now()
    if not caller.mfa:
        text = 'The following policy rules failed: ["MfaRule"]'
        raise GraphError(400, "RoleAssignmentRequestPolicyValidationFailed", text)
    if active is None or (active.visible_at is not None and active.visible_at > now):
        # Also seconds after an activation, before it has got round.
        raise GraphError(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
    if now - active.start < MINIMUM_ACTIVE:
        # The misspelling is the service's own.
        text = "The Active duration is too short. Miniumum Required is 5 minutes."
        raise GraphError(400, "ActiveDurationTooShort", text)
    return active


def given_back(world: World, wish: Wish) -> PimRequest:
    """The completed deactivation that was wished for."""
    now = world.now()
    return PimRequest(
        id=world.new_id(),
        status="Revoked",
        action="selfDeactivate",
        principal_id=wish.principal_id,
        role_id=wish.role_id,
        scope=wish.scope,
        justification=wish.justification,
        created_at=now,
        start=now,
        duration=timedelta(0),
        duration_text="PT0S",
        validation_only=wish.validation_only,
        completed_at=now,
    )


def _take_back(world: World, active: Assignment) -> None:
    del world.tenant.assignments[active.id]
    origin = world.tenant.requests.get(active.request_id or "")
    if origin is not None:
        origin.status = "Revoked"


def settle(world: World) -> None:
    """Let everything happen that the clock has made due."""
    now = world.now()
    for request_id in list(world.tenant.due_alarms(now)):
        request = world.tenant.requests[request_id]
        if request.pending and now >= request.created_at + APPROVAL_WINDOW:
            end_approval(request, "TimedOut", now)
        elif request.status == "Granted":
            _provision(world, request)
        for assignment in list(world.tenant.assignments.values()):
            if assignment.request_id == request_id and assignment.end is not None and assignment.end <= now:
                _take_back(world, assignment)


def end_approval(request: PimRequest, status: str, now: datetime) -> None:
    """Nobody decides on it any more."""
    request.status = status
    request.completed_at = now
    if request.approval is not None:
        request.approval.status = "Expired"


def cancel(world: World, caller: Caller, request_id: str) -> PimRequest:
    """Withdraw a pending request. Raises ``GraphError`` 400, 403, 404."""
    settle(world)
    return withdraw(world, caller, world.tenant.requests.get(request_id))


def withdraw(world: World, caller: Caller, request: PimRequest | None) -> PimRequest:
    """As ``cancel``, of whatever kind the request is."""
    if request is None:
        raise GraphError(404, "RoleAssignmentRequestNotFound", "The Role assignment request is not found.")
    admins = (PRIVILEGED_ROLE_ADMINISTRATOR, GLOBAL_ADMINISTRATOR)
    if request.principal_id != caller.object_id and not world.tenant.holds_any(caller.object_id, admins):
        raise GraphError(403, "UnauthorizedAccess", "Attempted to perform an unauthorized operation.")
    if not request.pending and request.status != "Granted":
        text = f"The request in status {request.status} cannot be cancelled."
        raise GraphError(400, "RequestCannotBeCancelled", text)
    end_approval(request, "Canceled", world.now())
    return request


def decide(world: World, caller: Caller, request_id: str, result: str, justification: str) -> PimRequest:
    """Record an approver's decision; the first one counts. Raises ``GraphError`` 400, 403, 404, 409."""
    settle(world)
    request = world.tenant.requests.get(request_id)
    if request is None:
        raise no_approval(request_id)
    review(world, caller, request, result=result, justification=justification)
    if result == "Approve":
        _provision(world, request)
    return request


def no_approval(approval_id: str) -> GraphError:
    return GraphError(404, "ResourceNotFound", f"The approval '{approval_id}' is not found.")


def review(world: World, caller: Caller, request: PimRequest, *, result: str, justification: str) -> None:
    """Write the decision down; a denied request is over. Raises ``GraphError`` 400, 403, 404, 409."""
    approval = request.approval
    if approval is None:
        raise no_approval(request.id)
    if request.principal_id == caller.object_id:
        text = "Approvers are not able to approve their own role activation requests."
        raise GraphError(403, "UnauthorizedAccess", text)
    if not world.tenant.may_approve(caller.object_id, approval):
        raise GraphError(403, "UnauthorizedAccess", "The caller is not an approver of this request.")
    if approval.status == "Completed":
        text = "The request has already been approved by another approver in the same approval stage."
        raise GraphError(409, "Conflict", text)
    if approval.status != "InProgress":
        raise GraphError(400, "BadRequest", f"The approval step is {approval.status}.")
    if result not in {"Approve", "Deny"}:
        raise GraphError(400, "BadRequest", f"The review result '{result}' is invalid.")
    if approval.justification_required and not justification.strip():
        raise GraphError(400, "JustificationRequired", "The approver's justification is required.")
    approval.status, approval.result = "Completed", result
    approval.reviewed_by, approval.reviewed_at = caller.object_id, world.now()
    approval.justification = justification
    if result == "Deny":
        request.status, request.completed_at = "Denied", world.now()

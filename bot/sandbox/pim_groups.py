"""PIM for Groups: what happens to requests for membership or ownership of a group, whoever asks.

Its requests are those of ``pim`` with the group's id for a scope and the access id (``member`` or
``owner``) for a role; refusals are ``GraphError``s. Sources: Entra docs, "PIM for Groups", "Configure PIM
for Groups settings" (there are no default approvers) and "Approve activation requests for group members
and owners" (24 hours, the first decision counts).
"""

from __future__ import annotations

from datetime import timedelta

from bot.sandbox import pim
from bot.sandbox.graph_http import GraphError, Json
from bot.sandbox.pim import Caller
from bot.sandbox.tenant import Group, GroupAssignment, PimRequest, RolePolicy, current
from bot.sandbox.wishes import Wish
from bot.sandbox.world import World

ACCESS = ("member", "owner")


def wish_of(world: World, body: Json) -> Wish:
    """A ``privilegedAccessGroupAssignmentScheduleRequest`` as it was asked for. Raises ``GraphError`` 400."""
    for name in ("groupId", "accessId"):
        if not isinstance(body.get(name), str) or not body[name]:
            text = f"The required property '{name}' is missing from the payload."
            raise GraphError(400, "BadRequest", text)
    group_id, access_id = body["groupId"].lower(), body["accessId"].lower()
    if access_id not in ACCESS:
        text = f"Cannot convert the literal '{body['accessId']}' to privilegedAccessGroupRelationships."
        raise GraphError(400, "BadRequest", text)
    return Wish.parse({**body, "roleDefinitionId": access_id, "directoryScopeId": group_id}, world.now())


def onboard(world: World, group_id: str) -> None:
    """Bring a group under PIM's management: its settings get ids of their own. Again: nothing."""
    for access in ACCESS:
        if (group_id, access) not in world.tenant.group_policies:
            policy = RolePolicy(f"Group_{group_id}_{world.new_id()}", access)
            world.tenant.group_policies[group_id, access] = policy


def policies_of(world: World, group_id: str) -> list[RolePolicy]:
    """A group's settings. One that is not managed yet shows the defaults, under ids that will change."""
    if group_id not in world.tenant.groups:
        return []
    known = world.tenant.group_policies
    return [
        known.get((group_id, access), RolePolicy(f"Group_{group_id}_{group_id}", access)) for access in ACCESS
    ]


def submit(world: World, caller: Caller, wish: Wish) -> PimRequest:
    """Take a request in. Raises ``GraphError``."""
    settle(world)
    if not world.premium_licence:
        raise GraphError(400, "AadPremiumLicenseRequired", "The tenant needs an AAD Premium 2 license.")
    group = _group(world, caller, wish)
    match wish.action.lower():
        case "selfactivate":
            return _activate(world, caller, wish, group)
        case "selfdeactivate":
            return _deactivate(world, caller, wish)
        case other:
            raise GraphError(400, "InvalidAction", f"The action '{other}' is not supported here.")


def _group(world: World, caller: Caller, wish: Wish) -> Group:
    if wish.scope not in world.tenant.groups:
        raise GraphError(400, "ResourceNotFound", "The group is not found.")
    pim.check_principal(world, caller, wish)
    return world.tenant.groups[wish.scope]


def _activate(world: World, caller: Caller, wish: Wish, group: Group) -> PimRequest:
    tenant = world.tenant
    if _active(world, wish) is not None or wish.principal_id in _people(group, wish.role_id):
        raise GraphError(400, "RoleAssignmentExists", "The Role assignment already exists.")
    pim.check_not_pending(tenant.group_requests.values(), wish)
    onboard(world, group.id)
    policy = tenant.group_policies[group.id, wish.role_id]
    pim.check_policy(caller, wish, policy, eligible=_is_eligible(world, wish))
    made = pim.request_of(world, wish, "Granted")
    if wish.validation_only:
        return made
    tenant.group_requests[made.id] = made
    if policy.approval_required:
        pim.await_approval(world, made, policy, defaults=False)
    else:
        _provision(world, made)
    return made


def _is_eligible(world: World, wish: Wish) -> bool:
    """Directly, or as an active member of a group that is; who is in it by eligibility only is not."""
    entries = current(world.tenant.group_eligibilities.where("group_id", wish.scope), world.now())
    mine = (wish.principal_id, *world.tenant.transitive_member_of(wish.principal_id))
    return any(e.access_id == wish.role_id and e.principal_id in mine for e in entries)


def _people(group: Group, access_id: str) -> list[str]:
    return group.members if access_id == "member" else group.owners


def _active(world: World, wish: Wish) -> GroupAssignment | None:
    asked = (wish.principal_id, wish.role_id, wish.scope)
    for entry in world.tenant.group_assignments.values():
        if (entry.principal_id, entry.access_id, entry.group_id) == asked:
            return entry
    return None


def _provision(world: World, request: PimRequest) -> None:
    """Give the membership now, or when its start comes."""
    now = world.now()
    if request.start > now:
        request.status = "Granted"
        return
    request.status, request.completed_at = "Provisioned", now
    entry = GroupAssignment(
        id=f"{request.scope}_{request.role_id}_{request.id}",
        group_id=request.scope,
        principal_id=request.principal_id,
        access_id=request.role_id,
        start=now,
        end=now + request.duration,
        request_id=request.id,
        visible_at=now + timedelta(seconds=world.propagation_seconds),
    )
    world.tenant.group_assignments[entry.id] = entry
    _appear(world, entry)


def _appear(world: World, entry: GroupAssignment) -> None:
    group = world.tenant.groups.get(entry.group_id)
    if group is not None and not entry.appeared and entry.visible_at <= world.now():
        entry.appeared = True
        _people(group, entry.access_id).append(entry.principal_id)


def _deactivate(world: World, caller: Caller, wish: Wish) -> PimRequest:
    active = pim.to_give_back(world, caller, _active(world, wish))
    made = pim.given_back(world, wish)
    if not wish.validation_only:
        world.tenant.group_requests[made.id] = made
        _take_back(world, active)
    return made


def _take_back(world: World, entry: GroupAssignment) -> None:
    del world.tenant.group_assignments[entry.id]
    world.tenant.group_requests[entry.request_id].status = "Revoked"
    group = world.tenant.groups.get(entry.group_id)
    if group is not None and entry.appeared and entry.principal_id in _people(group, entry.access_id):
        _people(group, entry.access_id).remove(entry.principal_id)


def settle(world: World) -> None:
    """Let everything happen that the clock has made due."""
    now = world.now()
    for request in list(world.tenant.group_requests.values()):
        if request.pending and now >= request.created_at + pim.APPROVAL_WINDOW:
            pim.end_approval(request, "TimedOut", now)
        elif request.status == "Granted" and not request.validation_only:
            _provision(world, request)
    for entry in list(world.tenant.group_assignments.values()):
        if entry.end <= now:
            _take_back(world, entry)
        else:
            _appear(world, entry)


def cancel(world: World, caller: Caller, request_id: str) -> PimRequest:
    """Withdraw a pending request. Raises ``GraphError`` 400, 403, 404."""
    settle(world)
    return pim.withdraw(world, caller, world.tenant.group_requests.get(request_id))


def decide(world: World, caller: Caller, request_id: str, result: str, justification: str) -> PimRequest:
    """Record an approver's decision; the first one counts. Raises ``GraphError`` 400, 403, 404, 409."""
    settle(world)
    request = world.tenant.group_requests.get(request_id)
    if request is None:
        raise pim.no_approval(request_id)
    pim.review(world, caller, request, result=result, justification=justification)
    if result == "Approve":
        _provision(world, request)
    return request

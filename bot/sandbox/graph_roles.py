"""Graph: role definitions, schedule instances and role policies."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from bot.sandbox import pim, pim_groups, policies
from bot.sandbox.graph_http import (
    BY_ME,
    GraphError,
    Json,
    collection,
    entity,
    expands,
    filter_of,
    matches,
    myself,
    not_found,
    require,
)
from bot.sandbox.graph_shapes import assignment_json, eligibility_json, role_json
from bot.sandbox.rows import Rows
from bot.sandbox.tenant import Eligibility, current
from bot.sandbox.world import World

ROLE_MANAGEMENT = {
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
}
READ_ROLES = ROLE_MANAGEMENT | {"Directory.Read.All"}
READ_ELIGIBILITY = ROLE_MANAGEMENT | {
    "RoleEligibilitySchedule.Read.Directory",
    "RoleEligibilitySchedule.ReadWrite.Directory",
}
READ_ASSIGNMENTS = ROLE_MANAGEMENT | {
    "RoleAssignmentSchedule.Read.Directory",
    "RoleAssignmentSchedule.ReadWrite.Directory",
}
READ_POLICY = ROLE_MANAGEMENT | {
    "RoleManagementPolicy.Read.Directory",
    "RoleManagementPolicy.ReadWrite.Directory",
}
READ_GROUP_POLICY = {
    "RoleManagementPolicy.Read.AzureADGroup",
    "RoleManagementPolicy.ReadWrite.AzureADGroup",
}
DIRECTORY = "/{version:v1.0|beta}/roleManagement/directory"
INSTANCE_FILTERS = (
    "id",
    "principalId",
    "roleDefinitionId",
    "directoryScopeId",
    "memberType",
    "assignmentType",
)


def routes(world: World) -> list[web.RouteDef]:
    async def list_roles(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_ROLES)
        beta = request.match_info["version"] == "beta"
        wanted = filter_of(request, ("id", "displayName", "isBuiltIn", "isEnabled", "templateId"))
        shown = [role_json(role, beta=beta) for role in world.tenant.roles.values()]
        found = [role for role in shown if matches(role, wanted)]
        return collection(world, request, found, lambda role: role)

    async def one_role(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_ROLES)
        found = world.tenant.roles.get(request.match_info["id"].lower())
        if found is None:
            raise not_found(request.match_info["id"])
        shown = role_json(found, beta=request.match_info["version"] == "beta")
        return entity(request, shown, "roleManagement/directory/roleDefinitions")

    return [
        web.get(f"{DIRECTORY}/roleDefinitions", list_roles),
        web.get(f"{DIRECTORY}/roleDefinitions/{{id}}", one_role),
        *_instance_routes(world),
        web.get("/{version:v1.0|beta}/policies/roleManagementPolicyAssignments", _list_policies(world)),
    ]


def _instance_routes(world: World) -> list[web.RouteDef]:
    async def eligibilities(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_ELIGIBILITY)
        entries = current(_narrowed(world.tenant.eligibilities, request), world.now())
        return _instances(world, request, entries, eligibility_json)

    async def my_eligibilities(request: web.Request) -> web.StreamResponse:
        me = myself(world, request, READ_ELIGIBILITY)
        entries = world.tenant.eligibilities_of(me, world.now())

        def shape(_: World, entry: Any, expand: Any = ()) -> Json:
            shown = eligibility_json(world, entry, expand)
            return shown | {"memberType": "Direct" if entry.principal_id == me else "Group"}

        return _instances(world, request, entries, shape)

    async def assignments(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_ASSIGNMENTS)
        pim.settle(world)
        return _instances(world, request, world.tenant.visible_assignments(world.now()), assignment_json)

    async def my_assignments(request: web.Request) -> web.StreamResponse:
        me = myself(world, request, READ_ASSIGNMENTS)
        pim.settle(world)
        entries = [a for a in world.tenant.visible_assignments(world.now()) if a.principal_id == me]
        return _instances(world, request, entries, assignment_json)

    return [
        web.get(f"{DIRECTORY}/roleEligibilityScheduleInstances/{{by:{BY_ME}}}", my_eligibilities),
        web.get(f"{DIRECTORY}/roleAssignmentScheduleInstances/{{by:{BY_ME}}}", my_assignments),
        web.get(f"{DIRECTORY}/roleEligibilityScheduleInstances", eligibilities),
        web.get(f"{DIRECTORY}/roleAssignmentScheduleInstances", assignments),
    ]


def _narrowed(table: Rows[Eligibility], request: web.Request) -> list[Eligibility]:
    """The rows that the filter can be about, by an index if it names an indexed property."""
    wanted = filter_of(request, INSTANCE_FILTERS)
    for name, attribute in (("principalId", "principal_id"), ("roleDefinitionId", "role_id")):
        if name in wanted:
            return table.where(attribute, wanted[name].lower())
    return list(table.values())


def _instances(world: World, request: web.Request, entries: list[Any], shape: Any) -> web.StreamResponse:
    wanted = filter_of(request, INSTANCE_FILTERS)
    if wanted:
        entries = [entry for entry in entries if matches(shape(world, entry), wanted)]
    expand = expands(request)

    def render(entry: Any) -> Json:
        shown: Json = shape(world, entry, expand)
        return shown

    return collection(world, request, entries, render)


def _list_policies(world: World) -> Any:
    async def list_policies(request: web.Request) -> web.StreamResponse:
        wanted = filter_of(request, ("scopeId", "scopeType", "roleDefinitionId"))
        groups = wanted.get("scopeType", "").lower() == "group"
        require(world, request, READ_GROUP_POLICY if groups else READ_POLICY)
        if not {"scopeId", "scopeType"} <= wanted.keys():
            text = "A filter on scopeId and scopeType is required to list policy assignments."
            raise GraphError(400, "InvalidFilter", text)
        expand = request.query.get("$expand", "")
        with_policy = re.match(r"policy\b", expand) is not None
        with_rules = re.fullmatch(r"policy\(\s*\$expand\s*=\s*[\w,]*rules[\w,]*\s*\)", expand) is not None

        scope = (wanted["scopeId"].lower(), "Group") if groups else ("/", "DirectoryRole")

        def render(policy: Any) -> Json:
            return policies.assignment_json(
                world, policy, with_policy=with_policy, with_rules=with_rules, scope=scope
            )

        role = wanted.get("roleDefinitionId")
        if groups:
            known = pim_groups.policies_of(world, scope[0])
        else:
            directory = wanted["scopeType"].lower() in {"directoryrole", "directory"}
            there = wanted["scopeId"] == "/" and directory
            known = list(world.tenant.policies.values()) if there else []
        found = [policy for policy in known if role is None or policy.role_id == role.lower()]
        return collection(world, request, found, render)

    return list_policies

"""Graph: PIM for Groups' ``assignmentScheduleRequests``, ``assignmentApprovals`` and the groups it manages.

What an approver decides is a *stage* on v1.0 and a *step* on beta; each version knows its own only.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from aiohttp import web

from bot.sandbox import pim_groups
from bot.sandbox.graph_group_instances import FILTERS, READ_ASSIGNMENTS, narrowing
from bot.sandbox.graph_http import (
    GraphError,
    Json,
    body_of,
    caller,
    collection,
    entity,
    expands,
    filter_of,
    holds,
    is_app,
    matches,
    require,
    scope_not_granted,
)
from bot.sandbox.graph_requests import (
    BY_CURRENT_USER,
    approval_in,
    has_status,
    reviewed,
    taken_in,
    to_approve,
    withdrawn,
)
from bot.sandbox.graph_shapes import in_group, request_json, step_json
from bot.sandbox.pim import Caller
from bot.sandbox.tenant import PimRequest
from bot.sandbox.tokens import NOTES
from bot.sandbox.world import World

REQUESTS = "identityGovernance/privilegedAccess/group/assignmentScheduleRequests"
APPROVALS = "identityGovernance/privilegedAccess/group/assignmentApprovals"
WRITE = {"PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup"}
READ_RESOURCES = {"PrivilegedAccess.Read.AzureADGroup", "PrivilegedAccess.ReadWrite.AzureADGroup"}

REQUEST_FILTERS = ("status", "targetScheduleId", *FILTERS)
_PARTS = {"v1.0": "stages", "beta": "steps"}


def routes(world: World) -> list[web.RouteDef]:
    async def list_requests(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_ASSIGNMENTS)
        pim_groups.settle(world)
        wanted = narrowing(request, REQUEST_FILTERS)
        return _page(world, request, list(world.tenant.group_requests.values()), wanted)

    async def create_request(request: web.Request) -> web.StreamResponse:
        claims = require(world, request, (), WRITE)
        body = await body_of(request)
        noted = ("action", "groupId", "accessId", "isValidationOnly")
        request[NOTES] = {key: body.get(key) for key in noted}
        mfa, acrs = "mfa" in claims.get("amr", ()), frozenset(claims.get("acrs", ()))
        made = await submit(world, Caller(claims["oid"], mfa=mfa, acrs=acrs), body)
        return entity(request, group_request_json(world, made), REQUESTS, status=201)

    async def one_request(request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        function = BY_CURRENT_USER.fullmatch(name)
        if function is not None:
            return _by_current_user(world, request, function[1].lower())
        require(world, request, READ_ASSIGNMENTS)
        pim_groups.settle(world)
        found = world.tenant.group_requests.get(name.lower())
        if found is None:
            raise GraphError(404, "ResourceNotFound", "The Role assignment request is not found.")
        return entity(request, group_request_json(world, found, expands(request)), REQUESTS)

    async def cancel_request(request: web.Request) -> web.StreamResponse:
        claims = require(world, request, (), WRITE)
        await cancel(world, claims["oid"], request.match_info["id"].lower())
        return web.Response(status=204)

    async def resources(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_RESOURCES)
        found = list(dict.fromkeys(group_id for group_id, _ in world.tenant.group_policies))
        return collection(world, request, found, lambda group_id: {"id": group_id})

    requests = f"/{{version:v1.0|beta}}/{REQUESTS}"
    return [
        web.get(requests, list_requests),
        web.post(requests, create_request),
        web.get(f"{requests}/{{id}}", one_request),
        web.post(f"{requests}/{{id}}/cancel", cancel_request),
        # Graph's pages have it on beta only ("List groupResource objects").
        web.get("/beta/identityGovernance/privilegedAccess/group/resources", resources),
        *_approval_routes(world),
    ]


def group_request_json(world: World, request: PimRequest, expand: Collection[str] = ()) -> Json:
    """As other requests, with group and access in the place of role and scope."""
    shown = request_json(world, request)
    for name in ("roleDefinitionId", "directoryScopeId", "appScopeId"):
        del shown[name]
    shown["groupId"], shown["accessId"] = request.scope, request.role_id
    shown["targetScheduleId"] = f"{request.scope}_{request.role_id}_{request.id}"
    return shown | in_group(world, expand, request.principal_id, request.scope)


def stage_json(world: World, request: PimRequest, caller_id: str) -> Json:
    """As a step, but its reviewer is an ``identity``: an id and a name."""
    shown = step_json(world, request, caller_id)
    reviewer = shown["reviewedBy"]
    return shown | {"reviewedBy": reviewer and {key: reviewer[key] for key in ("id", "displayName")}}


def _page(
    world: World, request: web.Request, found: list[PimRequest], wanted: dict[str, str]
) -> web.StreamResponse:
    expand, status = expands(request), wanted.pop("status", None)
    found = [entry for entry in found if matches(group_request_json(world, entry), wanted)]
    if status is not None:
        found = [entry for entry in found if has_status(entry, status)]
    return collection(world, request, found, lambda entry: group_request_json(world, entry, expand), REQUESTS)


def _by_current_user(world: World, request: web.Request, on: str) -> web.StreamResponse:
    me = str(require(world, request, (), READ_ASSIGNMENTS)["oid"])
    pim_groups.settle(world)
    entries = world.tenant.group_requests.values()
    match on:
        case "principal" | "createdby":
            found = [entry for entry in entries if entry.principal_id == me]
        case "approver":
            found = to_approve(world, world.tenant.group_requests, me)
        case _:
            text = f"The filterByCurrentUser option '{on}' is not supported."
            raise GraphError(400, "InvalidFilter", text)
    return _page(world, request, found, filter_of(request, REQUEST_FILTERS))


async def submit(world: World, who: Caller, body: Json) -> PimRequest:
    """A request from Graph or from the portal: taken in, logged, and told by mail."""
    made = pim_groups.submit(world, who, pim_groups.wish_of(world, body))
    return await taken_in(world, made, group=made.scope, access=made.role_id)


async def cancel(world: World, who: str, request_id: str) -> PimRequest:
    """A withdrawal from Graph or from the portal."""
    return await withdrawn(world, pim_groups.cancel(world, Caller(who), request_id), who)


async def decide(world: World, who: str, request_id: str, result: str, justification: str) -> PimRequest:
    """A decision from Graph or from the portal, recorded with the one who made it."""
    decided = pim_groups.decide(world, Caller(who), request_id, result, justification)
    return await reviewed(world, decided, who, result)


# Approvals ---------------------------------------------------------------------------------


def _approver(world: World, request: web.Request, permissions: Collection[str]) -> str:
    """The object id of a user who holds what approvals ask for; never an app."""
    claims = caller(world, request)
    if is_app(claims) or not holds(claims, (), permissions):
        raise scope_not_granted(permissions)
    return str(claims["oid"])


def _approval(world: World, request: web.Request, reader: str) -> PimRequest:
    pim_groups.settle(world)
    return approval_in(world, world.tenant.group_requests, request, reader)


def _parts(request: web.Request) -> str:
    """What this version calls them. Raises ``GraphError`` 404 for what only the other version knows."""
    own = _PARTS[request.match_info["version"]]
    asked = request.match_info.get("parts", own)
    if asked != own:
        raise GraphError(404, "ResourceNotFound", f"Resource not found for the segment '{asked}'.")
    return own


def _approval_routes(world: World) -> list[web.RouteDef]:
    async def get_approval(request: web.Request) -> web.StreamResponse:
        me = _approver(world, request, READ_ASSIGNMENTS)
        function = BY_CURRENT_USER.fullmatch(request.match_info["id"])
        if function is not None:
            return _my_approvals(world, request, me, function[1].lower())
        found = _approval(world, request, me)
        body = {"id": found.id, _parts(request): [stage_json(world, found, me)]}
        return entity(request, body, APPROVALS)

    async def get_parts(request: web.Request) -> web.StreamResponse:
        me = _approver(world, request, READ_ASSIGNMENTS)
        parts, found = _parts(request), _approval(world, request, me)

        def render(entry: Any) -> Json:
            return stage_json(world, entry, me)

        return collection(world, request, [found], render, f"{APPROVALS}('{found.id}')/{parts}")

    async def get_part(request: web.Request) -> web.StreamResponse:
        me = _approver(world, request, READ_ASSIGNMENTS)
        parts, found = _parts(request), _approval(world, request, me)
        return entity(request, stage_json(world, found, me), f"{APPROVALS}('{found.id}')/{parts}")

    async def patch_part(request: web.Request) -> web.StreamResponse:
        me = _approver(world, request, WRITE)
        _parts(request)
        body = await body_of(request)
        result, justification = str(body.get("reviewResult")), str(body.get("justification") or "")
        request[NOTES] = {"reviewResult": result, "justification": justification}
        found = _approval(world, request, me)
        await decide(world, me, found.id, result, justification)
        return web.Response(status=204)

    one = f"/{{version:v1.0|beta}}/{APPROVALS}/{{id}}"
    parts = f"{one}/{{parts:stages|steps}}"
    return [
        web.get(one, get_approval),
        web.get(parts, get_parts),
        web.get(f"{parts}/{{part}}", get_part),
        web.patch(f"{parts}/{{part}}", patch_part),
    ]


def _my_approvals(world: World, request: web.Request, me: str, on: str) -> web.StreamResponse:
    if on != "approver":
        text = f"The filterByCurrentUser option '{on}' is not supported."
        raise GraphError(400, "InvalidFilter", text)
    pim_groups.settle(world)
    parts = _parts(request)

    def render(entry: Any) -> Json:
        return {"id": entry.id, parts: [stage_json(world, entry, me)]}

    return collection(world, request, to_approve(world, world.tenant.group_requests, me), render, APPROVALS)

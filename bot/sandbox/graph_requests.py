"""Graph: ``roleAssignmentScheduleRequests`` (v1.0) and ``roleAssignmentApprovals`` (beta only)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import delivery, pim
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
from bot.sandbox.graph_shapes import approval_json, request_json, step_json
from bot.sandbox.tenant import PimRequest
from bot.sandbox.tokens import NOTES
from bot.sandbox.wishes import Wish
from bot.sandbox.world import World

REQUESTS = "roleManagement/directory/roleAssignmentScheduleRequests"
APPROVALS = "roleManagement/directory/roleAssignmentApprovals"

WRITE = {"RoleAssignmentSchedule.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory"}
# Reading needs a permission to write: ``RoleAssignmentSchedule.Read.Directory`` is refused app-only.
LIST_APP = WRITE | {"RoleAssignmentSchedule.Remove.Directory"}
LIST_DELEGATED = WRITE | {
    "RoleAssignmentSchedule.Read.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
}
# Documented is the first family, demanded at run time the second: both, until Microsoft decides.
APPROVE_DOCUMENTED = {"RoleAssignmentSchedule.ReadWrite.Directory"}
APPROVE_RUNTIME = {"PrivilegedAccess.ReadWrite.AzureAD"}
READ_APPROVAL = {
    "PrivilegedAccess.ReadWrite.AzureAD",
    "PrivilegedAccess.Read.AzureAD",
}

FILTERABLE = ("principalId", "roleDefinitionId", "directoryScopeId", "targetScheduleId", "action")
BY_CURRENT_USER = re.compile(r"filterByCurrentUser\(on='(\w+)'\)", re.IGNORECASE)


def routes(world: World) -> list[web.RouteDef]:
    async def list_requests(request: web.Request) -> web.StreamResponse:
        require(world, request, LIST_APP, LIST_DELEGATED)
        pim.settle(world)
        if "$orderby" in request.query:
            text = f"The orderby {request.query['$orderby']} is invalid."
            raise GraphError(400, "InvalidFilter", text)
        wanted = filter_of(request, FILTERABLE)
        return _page(world, request, list(world.tenant.requests.values()), wanted)

    async def create_request(request: web.Request) -> web.StreamResponse:
        claims = require(world, request, (), WRITE)
        body = await body_of(request)
        request[NOTES] = {key: body.get(key) for key in ("action", "roleDefinitionId", "isValidationOnly")}
        mfa, acrs = "mfa" in claims.get("amr", ()), frozenset(claims.get("acrs", ()))
        made = await submit(world, pim.Caller(claims["oid"], mfa=mfa, acrs=acrs), body)
        return entity(request, request_json(world, made), REQUESTS, status=201)

    async def one_request(request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        function = BY_CURRENT_USER.fullmatch(name)
        if function is not None:
            return _by_current_user(world, request, function[1].lower())
        require(world, request, LIST_APP, LIST_DELEGATED)
        pim.settle(world)
        found = world.tenant.requests.get(name.lower())
        if found is None:
            text = "The Role assignment request is not found."
            raise GraphError(404, "RoleAssignmentRequestNotFound", text)
        return entity(request, request_json(world, found, expands(request)), REQUESTS)

    async def cancel_request(request: web.Request) -> web.StreamResponse:
        claims = require(world, request, (), WRITE)
        await cancel(world, claims["oid"], request.match_info["id"].lower())
        return web.Response(status=204)

    return [
        web.get(f"/{{version:v1.0|beta}}/{REQUESTS}", list_requests),
        web.post(f"/{{version:v1.0|beta}}/{REQUESTS}", create_request),
        web.get(f"/{{version:v1.0|beta}}/{REQUESTS}/{{id}}", one_request),
        web.post(f"/{{version:v1.0|beta}}/{REQUESTS}/{{id}}/cancel", cancel_request),
        *_approval_routes(world),
    ]


def _page(
    world: World, request: web.Request, found: list[PimRequest], wanted: dict[str, str]
) -> web.StreamResponse:
    expand = expands(request)
    if wanted:
        found = [entry for entry in found if matches(request_json(world, entry), wanted)]

    def render(entry: Any) -> Json:
        return request_json(world, entry, expand)

    return collection(world, request, found, render, REQUESTS)


def _by_current_user(world: World, request: web.Request, on: str) -> web.StreamResponse:
    claims = require(world, request, (), LIST_DELEGATED)
    pim.settle(world)
    me = str(claims["oid"])
    if on == "principal":
        found = [entry for entry in world.tenant.requests.values() if entry.principal_id == me]
    elif on == "approver":
        found = to_approve(world, world.tenant.requests, me)
    else:
        raise GraphError(400, "InvalidFilter", f"The filterByCurrentUser option '{on}' is not supported.")
    wanted = filter_of(request, ("status", *FILTERABLE))
    status = wanted.pop("status", None)
    if status is not None:
        found = [entry for entry in found if has_status(entry, status)]
    return _page(world, request, found, wanted)


def to_approve(world: World, requests: Mapping[str, PimRequest], approver: str) -> list[PimRequest]:
    return [
        entry
        for entry in requests.values()
        if entry.approval is not None and world.tenant.may_approve(approver, entry.approval)
    ]


def has_status(entry: PimRequest, status: str) -> bool:
    """The documented filter says ``PendingApproval`` also where requests say it at greater length."""
    return entry.status.lower() == status.lower() or (status.lower() == "pendingapproval" and entry.pending)


async def submit(world: World, who: pim.Caller, body: Json) -> PimRequest:
    """A request from Graph or from the portal: taken in, logged, and told by mail."""
    made = pim.submit(world, who, Wish.parse(body, world.now()))
    return await taken_in(world, made, role=made.role_id)


async def taken_in(world: World, made: PimRequest, **target: str) -> PimRequest:
    """A validation leaves no trace."""
    if not made.validation_only:
        await world.record(
            "graph",
            "request_created",
            request=made.id,
            action=made.action,
            principal=made.principal_id,
            **target,
            status=made.status,
        )
        delivery.mail_arrives(world, made)
    return made


async def cancel(world: World, who: str, request_id: str) -> PimRequest:
    """A withdrawal from Graph or from the portal."""
    return await withdrawn(world, pim.cancel(world, pim.Caller(who), request_id), who)


async def withdrawn(world: World, made: PimRequest, who: str) -> PimRequest:
    await world.record("graph", "request_canceled", request=made.id, by=who)
    return made


def _approver(world: World, request: web.Request, *, writing: bool) -> str:
    """The object id of a user who holds what approvals ask for; never an app."""
    claims = caller(world, request)
    if is_app(claims):
        raise scope_not_granted(APPROVE_RUNTIME if writing else READ_APPROVAL)
    families = (APPROVE_DOCUMENTED, APPROVE_RUNTIME) if writing else (READ_APPROVAL,)
    for family in families:
        if not holds(claims, (), family):
            raise scope_not_granted(family)
    return str(claims["oid"])


def _approval(world: World, request: web.Request, reader: str) -> PimRequest:
    pim.settle(world)
    return approval_in(world, world.tenant.requests, request, reader)


def approval_in(
    world: World, requests: Mapping[str, PimRequest], request: web.Request, reader: str
) -> PimRequest:
    """Of its one step or stage the id is the approval's own."""
    approval_id = request.match_info["id"].lower()
    found = requests.get(approval_id)
    part = request.match_info.get("part", approval_id).lower()
    if found is None or found.approval is None or part != approval_id:
        raise pim.no_approval(approval_id)
    if reader != found.principal_id and not world.tenant.may_approve(reader, found.approval):
        raise GraphError(403, "UnauthorizedAccess", "The caller is not an approver of this request.")
    return found


def _approval_routes(world: World) -> list[web.RouteDef]:
    async def gone_from_v1(request: web.Request) -> web.StreamResponse:
        caller(world, request)
        text = "Resource not found for the segment 'roleAssignmentApprovals'."
        raise GraphError(400, "BadRequest", text)

    async def get_approval(request: web.Request) -> web.StreamResponse:
        me = _approver(world, request, writing=False)
        found = _approval(world, request, me)
        body = approval_json(world, found, me, steps="steps" in expands(request))
        return entity(request, body, APPROVALS)

    async def get_steps(request: web.Request) -> web.StreamResponse:
        me = _approver(world, request, writing=False)
        found = _approval(world, request, me)

        def render(entry: Any) -> Json:
            return step_json(world, entry, me)

        return collection(world, request, [found], render, f"{APPROVALS}('{found.id}')/steps")

    async def get_step(request: web.Request) -> web.StreamResponse:
        me = _approver(world, request, writing=False)
        found = _approval(world, request, me)
        return entity(request, step_json(world, found, me), f"{APPROVALS}('{found.id}')/steps")

    async def patch_step(request: web.Request) -> web.StreamResponse:
        me = _approver(world, request, writing=True)
        body = await body_of(request)
        result, justification = str(body.get("reviewResult")), str(body.get("justification") or "")
        request[NOTES] = {"reviewResult": result, "justification": justification}
        found = _approval(world, request, me)
        await decide(world, me, found.id, result, justification)
        return web.Response(status=204)

    beta = f"/beta/{APPROVALS}/{{id}}"
    return [
        web.get(f"/v1.0/{APPROVALS}/{{tail:.*}}", gone_from_v1),
        web.patch(f"/v1.0/{APPROVALS}/{{tail:.*}}", gone_from_v1),
        web.get(beta, get_approval),
        web.get(f"{beta}/steps", get_steps),
        web.get(f"{beta}/steps/{{part}}", get_step),
        web.patch(f"{beta}/steps/{{part}}", patch_step),
    ]


async def decide(world: World, who: str, request_id: str, result: str, justification: str) -> PimRequest:
    """A decision from Graph or from the portal, recorded with the one who made it."""
    decided = pim.decide(world, pim.Caller(who), request_id, result, justification)
    return await reviewed(world, decided, who, result)


async def reviewed(world: World, decided: PimRequest, who: str, result: str) -> PimRequest:
    await world.record(
        "graph", "request_decided", request=decided.id, result=result, reviewed_by=who, status=decided.status
    )
    return decided

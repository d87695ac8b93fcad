"""``/_sandbox``: how scripts, demos and tests move the sandbox. Loopback only, no authentication."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.sandbox import delivery, graph_group_requests, graph_requests, pim, pim_groups
from bot.sandbox.control_tenant import group_of
from bot.sandbox.durations import graph_time
from bot.sandbox.graph_http import GraphError, Json, body_of
from bot.sandbox.graph_shapes import request_json, step_json
from bot.sandbox.tenant import PimRequest
from bot.sandbox.world import Fault, SigningKey, User, World

LIFECYCLE_EVENTS = {"reauthorizationRequired", "subscriptionRemoved", "missed"}
SERVICES = {"login", "graph", "connector", "token", "webhook"}
_STATE_LINES = 50
_ASSIGNMENT_TIMES = ("start", "end", "visible_at")


def routes(world: World) -> list[web.RouteDef]:
    return [
        *_portal_routes(world),
        *_clock_routes(world),
        *_fault_routes(world),
        *_token_routes(world),
        *_log_routes(world),
    ]


def detail(world: World, request: PimRequest) -> Json:
    """A request with its names, and its approval as an auditor would want to see it."""
    if request.id in world.tenant.group_requests:
        shown = graph_group_requests.group_request_json(world, request, ("principal", "group"))
    else:
        shown = request_json(world, request, ("principal", "roleDefinition"))
    shown["approval"] = step_json(world, request, "") if request.approval else None
    return shown


def _portal_routes(world: World) -> list[web.RouteDef]:
    async def activate(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        user = world.user(body["user"])
        wish = {
            "action": body.get("action", "selfActivate"),
            "principalId": user.object_id,
            **_target(world, body),
            "justification": body.get("justification", ""),
            "scheduleInfo": {
                "startDateTime": body.get("start"),
                "expiration": {"type": "AfterDuration", "duration": body.get("duration", "PT1H")},
            },
            "ticketInfo": _ticket(body.get("ticket")),
        }
        submit = graph_group_requests.submit if "group" in body else graph_requests.submit
        made = await submit(world, _signed_in(user), wish)
        return web.json_response(detail(world, made), status=201)

    async def cancel(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        wanted = str(body["request"])
        found = _found(world, wanted)
        who = world.user(body["user"]).object_id if "user" in body else found.principal_id if found else ""
        made = await _api(world, wanted).cancel(world, who, wanted)
        return web.json_response(detail(world, made))

    async def decide(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        user = world.user(body["user"])
        made = await _api(world, body["request"]).decide(
            world, user.object_id, body["request"], body["result"], body.get("justification", "")
        )
        return web.json_response(detail(world, made))

    async def one_request(request: web.Request) -> web.StreamResponse:
        _settle(world)
        found = _found(world, request.match_info["id"].lower())
        if found is None:
            raise GraphError(404, "ResourceNotFound", "There is no such request.")
        return web.json_response(detail(world, found))

    return [
        web.post("/_sandbox/portal/activate", activate),
        web.post("/_sandbox/portal/cancel", cancel),
        web.post("/_sandbox/portal/decide", decide),
        web.get("/_sandbox/requests/{id}", one_request),
    ]


def _target(world: World, body: Json) -> Json:
    """``{"role", "scope"}`` of the directory, or ``{"group", "access"}``."""
    if "group" in body:
        return {"groupId": group_of(world, body["group"]).id, "accessId": body.get("access", "member")}
    role = world.tenant.role(body["role"])
    return {"roleDefinitionId": role.id, "directoryScopeId": body.get("scope", "/")}


def _found(world: World, request_id: str) -> PimRequest | None:
    tenant = world.tenant
    return tenant.requests.get(request_id) or tenant.group_requests.get(request_id)


def _api(world: World, request_id: str) -> Any:
    """Whichever PIM has the request."""
    return graph_group_requests if request_id in world.tenant.group_requests else graph_requests


def _settle(world: World) -> None:
    pim.settle(world)
    pim_groups.settle(world)


def _signed_in(user: User) -> pim.Caller:
    """The portal's session: with MFA, and with every authentication context stepped up to."""
    return pim.Caller(user.object_id, mfa=True, acrs=frozenset(f"c{number}" for number in range(1, 100)))


def _ticket(given: object) -> Json:
    """``"INC-1"``, or ``{"number", "system"}``."""
    if isinstance(given, dict):
        return {"ticketNumber": given.get("number"), "ticketSystem": given.get("system")}
    return {"ticketNumber": given, "ticketSystem": "ServiceDesk" if given else None}


def _clock(world: World) -> Json:
    return {"now": world.now().isoformat(), "offset_seconds": world.offset.total_seconds()}


async def _moved(world: World, told: timedelta) -> None:
    async with world.changed:
        await world.changed.wait_for(lambda: world.offset != told)


def _clock_routes(world: World) -> list[web.RouteDef]:
    async def read(_: web.Request) -> web.StreamResponse:
        return web.json_response(_clock(world))

    async def advance(request: web.Request) -> web.StreamResponse:
        seconds = float((await body_of(request))["seconds"])
        if seconds < 0:
            raise GraphError(400, "BadRequest", "The clock only moves forward.")
        await world.advance(seconds)
        _settle(world)
        return web.json_response(_clock(world))

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        try:
            while True:
                told = world.offset
                await response.write(json.dumps(_clock(world)).encode() + b"\n")
                await _moved(world, told)
        except ConnectionError:
            return response

    return [
        web.get("/_sandbox/clock", read),
        web.get("/_sandbox/clock/stream", stream),
        web.post("/_sandbox/clock/advance", advance),
    ]


def _fault_routes(world: World) -> list[web.RouteDef]:
    async def add(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        if body.get("service") not in SERVICES:
            raise GraphError(400, "BadRequest", f"service is one of {', '.join(sorted(SERVICES))}.")
        fault = Fault(**{"match": "", **body, "id": world.new_id()})
        world.faults[fault.id] = fault
        return web.json_response(asdict(fault), status=201)

    async def listed(_: web.Request) -> web.StreamResponse:
        return web.json_response({"faults": [asdict(fault) for fault in world.faults.values()]})

    async def clear(_: web.Request) -> web.StreamResponse:
        world.faults.clear()
        return web.Response(status=204)

    async def remove(request: web.Request) -> web.StreamResponse:
        return web.Response(status=204 if world.faults.pop(request.match_info["id"], None) else 404)

    return [
        web.post("/_sandbox/faults", add),
        web.get("/_sandbox/faults", listed),
        web.delete("/_sandbox/faults", clear),
        web.delete("/_sandbox/faults/{id}", remove),
    ]


def _token_routes(world: World) -> list[web.RouteDef]:
    async def rotate(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        if body.get("which") not in {"channel", "entra"}:
            raise GraphError(400, "BadRequest", "which is channel or entra.")
        keys = world.channel_keys if body["which"] == "channel" else world.entra_keys
        keys.append(await asyncio.to_thread(SigningKey.new))
        if body.get("retire", False):
            del keys[:-1]
            world.verified.clear()
        await world.record("sandbox", "keys_rotated", which=body["which"], kid=keys[-1].kid)
        return web.json_response({"kid": keys[-1].kid, "published": [key.kid for key in keys]})

    async def expire(request: web.Request) -> web.StreamResponse:
        body = await body_of(request) if request.can_read_body else {}
        world.tokens_void_before = world.now()
        world.claims_challenge = bool(body.get("challenge", False))
        await world.record("sandbox", "tokens_expired")
        return web.json_response({"void_before": world.tokens_void_before.isoformat()})

    async def lifecycle(request: web.Request) -> web.StreamResponse:
        entry = world.tenant.subscriptions.get(request.match_info["id"])
        event = (await body_of(request)).get("event")
        if entry is None:
            raise GraphError(404, "ResourceNotFound", "There is no such subscription.")
        if event not in LIFECYCLE_EVENTS:
            raise GraphError(400, "BadRequest", f"event is one of {', '.join(sorted(LIFECYCLE_EVENTS))}.")
        world.spawn(delivery.lifecycle(world, entry, event))
        return web.json_response({"subscription": entry.id, "event": event}, status=202)

    return [
        web.post("/_sandbox/keys/rotate", rotate),
        web.post("/_sandbox/tokens/expire", expire),
        web.post("/_sandbox/subscriptions/{id}/lifecycle", lifecycle),
    ]


def _log_routes(world: World) -> list[web.RouteDef]:
    async def read(request: web.Request) -> web.StreamResponse:
        since, wait = int(request.query.get("since", 0)), float(request.query.get("wait", 0))
        if wait > 0 and len(world.log) <= since:
            await _grown(world, since, wait)
        return web.json_response({"lines": world.log[max(since, 0) :], "next": len(world.log)})

    async def state(_: web.Request) -> web.StreamResponse:
        _settle(world)
        return web.json_response(_state(world))

    return [
        web.get("/_sandbox/log", read),
        web.get("/_sandbox/state", state),
    ]


async def _grown(world: World, since: int, seconds: float) -> None:
    async with world.changed:
        try:
            await asyncio.wait_for(world.changed.wait_for(lambda: len(world.log) > since), timeout=seconds)
        except TimeoutError:
            return


def _state(world: World) -> Json:
    tenant = world.tenant
    shown: dict[str, Any] = {
        "clock": _clock(world),
        "tenant_id": world.tenant_id,
        "client_id": world.client_id,
        "messaging_endpoint": world.messaging_endpoint,
        "users": [asdict(user) for user in world.users.values()],
        "channels": [asdict(channel) for channel in world.channels.values()],
        "roles": [asdict(role) for role in tenant.roles.values()],
        "policies": [asdict(policy) for policy in tenant.policies.values()],
        "groups": [asdict(group) for group in tenant.groups.values()],
        "group_policies": [
            {"group": group_id, "access": access, **asdict(policy)}
            for (group_id, access), policy in tenant.group_policies.items()
        ],
        "requests": [
            detail(world, request) for request in (*tenant.requests.values(), *tenant.group_requests.values())
        ],
        "assignments": [
            {**asdict(entry), **{when: graph_time(getattr(entry, when)) for when in _ASSIGNMENT_TIMES}}
            for entry in tenant.assignments.values()
        ],
        "group_assignments": [
            {**asdict(entry), **{when: graph_time(getattr(entry, when)) for when in _ASSIGNMENT_TIMES}}
            for entry in tenant.group_assignments.values()
        ],
        "subscriptions": [
            {
                "id": entry.id,
                "resource": entry.resource,
                "notification_url": entry.notification_url,
                "lifecycle_url": entry.lifecycle_url,
                "expires_at": graph_time(entry.expires_at),
            }
            for entry in tenant.subscriptions.values()
        ],
        "faults": [asdict(fault) for fault in world.faults.values()],
        "log": world.log[-_STATE_LINES:],
    }
    return shown

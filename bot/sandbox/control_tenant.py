"""``/_sandbox/world``, ``policies``, ``eligibilities``, ``group-…``, ``groups`` and ``users``:
change the tenant as it runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from aiohttp import web

from bot.sandbox import pim_groups
from bot.sandbox.durations import graph_time, parse_time
from bot.sandbox.graph_http import GraphError, Json, body_of
from bot.sandbox.tenant import Eligibility, Group, GroupEligibility, RolePolicy
from bot.sandbox.world import World

NUMBERS = ("page_size", "mail_delay_seconds", "notification_backoff_seconds", "propagation_seconds")
SWITCHES = ("premium_licence", "reactivation_extends")
SETS = ("app_roles", "delegated_scopes")
PEOPLE = ("single_factor", "no_step_up")
POLICY_FIELDS = (
    "approval_required",
    "approver_justification",
    "maximum_duration",
    "enabled_rules",
    "authentication_context",
)


def routes(world: World) -> list[web.RouteDef]:
    async def change_world(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        _change_world(world, body)
        return web.json_response(_settings(world))

    async def change_policy(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        policy = world.tenant.policies[world.tenant.role(request.match_info["role"]).id]
        _change_policy(world, policy, body)
        return web.json_response(asdict(policy))

    async def add_eligibility(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        principal = (
            group_of(world, body["group"]).id if "group" in body else world.user(body["user"]).object_id
        )
        start, end = (parse_time(body[name]) if body.get(name) else None for name in ("start", "end"))
        role = world.tenant.role(body["role"])
        made = Eligibility(world.new_id(), principal, role.id, body.get("scope", "/"), start, end)
        world.tenant.eligibilities[made.id] = made
        shown = {**asdict(made), "start": graph_time(start), "end": graph_time(end)}
        return web.json_response(shown, status=201)

    async def remove_eligibility(request: web.Request) -> web.StreamResponse:
        del world.tenant.eligibilities[request.match_info["id"]]
        return web.Response(status=204)

    return [
        web.patch("/_sandbox/world", change_world),
        web.patch("/_sandbox/policies/{role}", change_policy),
        web.post("/_sandbox/eligibilities", add_eligibility),
        web.delete("/_sandbox/eligibilities/{id}", remove_eligibility),
        *_group_routes(world),
    ]


def _group_routes(world: World) -> list[web.RouteDef]:
    async def add_group_eligibility(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        if body.get("access", "member") not in {"member", "owner"}:
            raise GraphError(400, "BadRequest", "access is 'member' or 'owner'.")
        (principal,) = _ids(world, [body["principal"]])
        start, end = (parse_time(body[name]) if body.get(name) else None for name in ("start", "end"))
        group, access = group_of(world, body["group"]).id, body.get("access", "member")
        made = GroupEligibility(world.new_id(), group, principal, access, start, end)
        world.tenant.group_eligibilities[made.id] = made
        shown = {**asdict(made), "start": graph_time(start), "end": graph_time(end)}
        return web.json_response(shown, status=201)

    async def remove_group_eligibility(request: web.Request) -> web.StreamResponse:
        del world.tenant.group_eligibilities[request.match_info["id"]]
        return web.Response(status=204)

    async def add_group(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        members, owners = (_ids(world, body.get(name, ())) for name in ("members", "owners"))
        role_assignable = body.get("role_assignable", False) is True
        made = Group(world.new_id(), str(body["name"]), members, role_assignable, owners)
        world.tenant.groups[made.id] = made
        return web.json_response(asdict(made), status=201)

    async def change_group_policy(request: web.Request) -> web.StreamResponse:
        """Changing a group's settings brings the group under PIM's management."""
        wanted = (group_of(world, request.match_info["group"]).id, request.match_info["access"])
        pim_groups.onboard(world, wanted[0])
        policy = world.tenant.group_policies[wanted]
        _change_policy(world, policy, await body_of(request))
        return web.json_response(asdict(policy))

    async def change_group(request: web.Request) -> web.StreamResponse:
        group = group_of(world, request.match_info["group"])
        body = await body_of(request)
        if not body or body.keys() - {"members", "owners"}:
            raise GraphError(400, "BadRequest", "A group's members and owners can be changed.")
        for name in body:
            setattr(group, name, _ids(world, body[name]))
        return web.json_response(asdict(group))

    async def change_user(request: web.Request) -> web.StreamResponse:
        user = world.user(request.match_info["user"])
        user.guest = (await body_of(request))["guest"] is True
        return web.json_response({"object_id": user.object_id, "guest": user.guest})

    return [
        web.post("/_sandbox/group-eligibilities", add_group_eligibility),
        web.delete("/_sandbox/group-eligibilities/{id}", remove_group_eligibility),
        web.patch("/_sandbox/group-policies/{group}/{access:member|owner}", change_group_policy),
        web.post("/_sandbox/groups", add_group),
        web.patch("/_sandbox/groups/{group}", change_group),
        web.patch("/_sandbox/users/{user}", change_user),
    ]


def _change_policy(world: World, policy: RolePolicy, body: Json) -> None:
    for name in body.keys() & set(POLICY_FIELDS):
        setattr(policy, name, body[name])
    if "approver_users" in body:
        policy.approver_users = _ids(world, body["approver_users"])
    if "approver_groups" in body:
        policy.approver_groups = [group_of(world, name).id for name in body["approver_groups"]]


def _change_world(world: World, body: Json) -> None:
    known = {
        *NUMBERS,
        *SWITCHES,
        *SETS,
        *PEOPLE,
        "consented",
        "require_claims",
        "obo_refusals",
        "pending_status",
    }
    if unknown := body.keys() - known:
        text = f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(sorted(known))}."
        raise GraphError(400, "BadRequest", text)
    for name in body.keys() & set(NUMBERS):
        setattr(world, name, type(getattr(world, name))(body[name]))
    for name in body.keys() & set(SWITCHES):
        setattr(world, name, bool(body[name]))
    for name in body.keys() & set(SETS):
        setattr(world, name, set(body[name]))
    for name in body.keys() & set(PEOPLE):
        setattr(world, name, set(_ids(world, body[name])))
    if "consented" in body:
        world.consented = None if body["consented"] is None else set(_ids(world, body["consented"]))
    if "require_claims" in body:
        wanted = body["require_claims"]
        world.require_claims = {world.user(user).object_id: claims for user, claims in wanted.items()}
    if "obo_refusals" in body:
        refused = body["obo_refusals"]
        world.obo_refusals = {world.user(user).object_id: int(number) for user, number in refused.items()}
    world.pending_status = body.get("pending_status", world.pending_status)


def _settings(world: World) -> Json:
    return {
        **{name: getattr(world, name) for name in (*NUMBERS, *SWITCHES)},
        **{name: sorted(getattr(world, name)) for name in (*SETS, *PEOPLE)},
        "consented": None if world.consented is None else sorted(world.consented),
        "require_claims": world.require_claims,
        "obo_refusals": world.obo_refusals,
        "pending_status": world.pending_status,
    }


def _ids(world: World, names: Iterable[str]) -> list[str]:
    """Object ids of users (by key, UPN or id) and groups (by name or id)."""
    ids = []
    for name in names:
        try:
            ids.append(world.user(name).object_id)
        except KeyError:
            ids.append(group_of(world, name).id)
    return ids


def group_of(world: World, name_or_id: str) -> Group:
    """Raises ``KeyError``."""
    for group in world.tenant.groups.values():
        if name_or_id in {group.id, group.display_name}:
            return group
    raise KeyError(name_or_id)

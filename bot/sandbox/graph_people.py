"""Graph: users, groups, their members, and directory objects of either kind."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from bot.sandbox import pim_groups
from bot.sandbox.graph_http import GraphError, Json, body_of, collection, entity, holds, not_found, require
from bot.sandbox.graph_shapes import group_json, object_json, user_json
from bot.sandbox.tenant import Group
from bot.sandbox.world import User, World

READ_USERS = {"User.Read.All", "User.ReadWrite.All", "User.ReadBasic.All", "Directory.Read.All"}
READ_GROUPS = {"GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"}
READ_OBJECTS = {"Directory.Read.All"}
READ_MEMBERSHIPS = READ_GROUPS | {"User.Read.All"}
READ_PARENTS = {"GroupMember.ReadBasic.All", "Group.ReadBasic.All", "Directory.Read.All"}
READ_OWNED = {"User.Read.All", "User.ReadWrite.All", "Directory.Read.All"}
VERSION = "/{version:v1.0|beta}"


def routes(world: World) -> list[web.RouteDef]:
    async def one_user(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_USERS, pim=False)
        return entity(request, user_json(_user(world, request.match_info["id"])), "users")

    async def me(request: web.Request) -> web.StreamResponse:
        claims = require(world, request, (), READ_USERS | {"User.Read"}, pim=False)
        return entity(request, user_json(_user(world, claims["oid"])), "users")

    async def one_object(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_OBJECTS, pim=False)
        found = object_json(world, request.match_info["id"])
        if found is None:
            raise not_found(request.match_info["id"])
        return entity(request, found, "directoryObjects")

    async def by_ids(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_OBJECTS, pim=False)
        body = await body_of(request)
        ids = body.get("ids")
        if not isinstance(ids, list) or len(ids) > 1000:
            raise GraphError(400, "Request_BadRequest", "Invalid value specified for property 'ids'.")
        found = _typed(_objects(world, (str(entry) for entry in ids)), body.get("types"))
        return collection(world, request, found, lambda item: item, "directoryObjects")

    return [
        web.get(f"{VERSION}/me", me),
        web.get(f"{VERSION}/users/{{id}}", one_user),
        web.get(f"{VERSION}/directoryObjects/{{id}}", one_object),
        web.post(f"{VERSION}/directoryObjects/getByIds", by_ids),
        web.post(f"{VERSION}/directoryObjects/microsoft.graph.getByIds", by_ids),
        *_group_routes(world),
        *_relation_routes(world),
    ]


def _user(world: World, id_or_upn: str) -> User:
    wanted = id_or_upn.lower()
    found = world.users.get(wanted)
    if found is None:
        found = next((user for user in world.users.values() if user.upn.lower() == wanted), None)
    if found is None:
        raise not_found(id_or_upn)
    return found


def _objects(world: World, ids: Iterable[str]) -> list[Json]:
    """Those that exist; unknown ids are left out without a word."""
    return [shown for entry in ids if (shown := object_json(world, entry)) is not None]


def _typed(items: list[Json], types: object) -> list[Json]:
    if not isinstance(types, list):
        return items
    wanted = {str(entry).lower() for entry in types}
    return [item for item in items if item["@odata.type"].removeprefix("#microsoft.graph.") in wanted]


def _group_routes(world: World) -> list[web.RouteDef]:
    async def one_group(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_GROUPS, pim=False)
        return entity(request, group_json(_group(world, request)), "groups")

    async def members(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_GROUPS, pim=False)
        pim_groups.settle(world)
        group = _group(world, request)
        transitive = request.match_info["which"] == "transitiveMembers"
        found = _objects(world, world.tenant.transitive_members(group.id) if transitive else group.members)
        cast = request.match_info.get("cast")
        if cast is not None:
            found = [item for item in found if item["@odata.type"] == f"#{cast}"]
        return collection(world, request, found, lambda item: item, "directoryObjects")

    which = f"{VERSION}/groups/{{id}}/{{which:members|transitiveMembers}}"
    return [
        web.get(f"{VERSION}/groups/{{id}}", one_group),
        web.get(which, members),
        web.get(f"{which}/{{cast:microsoft\\.graph\\.(?:user|group)}}", members),
    ]


def _relation_routes(world: World) -> list[web.RouteDef]:
    """What users and groups are part of, and what they own. Group docs ask for more than user docs."""

    async def groups_of_user(request: web.Request) -> web.StreamResponse:
        claims = require(world, request, READ_MEMBERSHIPS, pim=False)
        return _groups_of(world, request, _user(world, request.match_info["id"]).object_id, claims)

    async def groups_of_group(request: web.Request) -> web.StreamResponse:
        claims = require(world, request, READ_PARENTS, pim=False)
        return _groups_of(world, request, _group(world, request).id, claims)

    async def parents(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_GROUPS, pim=False)
        pim_groups.settle(world)
        child = _group(world, request).id
        found = (group.id for group in world.tenant.groups.values() if child in group.members)
        return collection(world, request, _objects(world, found), lambda item: item, "directoryObjects")

    async def owned(request: web.Request) -> web.StreamResponse:
        # Graph's pages contradict each other on whether an app may; the older ones name these.
        claims = require(world, request, READ_OWNED, pim=False)
        pim_groups.settle(world)
        who = _user(world, request.match_info["id"]).object_id
        owning = (group.id for group in world.tenant.groups.values() if who in group.owners)
        return _groups(world, request, owning, claims)

    async def owners(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_GROUPS, pim=False)
        pim_groups.settle(world)
        found = _objects(world, _group(world, request).owners)
        return collection(world, request, found, lambda item: item, "directoryObjects")

    return [
        web.get(f"{VERSION}/users/{{id}}/transitiveMemberOf", groups_of_user),
        web.get(f"{VERSION}/groups/{{id}}/transitiveMemberOf", groups_of_group),
        web.get(f"{VERSION}/groups/{{id}}/memberOf", parents),
        web.get(f"{VERSION}/users/{{id}}/ownedObjects", owned),
        web.get(f"{VERSION}/groups/{{id}}/owners", owners),
    ]


def _groups_of(world: World, request: web.Request, principal_id: str, claims: Json) -> web.StreamResponse:
    pim_groups.settle(world)
    return _groups(world, request, world.tenant.transitive_member_of(principal_id), claims)


def _groups(world: World, request: web.Request, ids: Iterable[str], claims: Json) -> web.StreamResponse:
    """To a caller who may not read groups: that they are there, and nothing else (Graph docs, "Limited
    information returned for inaccessible member objects").
    """
    found = _objects(world, ids)
    if not holds(claims, READ_GROUPS, READ_GROUPS):
        shown = {"@odata.type", "id"}
        found = [{name: item[name] if name in shown else None for name in item} for item in found]
    return collection(world, request, found, lambda item: item, "directoryObjects")


def _group(world: World, request: web.Request) -> Group:
    found = world.tenant.groups.get(request.match_info["id"].lower())
    if found is None:
        raise not_found(request.match_info["id"])
    return found

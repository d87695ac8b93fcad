"""Who is where: members of conversations, teams and their channels, as the connector tells it."""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from bot.sandbox.teams_refusals import BotFrameworkError, conversation_of
from bot.sandbox.teams_state import TeamsState
from bot.sandbox.world import TeamsChannel, User


def _member(state: TeamsState, user: User) -> dict[str, Any]:
    given, _, surname = user.display_name.partition(" ")
    return {
        "id": user.teams_id,
        "name": user.display_name,
        "objectId": user.object_id,
        "aadObjectId": user.object_id,
        "givenName": given,
        "surname": surname,
        "email": user.upn,
        "userPrincipalName": user.upn,
        "tenantId": state.world.tenant_id,
        "userRole": "guest" if user.guest else "user",
    }


def _roster(state: TeamsState, where: TeamsChannel | User) -> list[dict[str, Any]]:
    if isinstance(where, User):
        return [_member(state, where)]
    return [_member(state, state.world.users[oid]) for oid in where.members if oid in state.world.users]


async def members(state: TeamsState, request: web.Request) -> web.Response:
    _, where = conversation_of(state, request)
    return web.json_response(_roster(state, where))


async def member(state: TeamsState, request: web.Request) -> web.Response:
    """One member, by Teams id, object id or user principal name."""
    _, where = conversation_of(state, request)
    wanted = request.match_info["member"].lower()
    for account in _roster(state, where):
        if wanted in {account[k].lower() for k in ("id", "objectId", "userPrincipalName")}:
            return web.json_response(account)
    raise BotFrameworkError(404, "MemberNotFoundInConversation", "The member is not in the conversation.")


async def paged_members(state: TeamsState, request: web.Request) -> web.Response:
    """``pageSize`` is held between 50 (``smallest_page``) and 500, as Teams does."""
    _, where = conversation_of(state, request)
    token = request.query.get("continuationToken", "0")
    size = request.query.get("pageSize", "200")
    if not token.isdecimal() or not size.isdecimal():
        raise BotFrameworkError(400, "BadArgument", "Invalid pageSize or continuationToken")
    roster, start = _roster(state, where), int(token)
    end = start + min(max(int(size), state.smallest_page), 500)
    page: dict[str, Any] = {"members": roster[start:end]}
    if end < len(roster):
        page["continuationToken"] = str(end)
    return web.json_response(page)


def _channels_of(state: TeamsState, team_id: str) -> list[TeamsChannel]:
    channels = list(state.world.channels.values())
    home = {c.team_id for c in channels if team_id in {c.id, c.team_id}}
    found = [c for c in channels if c.team_id in home]
    if not found:
        raise BotFrameworkError(404, "NotFound", "The team was not found.")
    return found


async def team(state: TeamsState, request: web.Request) -> web.Response:
    team_id = request.match_info["team"]
    channels = _channels_of(state, team_id)
    everyone = {oid for channel in channels for oid in channel.members}
    return web.json_response(
        {
            "id": channels[0].team_id,
            "name": "Identity Operations",
            "aadGroupId": str(uuid.uuid5(uuid.NAMESPACE_URL, channels[0].team_id)),
            "tenantId": state.world.tenant_id,
            "type": "standard",
            "channelCount": len(channels),
            "memberCount": len(everyone),
        }
    )


async def team_channels(state: TeamsState, request: web.Request) -> web.Response:
    channels = _channels_of(state, request.match_info["team"])
    listed = [{"id": c.id, "name": c.name, "type": "standard"} for c in channels]
    return web.json_response({"conversations": listed})

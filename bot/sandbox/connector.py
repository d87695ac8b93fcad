"""The Bot Connector: what a bot calls to post, edit and read in Teams (``/connector/v3/…``).

After the public Connector API; error codes and messages as Teams gives them (Microsoft Teams
documentation, "Status codes from bot conversational APIs").
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web

from bot.sandbox import teams_keys, teams_roster, teams_sign_in, tokens
from bot.sandbox.teams_refusals import (
    BotFrameworkError,
    account_of,
    conversation_of,
    resolve,
    unknown_conversation,
)
from bot.sandbox.teams_state import ADAPTIVE_CARD, Message, TeamsState, split
from bot.sandbox.world import World

MAX_UTF16_BYTES = 100 * 1024
"""Teams documentation, "Format your bot messages": about 100 KB, counted in UTF-16."""
_SILENT = frozenset({"typing", "event", "trace", "endOfConversation", "invokeResponse"})
"""Activities that leave nothing to see in the conversation."""

Handler = Callable[[TeamsState, web.Request], Awaitable[web.StreamResponse]]


def routes(world: World) -> list[web.RouteDef]:
    """Everything under ``/connector/``, and the keys that the Bot Connector signs with."""
    v3 = "/connector/v3"
    one = f"{v3}/conversations/{{conversation}}"
    activity = f"{one}/activities/{{activity}}"

    def on(method: str, path: str, handler: Handler) -> web.RouteDef:
        return web.route(method, path, partial(_guarded, world, handler))

    return [
        on("POST", f"{v3}/conversations", create_conversation),
        on("POST", f"{one}/activities", send),
        on("POST", activity, send),
        on("PUT", activity, update),
        on("DELETE", activity, delete),
        on("GET", f"{one}/members", teams_roster.members),
        on("GET", f"{one}/members/{{member}}", teams_roster.member),
        on("GET", f"{one}/pagedmembers", teams_roster.paged_members),
        on("GET", f"{v3}/teams/{{team}}", teams_roster.team),
        on("GET", f"{v3}/teams/{{team}}/conversations", teams_roster.team_channels),
        *teams_keys.routes(world),
    ]


async def _guarded(world: World, handler: Handler, request: web.Request) -> web.StreamResponse:
    """Only the bot itself may come in; refusals are answered in the Bot Framework's shape."""
    try:
        tokens.bearer(world, request, audience=tokens.BOT_FRAMEWORK)
        return await handler(TeamsState.of(world), request)
    except BotFrameworkError as refused:
        return refused.response()


# Reading what the bot sent ------------------------------------------------------------------


async def _json_object(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise BotFrameworkError(400, "BadSyntax", "Bad format of the request body") from error
    if not isinstance(body, dict):
        raise BotFrameworkError(400, "BadSyntax", "Bad format of the request body")
    return body


def _checked(activity: dict[str, Any]) -> dict[str, Any]:
    """The activity, if Teams would take it."""
    attachments = activity.get("attachments") or []
    if not isinstance(attachments, list) or not all(isinstance(a, dict) for a in attachments):
        raise BotFrameworkError(400, "BadSyntax", "Bad format of attachments")
    for attachment in attachments:
        content = attachment.get("content")
        if attachment.get("contentType") == ADAPTIVE_CARD and not (
            isinstance(content, dict) and content.get("type") == "AdaptiveCard"
        ):
            raise BotFrameworkError(400, "BadSyntax", "Adaptive Card in attachment content is not valid")
    if not activity.get("text") and not attachments and activity.get("type", "message") not in _SILENT:
        message = "Activity must include non empty 'text' field or at least 1 attachment"
        raise BotFrameworkError(400, "BadSyntax", message)
    _check_size(activity)
    return activity


def _check_size(activity: dict[str, Any]) -> None:
    text = json.dumps(activity, ensure_ascii=False, separators=(",", ":"))
    # A character takes four bytes of UTF-16 at most; only large texts are worth encoding.
    if 4 * len(text) > MAX_UTF16_BYTES and len(text.encode("utf-16-le", "surrogatepass")) > MAX_UTF16_BYTES:
        raise BotFrameworkError(413, "MessageSizeTooBig", "Message size too large.")


def _admit(state: TeamsState, base: str) -> None:
    wait = state.throttle(base)
    if wait is not None:
        message = "API calls quota exceeded for this conversation."
        raise BotFrameworkError(429, "TooManyRequests", message, retry_after=wait)


def _find(state: TeamsState, request: web.Request) -> Message:
    conversation_id, _ = conversation_of(state, request)
    message = state.messages.get(request.match_info["activity"])
    if message is None or message.base != split(conversation_id)[0] or message.deleted_at is not None:
        text = "Message does not exist in the thread."
        raise BotFrameworkError(404, "ActivityNotFoundInConversation", text)
    if message.author != "bot":
        raise BotFrameworkError(403, "Forbidden", "A bot can change its own messages only.")
    return message


# Posting and editing ------------------------------------------------------------------------


async def create_conversation(state: TeamsState, request: web.Request) -> web.Response:
    """A new post in a channel (``channelData.channel.id``), or a 1:1 chat (``members``)."""
    body = await _json_object(request)
    data = body.get("channelData")
    channel = data.get("channel") if isinstance(data, dict) else None
    activity = body.get("activity")
    if activity is not None and not isinstance(activity, dict):
        raise BotFrameworkError(400, "BadSyntax", "Bad format of activity")
    if isinstance(channel, dict):
        return await _post_in_channel(state, str(channel.get("id")), activity)
    return await _open_personal(state, body, activity)


async def _post_in_channel(
    state: TeamsState, channel_id: str, activity: dict[str, Any] | None
) -> web.Response:
    if channel_id not in state.world.channels:
        raise unknown_conversation()
    resolve(state, channel_id)
    if activity is None:
        raise BotFrameworkError(400, "BadSyntax", "Incorrect conversation creation parameters")
    message = await _show(state, channel_id, _checked(activity), reply_to_id=None)
    return _created(state, message.conversation_id, message.id)


async def _open_personal(
    state: TeamsState, body: dict[str, Any], activity: dict[str, Any] | None
) -> web.Response:
    accounts = [m for m in body.get("members") or () if isinstance(m, dict)]
    if len(accounts) != 1 or body.get("isGroup"):
        raise BotFrameworkError(400, "BadSyntax", "Incorrect conversation creation parameters")
    user = account_of(state, str(accounts[0].get("id")))
    if user is None:
        raise BotFrameworkError(400, "BadSyntax", "Failed to decrypt pairwise id")
    if user.key in state.not_installed_for:
        # Teams docs, "Send proactive messages", status codes.
        text = "The bot isn't installed in user's personal scope."
        raise BotFrameworkError(403, "ForbiddenOperationException", text)
    conversation_id = state.personal_chat(user)
    if activity is None:
        return _created(state, conversation_id, None)
    message = await _show(state, conversation_id, _checked(activity), reply_to_id=None)
    return _created(state, conversation_id, message.id)


def _created(state: TeamsState, conversation_id: str, activity_id: str | None) -> web.Response:
    body = {"id": conversation_id, "activityId": activity_id, "serviceUrl": state.service_url}
    return web.json_response({k: v for k, v in body.items() if v is not None}, status=201)


async def send(state: TeamsState, request: web.Request) -> web.Response:
    """A message; a reply to an unknown id is accepted, as in Teams."""
    conversation_id, _ = conversation_of(state, request)
    activity = _checked(await _json_object(request))
    if activity.get("type", "message") in _SILENT:
        return web.json_response({"id": state.next_id()}, status=201)
    reply_to_id = request.match_info.get("activity")
    message = await _show(state, conversation_id, activity, reply_to_id)
    return web.json_response({"id": message.id}, status=201)


async def _show(
    state: TeamsState, conversation_id: str, activity: dict[str, Any], reply_to_id: str | None
) -> Message:
    base, root = split(conversation_id)
    _admit(state, base)
    message_id = state.next_id()
    channel = state.world.channels.get(base)
    if channel is not None and root is None:
        conversation_id = f"{base};messageid={reply_to_id or message_id}"
    message = state.add(conversation_id, "bot", activity, message_id=message_id, reply_to_id=reply_to_id)
    await _record(state, "posted", message)
    teams_sign_in.meet(state, message)
    return message


async def _record(state: TeamsState, deed: str, message: Message) -> None:
    what = "card" if message.latest.card is not None else "message"
    channel = state.world.channels.get(message.base)
    await state.world.record(
        "teams",
        f"{what}_{deed}",
        conversation_id=message.conversation_id,
        activity_id=message.id,
        channel=channel.key if channel else None,
        version=message.latest.number,
    )


async def update(state: TeamsState, request: web.Request) -> web.Response:
    """Replace a message in place."""
    message = _find(state, request)
    activity = _checked(await _json_object(request))
    _admit(state, message.base)
    state.edit(message, activity)
    await _record(state, "edited", message)
    return web.json_response({"id": message.id})


async def delete(state: TeamsState, request: web.Request) -> web.Response:
    message = _find(state, request)
    message.deleted_at = state.world.now()
    await _record(state, "deleted", message)
    return web.Response()

"""Reading the sandbox's Teams: who is who, which messages there are, what a user sees."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox.teams_state import Message, TeamsState, Version, split
from bot.sandbox.world import TeamsChannel, User


class ControlError(Exception):
    """The remote control was asked for something that can't be done; ``status`` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object sent, empty when nothing was. Raises ``ControlError``."""
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise ControlError(400, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise ControlError(400, "the body is not a JSON object")
    return body


def asked(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError(400, f"{name} is missing")
    return value


def user_of(state: TeamsState, key_or_id: str) -> User:
    try:
        return state.world.user(key_or_id)
    except KeyError:
        raise ControlError(404, f"no user {key_or_id!r}") from None


def channel_of(state: TeamsState, key_or_id: str) -> TeamsChannel:
    try:
        return state.channel(key_or_id)
    except KeyError:
        raise ControlError(404, f"no channel {key_or_id!r}") from None


def message_of(state: TeamsState, activity_id: str) -> Message:
    found = state.messages.get(activity_id)
    if found is None:
        raise ControlError(404, f"no activity {activity_id!r}")
    return found


def may_see(state: TeamsState, base: str, user: User) -> bool:
    """Whether a user is in a conversation."""
    channel = state.world.channels.get(base)
    if channel is not None:
        return user.object_id in channel.members
    other = state.personal.get(base)
    return other is not None and other.object_id == user.object_id


async def conversations(state: TeamsState, _request: web.Request) -> dict[str, Any]:
    """Every thread and 1:1 chat with a message in it, and the channels themselves."""
    listed: dict[str, dict[str, Any]] = {
        c.id: {"id": c.id, "type": "channel", "channel": c.key, "name": c.name, "activities": 0}
        for c in state.world.channels.values()
    }
    for chat, user in state.personal.items():
        listed[chat] = {"id": chat, "type": "personal", "user": user.key, "activities": 0}
    threads: dict[str, dict[str, Any]] = {}
    for message in state.messages.values():
        whole = listed[message.base]
        whole["activities"] += 1
        if message.conversation_id != message.base:
            entry = {**whole, "id": message.conversation_id, "type": "thread", "activities": 0}
            entry = threads.setdefault(message.conversation_id, entry)
            entry["activities"] += 1
    return {"conversations": [*listed.values(), *threads.values()]}


async def conversation_activities(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """Of a thread (``;messageid=``), a whole channel (id or key), or a 1:1 chat."""
    wanted = request.match_info["conversation"]
    if wanted in state.personal or split(wanted)[1] is not None:
        return _listed(request, (m for m in state.messages.values() if m.conversation_id == wanted))
    return _of_channel(state, request, wanted)


async def channel_activities(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """``?channel=`` key or id; without it, of all conversations."""
    wanted = request.query.get("channel")
    if wanted is None:
        return _listed(request, state.messages.values())
    return _of_channel(state, request, wanted)


def _of_channel(state: TeamsState, request: web.Request, key_or_id: str) -> dict[str, Any]:
    channel = channel_of(state, key_or_id)
    return _listed(request, (m for m in state.messages.values() if m.base == channel.id))


def _listed(request: web.Request, messages: Iterable[Message]) -> dict[str, Any]:
    """``?since=`` an activity id: only later ones. ``?history=0``: without earlier versions."""
    since, history = request.query.get("since", "0"), request.query.get("history") != "0"
    if not since.isdecimal():
        raise ControlError(400, "since is an activity id")
    return {"activities": [_as_json(m, history=history) for m in messages if int(m.id) > int(since)]}


async def views(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """``?user=&activity_id=``: the card this user sees, and whether it is theirs alone."""
    user = user_of(state, asked(request.query, "user"))
    message = message_of(state, asked(request.query, "activity_id"))
    if not may_see(state, message.base, user):
        raise ControlError(409, f"{user.key} is no member of this conversation")
    card = None if message.deleted_at is not None else message.seen_by(user)
    own = card is not None and card is not message.latest.card
    return {"card": card, "own": own, "version": message.latest.number}


def _as_json(message: Message, *, history: bool) -> dict[str, Any]:
    first, latest = message.versions[0], message.latest
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "from": message.author,
        "reply_to_id": message.reply_to_id,
        "type": latest.sent.get("type", "message"),
        "text": latest.text,
        "summary": latest.sent.get("summary"),
        "card": latest.card,
        "version": latest.number,
        "created_at": first.at.isoformat(),
        "edited_at": latest.at.isoformat() if latest is not first else None,
        "deleted_at": message.deleted_at.isoformat() if message.deleted_at else None,
        "history": [_version(v) for v in message.versions] if history else [],
    }


def _version(version: Version) -> dict[str, Any]:
    return {
        "version": version.number,
        "at": version.at.isoformat(),
        "text": version.text,
        "card": version.card,
    }

"""Requests that Teams would never send, for tests of what the bot refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import teams_activities, teams_wire
from bot.sandbox.teams_reading import ControlError, body_of, channel_of, user_of
from bot.sandbox.teams_state import TeamsState


async def raw(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """Send anything to the messaging endpoint, signed in any way.

    ``activity``: merged over a plain message of ``user`` (in ``channel``, else 1:1); a null takes
    a field away (RFC 7396). With ``"complete": true`` it is sent as it is. ``text_body`` replaces
    the whole body, ``content_type`` its type. ``token``: see ``teams_wire.forged_token``.
    ``authorization``: the literal header, null for none.
    """
    wish = await body_of(request)
    headers = {"Content-Type": wish.get("content_type", "application/json; charset=utf-8")}
    authorization = _authorization(state, wish)
    if authorization is not None:
        headers["Authorization"] = authorization
    answer = await teams_wire.post(state, _body(state, wish).encode(), headers)
    await state.world.record("teams", "raw", status=answer.status, ms=answer.ms)
    return answer.json()


def _authorization(state: TeamsState, wish: Mapping[str, Any]) -> str | None:
    if "authorization" in wish:
        literal = wish["authorization"]
        return None if literal is None else str(literal)
    return f"Bearer {teams_wire.forged_token(state, wish.get('token') or {})}"


def _body(state: TeamsState, wish: Mapping[str, Any]) -> str:
    if isinstance(wish.get("text_body"), str):
        return str(wish["text_body"])
    activity = wish.get("activity")
    if not wish.get("complete"):
        activity = merge_patch(_plain_message(state, wish), activity or {})
    return json.dumps(activity)


def _plain_message(state: TeamsState, wish: Mapping[str, Any]) -> dict[str, Any]:
    everyone = list(state.world.users.values())
    if not everyone:
        raise ControlError(409, "the sandbox has no users")
    user = user_of(state, wish["user"]) if wish.get("user") else everyone[0]
    message_id = state.next_id()
    conversation_id = state.personal_chat(user)
    if wish.get("channel"):
        conversation_id = f"{channel_of(state, wish['channel']).id};messageid={message_id}"
    return teams_activities.message(state, user, conversation_id, message_id, "hello", mention=False)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396, without changing its arguments."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged

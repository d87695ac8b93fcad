"""What some ``Action.Submit`` buttons do in the Teams client: open a dialog, or write for the user.

Sources: Teams documentation, "Use dialogs in Microsoft Teams bots" (``task/fetch``, ``task/submit``)
and "Card actions" (``imBack``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import teams_activities, teams_cards, teams_wire
from bot.sandbox.teams_reading import ControlError, asked, body_of, user_of
from bot.sandbox.teams_state import ADAPTIVE_CARD, Dialog, Message, TeamsState
from bot.sandbox.teams_wire import Answer
from bot.sandbox.world import User

_CONTEXT = {"theme": "default"}
_SIZES = {"small", "medium", "large"}


def kind_of(data: Mapping[str, Any]) -> str | None:
    """What the client does with a button itself; None: it sends the data."""
    own = data.get("msteams")
    kind = own.get("type") if isinstance(own, dict) else None
    return kind if kind in {"task/fetch", "imBack"} else None


async def pressed(state: TeamsState, user: User, found: Message, data: dict[str, Any]) -> dict[str, Any]:
    """A press on such a button."""
    if kind_of(data) == "imBack":
        return await _write(state, user, found.conversation_id, data["msteams"].get("value"))
    activity = teams_activities.invoke(
        state, user, found.conversation_id, found.id, {"data": data, "context": _CONTEXT}
    )
    return await _asked_bot(state, user, found, {**activity, "name": "task/fetch"})


async def _write(state: TeamsState, user: User, conversation_id: str, text: Any) -> dict[str, Any]:
    if not isinstance(text, str) or not text:
        raise ControlError(409, "imBack needs a value: the text to write")
    message_id = state.next_id()
    activity = teams_activities.message(state, user, conversation_id, message_id, text, mention=False)
    state.add(conversation_id, user.key, activity, message_id=message_id)
    answer = await teams_wire.deliver(state, activity)
    await state.world.record("teams", "message", user=user.key, status=answer.status, by="imBack")
    return {**answer.json(), "shown": "message", "activity_id": message_id}


async def submit(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """Send the dialog that is open: ``{"user", "inputs", "title", "force"}``."""
    body = await body_of(request)
    user = user_of(state, asked(body, "user"))
    open_one = state.dialogs.get(user.object_id)
    if open_one is None:
        raise ControlError(409, f"{user.key} has no dialog open")
    inputs = body.get("inputs") or {}
    if not isinstance(inputs, dict):
        raise ControlError(400, "inputs is an object: input id to value")
    button = teams_cards.find(open_one.card, verb=None, title=body.get("title") or "Send")
    if button.action.get("type") != "Action.Submit":
        raise ControlError(409, "dialogs are sent by Action.Submit")
    data = teams_cards.data_of(button, inputs, force=bool(body.get("force")))
    value = {"data": data, "context": _CONTEXT}
    found = open_one.opened_on
    activity = teams_activities.invoke(state, user, found.conversation_id, found.id, value)
    return await _asked_bot(state, user, found, {**activity, "name": "task/submit"})


async def close(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """The user closes the dialog: the bot hears nothing. ``{"user"}``."""
    user = user_of(state, asked(await body_of(request), "user"))
    return {"closed": state.dialogs.pop(user.object_id, None) is not None}


async def _asked_bot(
    state: TeamsState, user: User, found: Message, activity: dict[str, Any]
) -> dict[str, Any]:
    answer = await teams_wire.deliver(state, activity)
    shown, card = shown_for(answer)
    if card is not None:
        state.dialogs[user.object_id] = Dialog(card, found)
    elif shown in {"closed", "message"}:
        state.dialogs.pop(user.object_id, None)
    name = activity["name"]
    await state.world.record("teams", "dialog", user=user.key, name=name, status=answer.status, shown=shown)
    return {**answer.json(), "shown": shown, "card": card}


def shown_for(answer: Answer) -> tuple[str, dict[str, Any] | None]:
    """What the user gets to see: ``dialog`` with its card, ``message``, ``closed``, or ``error``."""
    if answer.status != 200:
        return "error", None
    task = answer.body.get("task") if isinstance(answer.body, dict) else None
    if task is None:
        return ("closed" if not answer.body else "error"), None
    if not isinstance(task, dict):
        return "error", None
    value = task.get("value")
    match task.get("type"):
        case "message" if isinstance(value, str):
            return "message", None
        case "continue" if isinstance(value, dict):
            card = _card_of(value)
            return ("error", None) if card is None else ("dialog", card)
    return "error", None


def _card_of(value: Mapping[str, Any]) -> dict[str, Any] | None:
    attachment = value.get("card")
    if not isinstance(attachment, dict) or attachment.get("contentType") != ADAPTIVE_CARD:
        return None
    sizes = (value.get("height"), value.get("width"))
    if not all(size is None or isinstance(size, int) or size in _SIZES for size in sizes):
        return None
    card = attachment.get("content")
    return card if isinstance(card, dict) and card.get("type") == "AdaptiveCard" else None

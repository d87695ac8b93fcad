"""What people do in Teams, by remote control (``/_sandbox/teams/…``): read, click, write.

It plays the Teams client and the Bot Connector behind it, and does nothing that they would not
do: a button that is not on the card the user sees can't be clicked (409), and inputs that the
client would not send are refused (422). What comes back says what the *bot* answered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web

from bot.sandbox import (
    teams_activities,
    teams_cards,
    teams_dialogs,
    teams_raw,
    teams_reading,
    teams_sign_in,
    teams_wire,
)
from bot.sandbox.teams_reading import ControlError, asked, body_of, message_of, user_of
from bot.sandbox.teams_state import Message, TeamsState, View
from bot.sandbox.teams_wire import Answer
from bot.sandbox.world import User, World

Handler = Callable[[TeamsState, web.Request], Awaitable[dict[str, Any]]]


def routes(world: World) -> list[web.RouteDef]:
    """Everything under ``/_sandbox/teams/``. No authentication: loopback only."""

    def on(method: str, path: str, handler: Handler) -> web.RouteDef:
        return web.route(method, f"/_sandbox/teams/{path}", partial(_answered, world, handler))

    return [
        on("POST", "connect", connect),
        on("POST", "install", partial(_install, action="add")),
        on("POST", "uninstall", partial(_install, action="remove")),
        on("GET", "settings", settings),
        on("POST", "settings", change_settings),
        on("GET", "conversations", teams_reading.conversations),
        on("GET", "conversations/{conversation}/activities", teams_reading.conversation_activities),
        on("GET", "activities", teams_reading.channel_activities),
        on("GET", "views", teams_reading.views),
        on("POST", "click", click),
        on("POST", "refresh", refresh),
        on("POST", "message", message),
        on("POST", "dialog/submit", teams_dialogs.submit),
        on("POST", "dialog/close", teams_dialogs.close),
        on("POST", "raw", teams_raw.raw),
        on("POST", "signin", teams_sign_in.sign_in),
        on("POST", "signout", teams_sign_in.sign_out),
        on("POST", "verify", teams_sign_in.verify),
        *teams_sign_in.pages(world),
    ]


def cleanup_ctx(world: World) -> Callable[[web.Application], AsyncIterator[None]]:
    """For ``app.cleanup_ctx``: one pooled session while the sandbox runs."""

    async def lifetime(_app: web.Application) -> AsyncIterator[None]:
        state = TeamsState.of(world)
        # A crowd may click at once; the pool must not be the queue.
        state.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        yield
        await state.session.close()
        state.forget()

    return lifetime


async def _answered(world: World, handler: Handler, request: web.Request) -> web.Response:
    try:
        return web.json_response(await handler(TeamsState.of(world), request))
    except ControlError as refused:
        return web.json_response({"error": str(refused)}, status=refused.status)
    except (teams_cards.NoSuchActionError, teams_wire.WireError) as refused:
        return web.json_response({"error": str(refused)}, status=409)
    except teams_cards.InputRefusedError as refused:
        return web.json_response({"error": str(refused)}, status=422)


# Setting up ---------------------------------------------------------------------------------


async def connect(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """``{"messaging_endpoint": url}``: where the Azure Bot resource points."""
    endpoint = asked(await body_of(request), "messaging_endpoint")
    state.world.messaging_endpoint = endpoint
    await state.world.record("teams", "connected", messaging_endpoint=endpoint)
    return {"messaging_endpoint": endpoint, "service_url": state.service_url}


async def _install(state: TeamsState, request: web.Request, *, action: str) -> dict[str, Any]:
    """``{"channel": key}``, or every channel; ``user`` does it, by default the first member."""
    body = await body_of(request)
    wanted = body.get("channel")
    every = list(state.world.channels.values())
    channels = every if wanted is None else [teams_reading.channel_of(state, wanted)]
    results = []
    for channel in channels:
        who = user_of(state, body.get("user") or (channel.members or [*state.world.users])[0])
        if action == "add":
            state.uninstalled.discard(channel.id)
        else:
            state.uninstalled.add(channel.id)
        for activity in teams_activities.installed(state, who, channel, action):
            answer = await teams_wire.deliver(state, activity)
            results.append({"channel": channel.key, "type": activity["type"], "status": answer.status})
        event = "installed" if action == "add" else "uninstalled"
        await state.world.record("teams", event, channel=channel.key, user=who.key)
    return {"sent": results}


def _settings(state: TeamsState) -> dict[str, Any]:
    return {
        "rate_limits": state.rate_limits,
        "smallest_page": state.smallest_page,
        "connection": state.connection,
        "mixed_up": state.mixed_up,
        "not_installed_for": state.not_installed_for,
        "locale": state.locale,
        "sso": state.sso,
        "sso_as": state.sso_as,
        "signed_in": sorted(u.key for u in state.world.users.values() if state.is_signed_in(u)),
    }


async def settings(state: TeamsState, _request: web.Request) -> dict[str, Any]:
    return _settings(state)


async def change_settings(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """Any of ``rate_limits`` (bool), ``smallest_page`` (int), ``connection`` (str),
    ``not_installed_for`` (list of people's keys), ``mixed_up`` (for whom the token service has whose
    token, by key), ``sso`` (``silent``, ``off``, ``failure``), ``sso_as`` (whose token clients send by
    mistake; empty: their own).
    """
    body = await body_of(request)
    kinds: dict[str, type] = {
        "rate_limits": bool,
        "smallest_page": int,
        "connection": str,
        "not_installed_for": list,
        "mixed_up": dict,
        "locale": str,
        "sso": str,
        "sso_as": str,
    }
    for name, value in body.items():
        if name not in kinds or type(value) is not kinds[name]:
            raise ControlError(400, f"{name} is no setting, or of another type")
    for name, value in body.items():
        setattr(state, name, value)
    await state.world.record("teams", "settings_changed", **body)
    return _settings(state)


# Deeds --------------------------------------------------------------------------------------


def _visible_card(state: TeamsState, body: Mapping[str, Any]) -> tuple[User, Message, dict[str, Any]]:
    """Who, on which message, seeing which card. Raises ``ControlError`` when they could not."""
    user = user_of(state, asked(body, "user"))
    found = message_of(state, asked(body, "activity_id"))
    if found.deleted_at is not None:
        raise ControlError(409, "the message was deleted")
    if not teams_reading.may_see(state, found.base, user) and not body.get("force"):
        raise ControlError(409, f"{user.key} is no member of this conversation (force overrides)")
    card = found.seen_by(user)
    if card is None:
        raise ControlError(409, "the message has no card")
    return user, found, card


def _inputs(body: Mapping[str, Any]) -> dict[str, Any]:
    inputs = body.get("inputs") or {}
    if not isinstance(inputs, dict):
        raise ControlError(400, "inputs is an object: input id to value")
    return inputs


async def click(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """Press a button: ``{"user", "activity_id", "verb" and/or "title", "inputs", "as_submit"}``.

    ``typed`` goes into the text field nearest to the button. ``force`` skips the client's input
    validation and the membership check.
    """
    body = await body_of(request)
    user, found, card = _visible_card(state, body)
    button = teams_cards.find(card, verb=body.get("verb"), title=body.get("title"))
    if body.get("as_submit"):
        button = teams_cards.submit_fallback(button)
    inputs = {**_inputs(body), **teams_cards.typed(button, body.get("typed"))}
    data = teams_cards.data_of(button, inputs, force=bool(body.get("force")))
    kind = button.action.get("type")
    if kind == "Action.Submit" and teams_dialogs.kind_of(data):
        return await teams_dialogs.pressed(state, user, found, data)
    if kind == "Action.Submit":
        activity = teams_activities.submit(state, user, found.conversation_id, found.id, data)
        answer, shown = await teams_wire.deliver(state, activity), "nothing"
    elif kind == "Action.Execute":
        value = teams_cards.execute_value(button.action, data, "manual")
        if body.get("code"):
            # The sign-in that the client was asked for has ended in a code.
            value["state"] = str(body["code"])
        answer, shown = await _invoke(state, user, found, value)
    else:
        raise ControlError(409, f"{kind} stays in the client: nothing is sent to the bot")
    await _log_deed(
        state,
        "click",
        user,
        answer,
        activity_id=found.id,
        verb=button.action.get("verb"),
        kind=kind,
        shown=shown,
    )
    return {**answer.json(), "shown": shown}


async def refresh(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """What the client does by itself when this user looks at the card: ``{"user", "activity_id"}``."""
    body = await body_of(request)
    user, found, card = _visible_card(state, body)
    action = teams_cards.refresh_action(card, user.teams_id)
    own = action.get("data")
    data = own if isinstance(own, dict) else {}
    value = teams_cards.execute_value(action, data, "automatic")
    answer, shown = await _invoke(state, user, found, value)
    await _log_deed(
        state, "refresh", user, answer, activity_id=found.id, verb=action.get("verb"), shown=shown
    )
    return {**answer.json(), "shown": shown}


async def _invoke(state: TeamsState, user: User, found: Message, value: dict[str, Any]) -> tuple[Answer, str]:
    activity = teams_activities.invoke(state, user, found.conversation_id, found.id, value)
    answer = await teams_wire.deliver(state, activity)
    answer = await teams_sign_in.again(state, user, activity, answer)
    shown = shown_for(answer)
    if shown == "card":
        found.views[user.object_id] = View(answer.body["value"], found.latest.number, state.world.now())
    return answer, shown


def shown_for(answer: Answer) -> str:
    """What the user gets to see: ``card``, ``message``, ``sign-in`` or Teams' own ``error``.

    Only HTTP 200 with a well-formed invoke response shows anything of the bot's (Teams
    documentation, "Universal Actions": response format).
    """
    body = answer.body
    if answer.status != 200 or not isinstance(body, dict):
        return "error"
    value = body.get("value")
    match body.get("statusCode"), body.get("type"):
        case 200, "application/vnd.microsoft.card.adaptive" if _is_card(value):
            return "card"
        case 200, "application/vnd.microsoft.activity.message" if isinstance(value, str):
            return "message"
        case 401, "application/vnd.microsoft.activity.loginRequest" if isinstance(value, dict):
            return "sign-in"
        case 412, "application/vnd.microsoft.error.preconditionFailed":
            return "sign-in"
    return "error"


def _is_card(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "AdaptiveCard"


async def message(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """Write: ``{"user", "channel" | "personal": true, "text", "mention", "reply_to"}``.

    In a channel Teams hands a message to the bot only when it is mentioned.
    """
    body = await body_of(request)
    user, text = user_of(state, asked(body, "user")), asked(body, "text")
    mention = bool(body.get("mention"))
    message_id = state.next_id()
    conversation_id = _where(state, user, body, message_id)
    activity = teams_activities.message(state, user, conversation_id, message_id, text, mention=mention)
    state.add(conversation_id, user.key, activity, message_id=message_id)
    place = {"activity_id": message_id, "conversation_id": conversation_id}
    if not mention and not body.get("personal"):
        await state.world.record("teams", "message", user=user.key, delivered=False, **place)
        return {"delivered": False, "status": None, "body": None, **place}
    answer = await teams_wire.deliver(state, activity)
    await _log_deed(state, "message", user, answer, **place)
    return {"delivered": True, **answer.json(), **place}


def _where(state: TeamsState, user: User, body: Mapping[str, Any], message_id: str) -> str:
    """The conversation of a new message: the 1:1 chat, a thread, or a thread of its own."""
    if body.get("personal"):
        return state.personal_chat(user)
    channel = teams_reading.channel_of(state, asked(body, "channel"))
    if user.object_id not in channel.members and not body.get("force"):
        raise ControlError(409, f"{user.key} is no member of {channel.key} (force overrides)")
    if body.get("reply_to") is not None:
        answered = message_of(state, str(body["reply_to"]))
        if answered.base != channel.id:
            raise ControlError(409, f"{answered.id} is not in {channel.key}")
        return answered.conversation_id
    return f"{channel.id};messageid={message_id}"


async def _log_deed(state: TeamsState, deed: str, user: User, answer: Answer, **fields: Any) -> None:
    outcome: dict[str, Any] = {"status": answer.status, "ms": answer.ms}
    if answer.error is not None:
        outcome["error"] = answer.error
    await state.world.record("teams", deed, user=user.key, **fields, **outcome)

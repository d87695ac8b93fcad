"""How people's Teams clients sign in to a bot: silently, by a button, and out again.

After Teams docs ("Enable SSO for your bot", "SSO for Universal Actions"): in a personal chat a client
that meets an OAuth card, or a ``loginRequest`` in answer to an action, gets a token for the bot's
resource by itself and sends it along; where it can't, it shows the sign-in button, whose page ends
in a code. ``TeamsState.sso``: ``silent``, ``off`` (button only) or ``failure`` (the client says so).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from aiohttp import web

from bot.sandbox import teams_activities, teams_wire, tokens
from bot.sandbox.teams_reading import asked, body_of, user_of
from bot.sandbox.teams_state import Message, TeamsState
from bot.sandbox.teams_wire import Answer
from bot.sandbox.token_service import SIGN_IN_PATH, signed_in, user_of_state
from bot.sandbox.world import User, World

OAUTH_CARD = "application/vnd.microsoft.card.oauth"
LOGIN_REQUEST = "application/vnd.microsoft.activity.loginRequest"


def pages(world: World) -> list[web.RouteDef]:
    """Where sign-in links lead."""
    return [web.get(SIGN_IN_PATH, partial(_sign_in_page, world))]


async def sign_in(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """``{"user"}``; with ``"code": true`` the bot still has to redeem the code that is returned."""
    body = await body_of(request)
    user = user_of(state, asked(body, "user"))
    if not body.get("code"):
        await signed_in(state, user, yes=True)
        return {"user": user.key, "signed_in": True}
    code = _new_code(state, user)
    return {"user": user.key, "signed_in": state.is_signed_in(user), "code": code}


def _new_code(state: TeamsState, user: User) -> str:
    code = f"{int(state.world.new_id()[:8], 16) % 1_000_000:06d}"
    state.magic_codes[user.object_id] = code
    return code


async def sign_out(state: TeamsState, request: web.Request) -> dict[str, Any]:
    user = user_of(state, asked(await body_of(request), "user"))
    await signed_in(state, user, yes=False)
    return {"user": user.key, "signed_in": False}


async def verify(state: TeamsState, request: web.Request) -> dict[str, Any]:
    """The sign-in button was pressed and its page has ended: ``signin/verifyState`` with its code, or
    with the ``code`` that is given.
    """
    body = await body_of(request)
    user = user_of(state, asked(body, "user"))
    code = body.get("code") or _new_code(state, user)
    answer = await _invoke(state, user, "signin/verifyState", {"state": code})
    return answer.json()


async def _sign_in_page(world: World, request: web.Request) -> web.Response:
    """Where sign-in links lead: the person the link was made for signs in by opening it."""
    user = user_of_state(world, request.query.get("state", ""))
    if user is None:
        return web.Response(status=400, text="This sign-in link is not valid.")
    await signed_in(TeamsState.of(world), user, yes=True)
    return web.Response(text="You are signed in. You can close this page.")


async def _invoke(state: TeamsState, user: User, name: str, value: Mapping[str, Any]) -> Answer:
    chat = state.personal_chat(user)
    activity = {**teams_activities.envelope(state, "invoke", user, chat), "name": name, "value": dict(value)}
    answer = await teams_wire.deliver(state, activity)
    await state.world.record("teams", "invoke", name=name, user=user.key, status=answer.status)
    return answer


# What clients do by themselves ---------------------------------------------------------------


def meet(state: TeamsState, message: Message) -> None:
    """A client shows a new message; an OAuth card in a personal chat sets it going."""
    user = state.personal.get(message.base)
    for attachment in message.latest.sent.get("attachments") or ():
        content = attachment.get("content")
        if user is None or attachment.get("contentType") != OAUTH_CARD or not isinstance(content, dict):
            continue
        if state.sso != "off" and isinstance(content.get("tokenExchangeResource"), dict):
            state.world.spawn(_answer_card(state, user, content))


async def _answer_card(state: TeamsState, user: User, card: Mapping[str, Any]) -> None:
    if state.sso == "failure":
        failure = {"code": "resourcematchfailed", "message": "Resource match failed"}
        await _invoke(state, user, "signin/failure", failure)
        return
    token = _token(state, user, card["tokenExchangeResource"])
    value: dict[str, Any] = {
        "id": card["tokenExchangeResource"].get("id"),
        "connectionName": card.get("connectionName"),
        "token": token,
    }
    await _invoke(state, user, "signin/tokenExchange", value)


def _token(state: TeamsState, user: User, resource: Mapping[str, Any]) -> str:
    """For the resource that the bot names; of ``sso_as`` when something is mixed up."""
    whose = state.world.user(state.sso_as) if state.sso_as else user
    return tokens.user_assertion(state.world, whose, aud=str(resource.get("uri")))


async def again(state: TeamsState, user: User, activity: dict[str, Any], answer: Answer) -> Answer:
    """An action that was answered by a ``loginRequest`` in a personal chat: sent again with a token,
    where the client can get one.
    """
    body = answer.body
    asks = answer.status == 200 and isinstance(body, dict) and body.get("type") == LOGIN_REQUEST
    if not asks or state.sso != "silent" or activity["conversation"]["conversationType"] != "personal":
        return answer
    wanted = body["value"]
    authentication = {
        "id": wanted["tokenExchangeResource"]["id"],
        "connectionName": wanted["connectionName"],
        "token": _token(state, user, wanted["tokenExchangeResource"]),
    }
    repeated = {**activity, "value": {**activity["value"], "authentication": authentication}}
    return await teams_wire.deliver(state, repeated)

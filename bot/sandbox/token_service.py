"""The Bot Framework token service: user tokens kept for the bot (``/token/api/…``).

After the public Token API. Tokens are made when asked for, so that they are always fresh.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import jwt
from aiohttp import web

from bot.sandbox import tokens
from bot.sandbox.teams_refusals import BotFrameworkError
from bot.sandbox.teams_state import TeamsState
from bot.sandbox.world import User, World

SIGN_IN_PATH = "/_sandbox/teams/signin"

Handler = Callable[[TeamsState, web.Request], Awaitable[web.StreamResponse]]


def routes(world: World) -> list[web.RouteDef]:
    """Everything under ``/token/``."""
    user_token, sign_in = "/token/api/usertoken", "/token/api/botsignin"

    def on(method: str, path: str, handler: Handler) -> web.RouteDef:
        return web.route(method, path, partial(_guarded, world, handler))

    return [
        on("GET", f"{user_token}/GetToken", get_token),
        on("POST", f"{user_token}/exchange", exchange),
        on("DELETE", f"{user_token}/SignOut", sign_out),
        on("GET", f"{user_token}/GetTokenStatus", get_token_status),
        on("GET", f"{sign_in}/GetSignInUrl", get_sign_in_url),
        on("GET", f"{sign_in}/GetSignInResource", get_sign_in_resource),
    ]


async def _guarded(world: World, handler: Handler, request: web.Request) -> web.StreamResponse:
    tokens.bearer(world, request, audience=tokens.BOT_FRAMEWORK)
    try:
        return await handler(TeamsState.of(world), request)
    except BotFrameworkError as refused:
        return refused.response()


def _asked(request: web.Request, name: str) -> str:
    value = request.query.get(name)
    if not value:
        raise BotFrameworkError(400, "BadArgument", f"Missing required query string parameter: {name}.")
    return value


def _user(state: TeamsState, request: web.Request) -> User | None:
    """By Teams id only: the token service knows users by their id on the channel."""
    user_id = _asked(request, "userId")
    return next((u for u in state.world.users.values() if u.teams_id == user_id), None)


def _connection(state: TeamsState, request: web.Request) -> str:
    name = _asked(request, "connectionName")
    if name != state.connection:
        raise BotFrameworkError(400, "BadArgument", f"No OAuth connection {name!r} is set up on this bot.")
    return name


async def get_token(state: TeamsState, request: web.Request) -> web.Response:
    """The user's token; 404 while they are not signed in. A right ``code`` completes a sign-in."""
    _connection(state, request)
    user = _user(state, request)
    if user is None:
        return web.json_response({}, status=404)
    code = request.query.get("code")
    if code is not None and state.magic_codes.get(user.object_id) == code:
        del state.magic_codes[user.object_id]
        await signed_in(state, user, yes=True)
    if not state.is_signed_in(user):
        return web.json_response({}, status=404)
    return _token_response(state, request, user)


def _token_response(state: TeamsState, request: web.Request, user: User) -> web.Response:
    spoken_for = state.world.user(state.mixed_up.get(user.key, user.key))
    token = tokens.user_assertion(state.world, spoken_for)
    expires = jwt.decode(token, options={"verify_signature": False})["exp"]
    return web.json_response(
        {
            "channelId": request.query.get("channelId", "msteams"),
            "connectionName": state.connection,
            "token": token,
            "expiration": datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }
    )


async def exchange(state: TeamsState, request: web.Request) -> web.Response:
    """Single sign-on: a token the Teams client got for the bot, traded for a kept one."""
    _connection(state, request)
    user = _user(state, request)
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise BotFrameworkError(400, "BadSyntax", "The exchange request is not JSON.") from error
    token = body.get("token") if isinstance(body, dict) else None
    if user is None or not isinstance(token, str) or not _speaks_for(state.world, token, user):
        raise BotFrameworkError(400, "BadArgument", "The token can't be exchanged.")
    await signed_in(state, user, yes=True)
    return _token_response(state, request, user)


def _speaks_for(world: World, token: str, user: User) -> bool:
    bot = world.client_id
    try:
        claims = tokens.verify(world, token, (bot, f"api://{bot}", f"api://botid-{bot}"))
    except tokens.TokenRefusedError:
        return False
    return bool(claims.get("oid") == user.object_id)


async def signed_in(state: TeamsState, user: User, *, yes: bool) -> None:
    """Note that a user signed in or out, and log it when that changed anything."""
    if state.is_signed_in(user) != yes:
        state.signed_in[user.object_id] = yes
        await state.world.record("teams", "signed_in" if yes else "signed_out", user=user.key)


async def sign_out(state: TeamsState, request: web.Request) -> web.Response:
    user = _user(state, request)
    if user is not None and request.query.get("connectionName", state.connection) == state.connection:
        await signed_in(state, user, yes=False)
    return web.json_response({})


async def get_token_status(state: TeamsState, request: web.Request) -> web.Response:
    user = _user(state, request)
    wanted = {name.strip() for name in request.query.get("include", state.connection).split(",")}
    entry = {
        "channelId": request.query.get("channelId", "msteams"),
        "connectionName": state.connection,
        "hasToken": user is not None and state.is_signed_in(user),
        "serviceProviderDisplayName": "Azure Active Directory v2",
    }
    return web.json_response([entry] if state.connection in wanted else [])


def _sign_in_link(state: TeamsState, request: web.Request) -> str:
    sent = quote(_asked(request, "state"), safe="")
    return f"{state.world.http_url.rstrip('/')}{SIGN_IN_PATH}?state={sent}"


async def get_sign_in_url(state: TeamsState, request: web.Request) -> web.Response:
    return web.Response(text=_sign_in_link(state, request), content_type="text/plain")


async def get_sign_in_resource(state: TeamsState, request: web.Request) -> web.Response:
    resource = {
        "id": state.world.new_id(),
        "uri": f"api://botid-{state.world.client_id}",
        "providerId": "30dd229c-58e3-4a48-bdfd-91ec48eb906c",  # Azure Active Directory v2, everywhere
    }
    link = _sign_in_link(state, request)
    return web.json_response({"signInLink": link, "tokenExchangeResource": resource})


def user_of_state(world: World, sent: str) -> User | None:
    """Who a sign-in ``state`` was made for: base64 JSON with ``conversation.user.id``."""
    try:
        padded = sent + "=" * (-len(sent) % 4)
        node: Any = json.loads(base64.b64decode(padded, altchars=b"-_"))
        for wanted in ("conversation", "user", "id"):
            node = next(value for key, value in node.items() if key.lower() == wanted)
    except (ValueError, AttributeError, StopIteration):
        return None
    return next((u for u in world.users.values() if u.teams_id == node), None)

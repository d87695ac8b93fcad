"""The Teams half of the sandbox on a real socket, with a bot that checks every token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.sandbox import connector, teams_client, token_service, tokens
from bot.sandbox.seed import seeded
from bot.sandbox.teams_state import ADAPTIVE_CARD, TeamsState
from bot.sandbox.world import World


@dataclass
class FakeBot:
    """Accepts what a genuine channel token covers, and answers as it is told."""

    world: World
    session: aiohttp.ClientSession
    received: list[dict[str, Any]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], web.StreamResponse] = lambda _activity: web.Response(status=201)
    before_answer: Callable[[], Any] | None = None

    async def messages(self, request: web.Request) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            activity = await request.json()
            claims = await self._verified(token if scheme == "Bearer" else "")
        except (jwt.PyJWTError, KeyError, ValueError) as refused:
            return web.json_response({"refused": type(refused).__name__}, status=401)
        if claims.get("serviceurl") != activity.get("serviceUrl"):
            return web.json_response({"refused": "serviceUrl"}, status=403)
        self.received.append(activity)
        self.claims.append(claims)
        if self.before_answer is not None:
            await self.before_answer()
        return self.answer(activity)

    async def _verified(self, token: str) -> dict[str, Any]:
        kid = jwt.get_unverified_header(token)["kid"]
        async with self.session.get(
            f"{self.world.http_url}/.well-known/botframework-openid-configuration"
        ) as got:
            metadata = await got.json()
        async with self.session.get(metadata["jwks_uri"]) as got:
            keys = {key["kid"]: key for key in (await got.json())["keys"]}
        if "msteams" not in keys[kid]["endorsements"]:
            raise ValueError(kid)
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(keys[kid]),
            algorithms=metadata["id_token_signing_alg_values_supported"],
            audience=self.world.client_id,
            issuer=metadata["issuer"],
            options={
                "require": ["exp", "nbf", "iss", "aud"],
                # PyJWT would ask the machine's clock; the sandbox's is judged below.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        now = self.world.now().timestamp()
        if not claims["nbf"] <= now < claims["exp"]:
            raise ValueError("time")
        return claims


@dataclass
class House:
    world: World
    http: aiohttp.ClientSession
    bot: FakeBot

    @property
    def state(self) -> TeamsState:
        return TeamsState.of(self.world)

    @property
    def approvers(self) -> str:
        return self.state.channel("approvers").id

    async def as_bot(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Call the connector or the token service with the bot's app token."""
        token = options.pop("token", None) or tokens.app_token(self.world, tokens.BOT_FRAMEWORK)
        return await self.ask(method, path, headers={"Authorization": f"Bearer {token}"}, **options)

    async def control(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        return await self.ask(method, f"/_sandbox/teams/{path}", json=body, **options)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.http.request(method, f"{self.world.http_url}{path}", **options) as response:
            is_json = response.content_type == "application/json"
            return response.status, await response.json() if is_json else await response.text()

    async def post_card(self, card: dict[str, Any], channel: str | None = None) -> dict[str, Any]:
        """A channel post, as the connector answers it."""
        body = {
            "isGroup": True,
            "channelData": {"channel": {"id": channel or self.approvers}},
            "activity": activity_with(card),
        }
        status, created = await self.as_bot("POST", "/connector/v3/conversations", json=body)
        assert status == 201, created
        return dict(created)

    async def edit_card(self, posted: dict[str, Any], card: dict[str, Any]) -> None:
        path = f"{conversation_path(posted['id'])}/activities/{posted['activityId']}"
        status, body = await self.as_bot("PUT", path, json=activity_with(card))
        assert status == 200, body

    def logged(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.world.log if line["event"] == event]


def conversation_path(conversation_id: str) -> str:
    return f"/connector/v3/conversations/{quote(conversation_id, safe='')}"


def activity_with(card: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "message",
        "summary": "a request",
        "attachments": [{"contentType": ADAPTIVE_CARD, "content": card}],
    }


def request_card(title: str = "pending", *, user_ids: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a bot might post: a required reason, two decisions, a link, and a refresh."""
    execute = {"type": "Action.Execute", "title": "Approve", "verb": "approve", "data": {"request": "r1"}}
    fallback = {"type": "Action.Submit", "title": "Approve", "data": {"request": "r1", "verb": "approve"}}
    return {
        "type": "AdaptiveCard",
        "version": "1.5",
        "refresh": {
            "action": {"type": "Action.Execute", "verb": "look", "data": {"request": "r1"}},
            "userIds": list(user_ids),
        },
        "body": [
            {"type": "TextBlock", "text": title},
            {
                "type": "Container",
                "items": [
                    {
                        "type": "Input.Text",
                        "id": "reason",
                        "isRequired": True,
                        "errorMessage": "Say why.",
                        "maxLength": 20,
                    }
                ],
            },
        ],
        "actions": [
            {**execute, "fallback": fallback},
            {**execute, "title": "Deny", "verb": "deny"},
            {"type": "Action.Execute", "title": "Later", "verb": "later", "isEnabled": False},
            {"type": "Action.OpenUrl", "title": "Portal", "url": "https://portal.example"},
        ],
    }


def answered_with(card: dict[str, Any]) -> Callable[[dict[str, Any]], web.StreamResponse]:
    body = {"statusCode": 200, "type": ADAPTIVE_CARD, "value": card}
    return lambda _activity: web.json_response(body)


@asynccontextmanager
async def teams() -> AsyncIterator[House]:
    """A seeded tenant's Teams, and a bot that is connected to it."""
    world = seeded()
    app = web.Application()
    for part in (connector, token_service, teams_client):
        app.add_routes(part.routes(world))
    app.cleanup_ctx.append(teams_client.cleanup_ctx(world))
    world.login_url = "https://login.example"
    bot_app = web.Application()
    async with aiohttp.ClientSession() as session, TestServer(app) as server:
        world.http_url = f"http://127.0.0.1:{server.port}"
        bot = FakeBot(world, session)
        bot_app.router.add_post("/api/messages", bot.messages)
        async with TestServer(bot_app) as bot_server:
            house = House(world, session, bot)
            endpoint = str(bot_server.make_url("/api/messages"))
            status, _ = await house.control("POST", "connect", {"messaging_endpoint": endpoint})
            assert status == 200
            yield house

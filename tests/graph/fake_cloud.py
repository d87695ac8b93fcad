"""A login service and a Graph on loopback that answer what a test tells them to."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import trustme
from aiohttp import web
from fakes.manual_clock import ManualClock

from bot.graph.adapters import GraphAdapters, open_graph
from bot.graph.config import AppCredential, ClientSecret, GraphConfig
from bot.graph.retries import Retries

TENANT = "11111111-1111-4111-8111-111111111111"
CLIENT = "22222222-2222-4222-8222-222222222222"
SECRET = "a-secret-nobody-may-see"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Seen:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    token: str
    body: Any


@dataclass
class FakeCloud:
    graph_url: str = ""
    login_url: str = ""
    ca: Path = Path()
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    """By ``METHOD /path``; the last answer stays."""
    seen: list[Seen] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    clock: ManualClock = field(default_factory=ManualClock)
    granted: int = 0

    def on(self, what: str, *answers: Answer) -> None:
        self.answers[what] = list(answers)

    def on_token(self, *answers: Answer) -> None:
        self.on(f"POST /{TENANT}/oauth2/v2.0/token", *answers)

    def token_requests(self) -> list[dict[str, str]]:
        return [one.body for one in self.seen if one.path.endswith("/token")]

    def to_graph(self) -> list[Seen]:
        return [one for one in self.seen if not one.path.endswith("/token")]

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        form = request.content_type == "application/x-www-form-urlencoded"
        body = dict(parse_qsl(text)) if form else (json.loads(text) if text else None)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.seen.append(Seen(request.method, request.path, dict(request.query), token, body))
        if request.path.endswith("/$batch") and f"POST {request.path}" not in self.answers:
            return await self._batch(request, token, body["requests"])
        return await self._answer(request, request.method, request.path)

    async def _answer(self, request: web.Request, method: str, path: str) -> web.StreamResponse:
        waiting = self.answers.get(f"{method} {path}")
        if not waiting:
            return web.json_response({"error": {"code": "NoAnswer", "message": "untold"}}, status=418)
        return await (waiting.pop(0) if len(waiting) > 1 else waiting[0])(request)

    async def _batch(self, request: web.Request, token: str, asked: Any) -> web.StreamResponse:
        """Each request of a batch is answered like any other, and noted."""
        responses = []
        for one in asked:
            path, _, query = f"/v1.0{one['url']}".partition("?")
            self.seen.append(Seen(one["method"], unquote(path), dict(parse_qsl(query)), token, None))
            answer = await self._answer(request, one["method"], unquote(path))
            assert isinstance(answer, web.Response)
            response = {"id": one["id"], "status": answer.status, "headers": dict(answer.headers)}
            responses.append({**response, "body": json.loads(answer.text or "null")})
        return web.json_response({"responses": responses[::-1]})

    def grants(self, seconds: int = 3600) -> Answer:
        """Tokens named ``token-1``, ``token-2`` …"""

        async def answer(_: web.Request) -> web.StreamResponse:
            self.granted += 1
            return web.json_response(
                {"access_token": f"token-{self.granted}", "expires_in": seconds, "token_type": "Bearer"}
            )

        return answer


def says(body: Any, status: int = 200, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(body, status=status, headers=named)

    return answer


def fails(status: int, code: str = "Oops", message: str = "It failed.", **headers: str) -> Answer:
    return says({"error": {"code": code, "message": message}}, status, **headers)


def rows(*items: Any, **more: Any) -> Answer:
    return says({"value": list(items), **more})


def empty(status: int = 204) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    return answer


def hangs_up() -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    return answer


def never(released: asyncio.Event) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response(status=204)

    return answer


def entra_error(error: str, description: str, status: int = 400, **more: Any) -> Answer:
    return says({"error": error, "error_description": description, **more}, status)


@asynccontextmanager
async def fake_cloud(directory: Path) -> AsyncIterator[FakeCloud]:
    authority = trustme.CA()
    cloud = FakeCloud(ca=directory / "ca.pem")
    authority.cert_pem.write_to_path(str(cloud.ca))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", cloud.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    cloud.graph_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    cloud.login_url = f"https://localhost:{runner.addresses[1][1]}"
    cloud.on_token(cloud.grants())
    try:
        yield cloud
    finally:
        await runner.cleanup()


def config_for(cloud: FakeCloud, credential: AppCredential | None = None, **changed: Any) -> GraphConfig:
    settings: dict[str, Any] = {
        "tenant_id": TENANT,
        "client_id": CLIENT,
        "credential": credential or ClientSecret(SECRET),
        "login_url": cloud.login_url,
        "graph_url": cloud.graph_url,
        "graph_scope": "https://graph.example/.default",
        "notification_url": "https://bot.example/api/notifications",
        "lifecycle_url": "https://bot.example/api/lifecycle",
        "redirect_uri": "https://bot.example/signin/callback",
        "api_scope": "api://botid-app/access_as_user",
        "ca_bundle": cloud.ca,
    }
    return GraphConfig(**{**settings, **changed})


@asynccontextmanager
async def opened(cloud: FakeCloud, credential: AppCredential | None = None) -> AsyncIterator[GraphAdapters]:
    retries = Retries(sleep=cloud.sleep)
    async with open_graph(config_for(cloud, credential), cloud.clock, retries) as graph:
        yield graph

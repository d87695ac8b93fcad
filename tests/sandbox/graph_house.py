"""A sandbox on real sockets, and people with real tokens who call its Graph."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bot.sandbox import tokens
from bot.sandbox.server import Sandbox, running

REQUESTS = "/v1.0/roleManagement/directory/roleAssignmentScheduleRequests"
APPROVALS = "/beta/roleManagement/directory/roleAssignmentApprovals"
SECURITY_ADMINISTRATOR = "194ae4cb-b126-40b2-bd5b-6091b380977d"


@dataclass
class Answer:
    status: int
    body: Any
    headers: Any

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])

    @property
    def message(self) -> str:
        return str(self.body["error"]["message"])


@dataclass
class House:
    sandbox: Sandbox
    session: aiohttp.ClientSession

    @property
    def world(self) -> Any:
        return self.sandbox.world

    def id(self, key: str) -> str:
        return str(self.world.user(key).object_id)

    def role(self, key: str) -> str:
        return str(self.world.tenant.role(key).id)

    def app(self) -> str:
        return tokens.app_token(self.world, self.sandbox.http)

    def on_behalf_of(self, key: str, **claims: Any) -> str:
        return tokens.delegated_token(self.world, self.world.user(key), self.sandbox.http, claims)

    async def call(self, method: str, path: str, token: str | None = None, **options: Any) -> Answer:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        url = path if path.startswith("http") else f"{self.sandbox.http}{path}"
        async with self.session.request(method, url, headers=headers, **options) as got:
            body = await got.json() if got.content_type == "application/json" else await got.text()
            return Answer(got.status, body, got.headers)

    async def get(self, path: str, token: str | None = None, **params: str) -> Answer:
        return await self.call("GET", path, token, params=params)

    async def post(self, path: str, body: Any = None, token: str | None = None) -> Answer:
        return await self.call("POST", path, token, json=body)

    def wish(
        self, role: str = "security_administrator", user: str = "riley", **changed: Any
    ) -> dict[str, Any]:
        return {
            "action": "selfActivate",
            "principalId": self.id(user),
            "roleDefinitionId": self.role(role),
            "directoryScopeId": "/",
            "justification": "patching the mail gateway",
            "scheduleInfo": {"expiration": {"type": "AfterDuration", "duration": "PT2H"}},
            "ticketInfo": {"ticketNumber": "INC-1", "ticketSystem": "ServiceDesk"},
            **changed,
        }

    async def activate(self, role: str = "security_administrator", user: str = "riley") -> str:
        made = await self.post(REQUESTS, self.wish(role, user), self.on_behalf_of(user))
        assert made.status == 201, made.body
        return str(made.body["id"])

    async def decide(
        self, request_id: str, who: str, result: str = "Approve", why: str = "known work"
    ) -> Answer:
        url = f"{APPROVALS}/{request_id}/steps/{request_id}"
        body = {"reviewResult": result, "justification": why}
        return await self.call("PATCH", url, self.on_behalf_of(who), json=body)

    async def status(self, request_id: str) -> str:
        return str((await self.get(f"{REQUESTS}/{request_id}", self.app())).body["status"])


@asynccontextmanager
async def house(directory: Path) -> AsyncIterator[House]:
    async with running(directory) as sandbox, aiohttp.ClientSession() as session:
        yield House(sandbox, session)

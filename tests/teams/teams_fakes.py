"""A connector and a token service on loopback, a desk, and tokens: all by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from channel_samples import APP_ID, TENANT

from bot.domain.content import CardContent, RequestCard
from bot.domain.errors import UnavailableError
from bot.domain.model import Actor, Choice
from bot.domain.replies import FormReply, HelpReply, Reply
from bot.domain.said import Filled, Said
from bot.ports import NOTHING_PRESENTED, Continuation, LoginAsked, Presented
from bot.teams import TeamsConfig

SCOPE = "https://api.botframework.com/.default"
Answer = tuple[int, dict[str, str], Any]


def config(base: str = "https://smba.example/emea/", **changes: Any) -> TeamsConfig:
    fields = {
        "client_id": APP_ID,
        "tenant_id": TENANT,
        "connector_url": base,
        "token_service_url": base,
        "bot_scope": SCOPE,
        "oauth_connection": "graph",
    }
    return TeamsConfig(**(fields | changes))


@dataclass
class Call:
    method: str
    path: str
    """As it went over the wire, still encoded."""
    query: dict[str, str]
    authorization: str | None
    sent: Any


@dataclass
class Service:
    """Answers everything, from a queue first and then as usual; remembers every call."""

    calls: list[Call] = field(default_factory=list)
    next: list[Answer | None] = field(default_factory=list)
    """Answers for the next calls; None drops the connection."""
    usual: Callable[[Call], Answer] = lambda _call: (200, {}, {"id": "1:sent"})
    base: str = ""
    hold: asyncio.Event | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        sent = json.loads(raw) if raw else None
        authorization = request.headers.get("Authorization")
        call = Call(
            request.method, request.raw_path.partition("?")[0], dict(request.query), authorization, sent
        )
        self.calls.append(call)
        if self.hold is not None:
            await self.hold.wait()
        answer = self.next.pop(0) if self.next else self.usual(call)
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, headers, body = answer
        return web.Response(
            status=status,
            headers=headers,
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
            content_type="application/json",
        )


@dataclass
class Tokens:
    """App tokens that number themselves; ``forget`` moves on to the next."""

    number: int = 1
    down: bool = False
    scopes: set[str] = field(default_factory=set)

    async def token(self, scope: str) -> str:
        self.scopes.add(scope)
        if self.down:
            raise UnavailableError
        return f"app-token-{self.number}"

    def forget(self, scope: str) -> None:
        self.scopes.add(scope)
        self.number += 1


@dataclass
class FakeDesk:
    """Shows the same card to everybody; can be held up, and can fail."""

    card: RequestCard | LoginAsked | None = None
    presented: list[Presented] = field(default_factory=list)
    signed: list[tuple[Actor, Presented]] = field(default_factory=list)
    accepts: bool = True
    """Whether a token or code that a client sends is accepted."""
    carried_on: int = 0
    asked_to_sign_in: list[Actor] = field(default_factory=list)
    told: list[tuple[Actor, CardContent]] = field(default_factory=list)
    decided: list[tuple[Actor, str, Choice, str]] = field(default_factory=list)
    looked: list[tuple[Actor, str]] = field(default_factory=list)
    heard: list[tuple[str, str]] = field(default_factory=list)
    cards: dict[tuple[str, str], str] = field(default_factory=dict)
    """By conversation and activity: the request whose card is there."""
    forgeries: list[tuple[Actor | None, str, dict[str, str]]] = field(default_factory=list)
    fault: Exception | None = None
    deaf: bool = False
    hold: asyncio.Event | None = None
    finished: int = 0

    async def decide(
        self,
        actor: Actor,
        request_id: str,
        choice: Choice,
        justification: str,
        presented: Presented = NOTHING_PRESENTED,
    ) -> RequestCard | LoginAsked | None:
        self.decided.append((actor, request_id, choice, justification))
        self.presented.append(presented)
        if self.hold is not None:
            await self.hold.wait()
        self.finished += 1
        if self.fault is not None:
            raise self.fault
        return self.card

    async def look(self, actor: Actor, request_id: str) -> RequestCard | None:
        self.looked.append((actor, request_id))
        if self.fault is not None:
            raise self.fault
        return None if isinstance(self.card, LoginAsked) else self.card

    async def signed_in(self, actor: Actor, presented: Presented) -> Continuation | None:
        self.signed.append((actor, presented))
        if not self.accepts:
            return None

        async def carry_on() -> None:
            self.carried_on += 1

        return carry_on

    async def tell(self, actor: Actor, content: CardContent) -> None:
        self.told.append((actor, content))

    async def sign_in(self, actor: Actor) -> None:
        self.asked_to_sign_in.append(actor)

    async def sign_out(self, actor: Actor) -> None:
        raise NotImplementedError

    async def shown_on(self, conversation_id: str, activity_id: str) -> str | None:
        return self.cards.get((conversation_id, activity_id))

    async def forged(self, actor: Actor | None, cause: str, claimed: Mapping[str, str]) -> None:
        self.forgeries.append((actor, cause, dict(claimed)))

    async def heard_from(self, channel_id: str, service_url: str) -> None:
        if self.deaf:
            raise UnavailableError
        self.heard.append((channel_id, service_url))


@dataclass
class FakeCommands:
    """Answers everything with the same; can be held up, and can fail."""

    reply: Reply | FormReply = field(default_factory=HelpReply)
    said: list[tuple[Actor, Said]] = field(default_factory=list)
    asked_for_form: list[tuple[Actor, Said]] = field(default_factory=list)
    filled: list[tuple[Actor, Filled]] = field(default_factory=list)
    fault: Exception | None = None
    hold: asyncio.Event | None = None

    async def say(self, actor: Actor, said: Said) -> Any:
        self.said.append((actor, said))
        return await self._answer()

    async def form(self, actor: Actor, said: Said) -> Any:
        self.asked_for_form.append((actor, said))
        return await self._answer()

    async def submit(self, actor: Actor, filled: Filled, said: Said) -> Any:
        self.filled.append((actor, filled))
        self.asked_for_form.append((actor, said))
        return await self._answer()

    async def _answer(self) -> Any:
        if self.hold is not None:
            await self.hold.wait()
        if self.fault is not None:
            raise self.fault
        return self.reply


class Naps:
    """Sleeps no longer than it takes to note for how long."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)

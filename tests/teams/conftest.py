from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from channel_samples import ADELE_ID, NOW, REQUEST_ID, TENANT, HandClock
from teams_fakes import FakeCommands, FakeDesk, Naps, Service, Tokens, config

from bot.domain.content import RequestCard
from bot.domain.model import (
    ApprovalRequest,
    Danger,
    Identity,
    Person,
    Pool,
    PoolMember,
    Reason,
    Refusal,
    Role,
    SlaPlan,
)
from bot.teams import TeamsTurns, teams_turns
from bot.teams.http import Patience


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
def desk(card: RequestCard) -> FakeDesk:
    return FakeDesk(card)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    async with TestServer(app) as server:
        service.base = str(server.make_url("/amer/"))
        yield service


@pytest.fixture
def commands() -> FakeCommands:
    return FakeCommands()


@pytest.fixture
async def turns(
    session: aiohttp.ClientSession,
    tokens: Tokens,
    clock: HandClock,
    naps: Naps,
    desk: FakeDesk,
    commands: FakeCommands,
    service: Service,
) -> AsyncIterator[TeamsTurns]:
    turns = teams_turns(
        config(service.base),
        session=session,
        tokens=tokens,
        clock=clock,
        desk=desk,
        commands=commands,
        patience=Patience(sleep=naps),
        answer_within=0.05,
    )
    yield turns
    await turns.close()


@pytest.fixture
def card() -> RequestCard:
    def person(number: int, name: str) -> Person:
        return Person(Identity(TENANT, f"00000000-0000-4000-8000-{number:012d}"), name)

    adele = Person(Identity(TENANT, ADELE_ID), "Adele Vance")
    refused = PoolMember(person(5, "Diego Siciliani"), (Refusal(Reason.ELIGIBLE_DIRECTLY),))
    request = ApprovalRequest(
        id=REQUEST_ID,
        tenant_id=TENANT,
        approval_id=REQUEST_ID,
        action="selfActivate",
        requester=person(1, "Alex Wilber"),
        role=Role("62e90394", "Global Administrator", Danger.CRITICAL),
        scope="/",
        justification="mail flow is down",
        ticket=None,
        duration=None,
        starts_at=None,
        requested_at=NOW,
        expires_at=NOW.replace(day=24),
        pool=Pool((refused, PoolMember(adele), PoolMember(person(3, "Bianca Pisani")))),
        sla=SlaPlan(()),
    )
    return RequestCard(request, "https://portal.example/pim")

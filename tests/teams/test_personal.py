"""Chats with single persons."""

from __future__ import annotations

import aiohttp
import pytest
from channel_samples import APP_ID, TENANT, HandClock
from teams_fakes import Naps, Service, Tokens, config

from bot.domain.content import RequestCard
from bot.domain.errors import ChannelRefusedError
from bot.ports import PersonalChat
from bot.teams import open_teams
from bot.teams.http import Patience

USER = "29:1adele"


@pytest.fixture
def chat(service: Service, session: aiohttp.ClientSession, tokens: Tokens, naps: Naps) -> PersonalChat:
    async def nowhere(_channel: str) -> None:
        return None

    adapters = open_teams(
        config(service.base),
        session=session,
        tokens=tokens,
        clock=HandClock(),
        service_url=nowhere,
        patience=Patience(sleep=naps),
    )
    return adapters.personal_chat


async def test_the_first_card_opens_the_chat_and_the_next_ones_use_it(
    chat: PersonalChat, service: Service, card: RequestCard
) -> None:
    service.usual = lambda call: (201, {}, {"id": "a:1" if call.path.endswith("conversations") else "17"})
    first = await chat.post(USER, card)
    await chat.post(USER, card)
    assert [call.path for call in service.calls] == [
        "/amer/v3/conversations",
        "/amer/v3/conversations/a%3A1/activities",
        "/amer/v3/conversations/a%3A1/activities",
    ]
    opened = service.calls[0].sent
    assert opened["members"] == [{"id": USER}]
    assert opened["tenantId"] == TENANT
    assert opened["bot"] == {"id": f"28:{APP_ID}"}
    assert opened["isGroup"] is False
    assert (first.conversation_id, first.activity_id, first.service_url) == ("a:1", "17", service.base)


async def test_a_person_without_the_app_is_refused_for_good(
    chat: PersonalChat, service: Service, card: RequestCard
) -> None:
    service.usual = lambda _call: (403, {}, {"error": {"code": "ForbiddenOperationException"}})
    with pytest.raises(ChannelRefusedError) as refused:
        await chat.post(USER, card)
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("opened", "sent"),
    [
        pytest.param({}, {"id": "17"}, id="no conversation id"),
        pytest.param({"id": "a:1"}, {}, id="no activity id"),
        pytest.param({"id": 5}, {"id": "17"}, id="a number"),
    ],
)
async def test_an_answer_without_ids_is_an_error(
    chat: PersonalChat, service: Service, card: RequestCard, opened: dict[str, str], sent: dict[str, str]
) -> None:
    service.usual = lambda call: (201, {}, opened if call.path.endswith("conversations") else sent)
    with pytest.raises(ChannelRefusedError):
        await chat.post(USER, card)

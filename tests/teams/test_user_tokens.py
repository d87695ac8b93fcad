from __future__ import annotations

import base64
import json
from typing import Any

import aiohttp
import pytest
from channel_samples import APP_ID, HandClock
from structlog.testing import capture_logs
from teams_fakes import Answer, Naps, Service, Tokens, config

from bot.domain.errors import UnavailableError
from bot.domain.model import SignInNeeded, SignInResource, UserAssertion
from bot.teams import open_teams
from bot.teams.http import Patience
from bot.teams.user_tokens import BotUserTokens

NOT_SIGNED_IN: Answer = (404, {}, {})


@pytest.fixture
def user_tokens(
    session: aiohttp.ClientSession, tokens: Tokens, clock: HandClock, naps: Naps, service: Service
) -> BotUserTokens:
    async def nowhere(_channel_id: str) -> str | None:
        return None

    adapters = open_teams(
        config(service.base),
        session=session,
        tokens=tokens,
        clock=clock,
        service_url=nowhere,
        patience=Patience(sleep=naps),
    )
    return adapters.user_tokens


async def test_a_token_is_asked_for_by_teams_id(user_tokens: BotUserTokens, service: Service):
    service.next = [(200, {}, {"token": "user-token", "connectionName": "graph"})]
    assert await user_tokens.assertion("29:a+b/c=") == UserAssertion("user-token")
    [call] = service.calls
    assert (call.path, call.authorization) == ("/amer/api/usertoken/GetToken", "Bearer app-token-1")
    assert call.query == {"userId": "29:a+b/c=", "connectionName": "graph", "channelId": "msteams"}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(NOT_SIGNED_IN, id="404"),
        pytest.param((200, {}, {}), id="no token in the answer"),
        pytest.param((200, {}, {"token": ""}), id="an empty token"),
        pytest.param((200, {}, b""), id="an empty answer"),
    ],
)
async def test_who_is_not_signed_in_has_no_token(
    user_tokens: BotUserTokens, service: Service, answer: Answer
):
    service.next = [answer]
    assert await user_tokens.assertion("29:adele") == SignInNeeded()
    assert len(service.calls) == 1


async def test_how_to_sign_in_is_asked_for_a_user_of_this_bot(user_tokens: BotUserTokens, service: Service):
    exchange = {"id": "x1", "uri": "api://botid-app", "providerId": "p1"}
    link = "https://token.example/signin?state=x"
    service.next = [(200, {}, {"signInLink": link, "tokenExchangeResource": exchange})]
    found = await user_tokens.sign_in("29:adele")
    assert found == SignInResource("graph", link, "x1", "api://botid-app", "p1")
    (asked,) = service.calls
    assert asked.path == "/amer/api/botsignin/GetSignInResource"
    state = json.loads(base64.b64decode(asked.query["state"]))
    assert (state["connectionName"], state["msAppId"]) == ("graph", APP_ID)
    assert state["conversation"]["user"]["id"] == "29:adele"
    assert state["conversation"]["bot"]["id"] == f"28:{APP_ID}"
    assert state["conversation"]["channelId"] == "msteams"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((500, {}, b""), id="their fault"),
        pytest.param((400, {}, {"error": {"code": "BadArgument"}}), id="refused"),
        pytest.param((200, {}, b"[]"), id="no object"),
        pytest.param((200, {}, {"signInLink": 5}), id="not text"),
        pytest.param((200, {}, {"signInLink": "http://elsewhere.example/"}), id="in clear text"),
        pytest.param((200, {}, {"signInLink": "javascript:alert(1)"}), id="a script"),
        pytest.param((200, {}, {"tokenExchangeResource": "odd"}), id="an odd resource"),
    ],
)
async def test_without_a_proper_link_there_is_none(
    user_tokens: BotUserTokens, service: Service, answer: Answer
):
    service.next = [answer]
    assert await user_tokens.sign_in("29:adele") == SignInResource("graph", None)


async def test_the_services_own_address_is_good_enough_for_a_link(
    user_tokens: BotUserTokens, service: Service
):
    link = f"{service.base}signin?state=x"
    service.next = [(200, {}, {"signInLink": link})]
    assert (await user_tokens.sign_in("29:adele")).link == link


async def test_a_clients_token_is_exchanged_for_one_that_is_kept(
    user_tokens: BotUserTokens, service: Service
):
    service.next = [(200, {}, {"token": "kept"})]
    assert await user_tokens.exchange("29:adele", "clients-own") == UserAssertion("kept")
    (call,) = service.calls
    assert (call.method, call.path) == ("POST", "/amer/api/usertoken/exchange")
    assert call.sent == {"token": "clients-own"}
    assert "clients-own" not in str(call.query)


@pytest.mark.parametrize("status", [400, 404, 412])
async def test_a_token_that_is_not_accepted_is_a_plain_no(
    user_tokens: BotUserTokens, service: Service, status: int
):
    service.next = [(status, {}, {"error": {"code": "BadArgument"}})]
    assert await user_tokens.exchange("29:adele", "forged") is None


async def test_a_code_is_redeemed_once_it_looks_like_one(user_tokens: BotUserTokens, service: Service):
    service.next = [(200, {}, {"token": "theirs"}), (404, {}, {})]
    assert await user_tokens.redeem("29:adele", "123456") == UserAssertion("theirs")
    assert await user_tokens.redeem("29:adele", "654321") is None
    assert await user_tokens.redeem("29:adele", "12345&userId=29:bianca") is None
    assert [call.query["code"] for call in service.calls] == ["123456", "654321"]


async def test_signing_out_asks_the_service_to_forget(user_tokens: BotUserTokens, service: Service):
    service.next = [(200, {}, {}), (404, {}, {}), (503, {}, {})]
    await user_tokens.sign_out("29:adele")
    await user_tokens.sign_out("29:adele")
    service.usual = lambda _call: (503, {}, {})
    with pytest.raises(UnavailableError):
        await user_tokens.sign_out("29:adele")
    assert (service.calls[0].method, service.calls[0].path) == ("DELETE", "/amer/api/usertoken/SignOut")


@pytest.mark.parametrize("status", [400, 403, 429, 500, 503])
async def test_a_service_that_does_not_answer_is_unavailable_and_no_reason_to_sign_in(
    user_tokens: BotUserTokens, service: Service, status: int
):
    service.usual = lambda _call: (status, {}, {"error": {"code": "X"}})
    with pytest.raises(UnavailableError) as error:
        await user_tokens.assertion("29:adele")
    assert error.value.status == status


async def test_no_token_shows_in_logs_or_reprs(user_tokens: BotUserTokens, service: Service):
    service.next = [(200, {}, {"token": "user-token"}), (400, {}, {"token": "user-token"})]
    with capture_logs() as logs:
        shown: list[Any] = [await user_tokens.assertion("29:adele")]
        with pytest.raises(UnavailableError) as error:
            await user_tokens.assertion("29:adele")
    assert "token-1" not in repr(logs)
    assert "user-token" not in repr([shown, logs, error.value, error.value.__cause__])

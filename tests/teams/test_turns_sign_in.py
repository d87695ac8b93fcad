"""Sign-in invokes, and actions that carry what a client got for the bot."""

from __future__ import annotations

from typing import Any

import pytest
from channel_samples import activity, click
from teams_fakes import FakeDesk
from test_turns import Teams, teams

from bot.domain.content import Note
from bot.domain.model import SignInResource
from bot.ports import LoginAsked, Presented

__all__ = ["teams"]  # a fixture
RESOURCE = SignInResource("graph", "https://token.example/start", "x1", "api://botid-app", "p1")


def sign_in(name: str, value: Any) -> dict[str, Any]:
    return activity(type="invoke", name=f"signin/{name}", value=value)


def in_chat(sample: dict[str, Any]) -> dict[str, Any]:
    return {**sample, "conversation": {**sample["conversation"], "conversationType": "personal"}}


async def test_a_clients_token_is_taken_and_what_was_begun_goes_on_behind_the_answer(
    teams: Teams, desk: FakeDesk, turns: Any
) -> None:
    value = {"id": "x1", "connectionName": "graph", "token": "a.b-c_d.e"}
    assert await teams.deliver(sign_in("tokenExchange", value)) == (200, None)
    ((_, presented),) = desk.signed
    assert presented == Presented(token="a.b-c_d.e")
    await turns.close(5)
    assert desk.carried_on == 1


async def test_a_token_that_is_not_accepted_is_412_so_that_the_client_shows_its_button(
    teams: Teams, desk: FakeDesk
) -> None:
    desk.accepts = False
    status, said = await teams.deliver(sign_in("tokenExchange", {"id": "x1", "token": "a.b.c"}))
    assert (status, said["id"], desk.carried_on) == (412, "x1", 0)
    assert "a.b.c" not in str(said)


async def test_a_code_is_taken_and_a_wrong_one_is_said_to_be_wrong(
    teams: Teams, desk: FakeDesk, turns: Any
) -> None:
    assert await teams.deliver(sign_in("verifyState", {"state": "123456"})) == (200, None)
    assert desk.signed[0][1] == Presented(code="123456")
    desk.accepts = False
    assert await teams.deliver(sign_in("verifyState", {"state": "000000"})) == (200, None)
    assert [content for _, content in desk.told] == [Note("sign-in-code-wrong")]
    await turns.close(5)
    assert desk.carried_on == 1


async def test_a_client_that_got_no_token_is_told_the_other_way(teams: Teams, desk: FakeDesk) -> None:
    value = {"code": "resourcematchfailed", "message": "<b>no</b>"}
    assert await teams.deliver(sign_in("failure", value)) == (200, None)
    assert [content for _, content in desk.told] == [Note("sign-in-failed")]
    assert not desk.signed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("tokenExchange", None, id="no-value"),
        pytest.param("tokenExchange", {}, id="no-token"),
        pytest.param("tokenExchange", {"token": ["a"]}, id="a-list"),
        pytest.param("tokenExchange", {"token": "a b"}, id="not-a-token"),
        pytest.param("tokenExchange", {"token": "a\r\nX: y"}, id="header-injection"),
        pytest.param("tokenExchange", {"token": "a" * 20_000}, id="endless"),
        pytest.param("verifyState", {"state": "12345"}, id="short-code"),
        pytest.param("verifyState", {"state": "123456&x=1"}, id="more-than-a-code"),
        pytest.param("verifyState", {"state": 123456}, id="a-number"),
        pytest.param("verifyState", {"state": "１２３４５６"}, id="other-digits"),
    ],
)
async def test_a_malformed_sign_in_is_refused_and_reaches_nobody(
    teams: Teams, desk: FakeDesk, name: str, value: Any
) -> None:
    status, _ = await teams.deliver(sign_in(name, value))
    assert status == 400
    assert not desk.signed


async def test_somebody_without_an_object_id_signs_nobody_in(teams: Teams, desk: FakeDesk) -> None:
    sample = sign_in("tokenExchange", {"token": "a.b.c"})
    del sample["from"]["aadObjectId"]
    assert (await teams.deliver(sample))[0] == 403
    assert not desk.signed


# Universal Actions ----------------------------------------------------------------------------


async def test_a_click_in_a_personal_chat_can_be_answered_by_a_login_request(
    teams: Teams, desk: FakeDesk
) -> None:
    desk.card = LoginAsked(RESOURCE)
    status, said = await teams.deliver(in_chat(click()))
    assert (status, said["statusCode"]) == (200, 401)
    assert said["type"] == "application/vnd.microsoft.activity.loginRequest"
    value = said["value"]
    assert value["connectionName"] == "graph"
    assert value["tokenExchangeResource"] == {"id": "x1", "uri": "api://botid-app", "providerId": "p1"}
    assert value["buttons"] == [
        {"type": "signin", "title": "Sign in", "text": "Sign in", "value": "https://token.example/start"}
    ]
    assert desk.presented == [Presented(personal=True)]


async def test_a_token_sent_along_that_is_not_accepted_is_a_failed_precondition(
    teams: Teams, desk: FakeDesk
) -> None:
    desk.card = LoginAsked(RESOURCE, failed=True)
    sample = in_chat(click())
    sample["value"]["authentication"] = {"id": "x1", "connectionName": "graph", "token": "a.b.c"}
    status, said = await teams.deliver(sample)
    assert (status, said["statusCode"]) == (200, 412)
    assert said["type"] == "application/vnd.microsoft.error.preconditionFailed"
    assert desk.presented == [Presented(personal=True, token="a.b.c")]


async def test_the_code_of_the_clients_button_comes_with_the_action(teams: Teams, desk: FakeDesk) -> None:
    sample = in_chat(click())
    sample["value"]["state"] = "123456"
    assert (await teams.deliver(sample))[0] == 200
    assert desk.presented == [Presented(personal=True, code="123456")]


async def test_in_a_channel_no_client_is_asked_for_a_token(teams: Teams, desk: FakeDesk) -> None:
    await teams.deliver(click())
    assert desk.presented == [Presented(personal=False)]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"authentication": {"token": 5}}, id="a-number"),
        pytest.param({"authentication": {"token": "a b"}}, id="not-a-token"),
        pytest.param({"state": "not-a-code"}, id="not-a-code"),
    ],
)
async def test_a_malformed_proof_is_refused_and_decides_nothing(
    teams: Teams, desk: FakeDesk, more: dict[str, Any]
) -> None:
    sample = in_chat(click())
    sample["value"].update(more)
    assert (await teams.deliver(sample))[0] == 400
    assert not desk.decided

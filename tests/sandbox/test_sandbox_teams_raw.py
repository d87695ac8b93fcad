"""Hostile requests to the bot: what the sandbox makes of a wish, as the bot receives it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from teams_house import House, teams

from bot.sandbox.teams_raw import merge_patch


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with teams() as opened:
        yield opened


async def raw(house: House, **wish) -> tuple[int | None, object]:
    status, body = await house.control("POST", "raw", wish)
    assert status == 200, body
    return body["status"], body["body"]


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        pytest.param({}, 201, id="genuine"),
        pytest.param({"channel": "approvers", "user": "blake"}, 201, id="genuine-in-a-channel"),
        pytest.param({"token": {"claims": {"extra": 1}}}, 201, id="extra-claim"),
        pytest.param({"token": {"relative": {"exp": 30}}}, 201, id="half-a-minute-left"),
        pytest.param({"token": {"key": "oldest"}}, 201, id="oldest-key"),
    ],
)
async def test_what_is_genuine_enough_is_let_in(house, wish, expected):
    assert (await raw(house, **wish))[0] == expected


@pytest.mark.parametrize(
    ("wish", "refused"),
    [
        pytest.param({"authorization": None}, "DecodeError", id="no-header"),
        pytest.param({"authorization": "Basic eA=="}, "DecodeError", id="basic"),
        pytest.param({"authorization": "Bearer x"}, "DecodeError", id="garbage"),
        pytest.param({"token": {"key": "unknown"}}, "KeyError", id="unknown-key"),
        pytest.param({"token": {"key": "entra"}}, "KeyError", id="entra-key"),
        pytest.param({"token": {"header": {"kid": None}}}, "KeyError", id="no-kid"),
        pytest.param({"token": {"alg": "none"}}, "InvalidAlgorithmError", id="alg-none"),
        pytest.param({"token": {"alg": "HS256"}}, "InvalidAlgorithmError", id="hs256"),
        pytest.param({"token": {"alg": "RS384"}}, "InvalidAlgorithmError", id="rs384"),
        pytest.param({"token": {"claims": {"aud": "other"}}}, "InvalidAudienceError", id="other-audience"),
        pytest.param({"token": {"claims": {"iss": "other"}}}, "InvalidIssuerError", id="other-issuer"),
        pytest.param({"token": {"remove": ["exp"]}}, "MissingRequiredClaimError", id="no-exp"),
        pytest.param({"token": {"relative": {"exp": -600}}}, "ValueError", id="expired"),
        pytest.param({"token": {"relative": {"nbf": 600}}}, "ValueError", id="not-yet"),
        pytest.param({"text_body": "{"}, "JSONDecodeError", id="broken-json"),
    ],
)
async def test_each_forgery_fails_for_the_reason_it_was_made_for(house, wish, refused):
    assert await raw(house, **wish) == (401, {"refused": refused})
    assert house.bot.received == []


async def test_a_foreign_key_under_a_known_name_has_a_bad_signature(house):
    kid = house.world.channel_keys[-1].kid

    status, body = await raw(house, token={"key": "unknown", "header": {"kid": kid}})

    assert (status, body) == (401, {"refused": "InvalidSignatureError"})


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param({"activity": {"serviceUrl": None}}, id="activity-without"),
        pytest.param({"activity": {"serviceUrl": "https://evil.example/"}}, id="activity-with-another"),
        pytest.param({"token": {"remove": ["serviceurl"]}}, id="token-without"),
        pytest.param({"token": {"claims": {"serviceurl": "https://evil.example/"}}}, id="token-with-another"),
    ],
)
async def test_token_and_activity_can_disagree_on_the_service_url(house, wish):
    assert await raw(house, **wish) == (403, {"refused": "serviceUrl"})


async def test_overrides_are_merged_into_a_plain_message(house):
    await raw(house, user="blake", activity={"from": {"name": "Alex"}, "text": "approve"})

    (activity,) = house.bot.received
    blake = house.world.user("blake")
    assert activity["from"] == {"id": blake.teams_id, "name": "Alex", "aadObjectId": blake.object_id}
    assert (activity["type"], activity["text"]) == ("message", "approve")


async def test_a_complete_activity_is_sent_as_it_is(house):
    whole = {"type": "odd", "serviceUrl": house.state.service_url, "value": None}

    assert (await raw(house, activity=whole, complete=True))[0] == 201
    assert house.bot.received == [whole]


@pytest.mark.parametrize("token", [{"key": "mine"}, {"alg": "XX1"}, {"alg": "ES256"}])
async def test_what_can_t_be_signed_is_said(house, token):
    assert (await house.control("POST", "raw", {"token": token}))[0] == 409


def test_merge_patch_changes_neither_of_its_arguments():
    target, patch = {"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": None}, "e": {"f": None}}

    assert merge_patch(target, patch) == {"a": {"c": 2}, "d": 3, "e": {}}
    assert target == {"a": {"b": 1, "c": 2}, "d": 3}

"""The Bot Framework token service of the sandbox, over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from teams_house import House, teams

from bot.sandbox import tokens

GET_TOKEN = "/token/api/usertoken/GetToken"
EXCHANGE = "/token/api/usertoken/exchange"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with teams() as opened:
        yield opened


def asking_for(house: House, user: str) -> dict[str, str]:
    teams_id = house.world.user(user).teams_id
    return {"userId": teams_id, "connectionName": "graph", "channelId": "msteams"}


async def has_token(house: House, user: str, **more: str) -> bool:
    status, _ = await house.as_bot("GET", GET_TOKEN, params={**asking_for(house, user), **more})
    assert status in {200, 404}
    return status == 200


async def test_a_user_s_token_is_theirs_for_the_bot_and_good_now(house):
    await house.world.advance(86_400)

    status, body = await house.as_bot("GET", GET_TOKEN, params=asking_for(house, "alex"))

    assert (status, body["connectionName"], body["channelId"]) == (200, "graph", "msteams")
    claims = tokens.verify(house.world, body["token"], f"api://{house.world.client_id}")
    assert claims["oid"] == house.world.user("alex").object_id
    assert datetime.fromisoformat(body["expiration"]).timestamp() == claims["exp"]
    assert claims["exp"] > house.world.now().timestamp()


async def test_a_token_service_that_mixes_people_up_hands_out_somebody_elses(house):
    await house.control("POST", "settings", {"mixed_up": {"alex": "sam"}})
    _, mixed = await house.as_bot("GET", GET_TOKEN, params=asking_for(house, "alex"))
    _, own = await house.as_bot("GET", GET_TOKEN, params=asking_for(house, "emery"))
    audience = f"api://{house.world.client_id}"
    whose = [tokens.verify(house.world, one["token"], audience)["oid"] for one in (mixed, own)]
    assert whose == [house.world.user(key).object_id for key in ("sam", "emery")]


async def test_everybody_but_sam_is_signed_in_at_the_start(house):
    signed_in = {user.key for user in house.world.users.values() if await has_token(house, user.key)}

    assert signed_in == {user.key for user in house.world.users.values()} - {"sam"}


async def test_signing_in_and_out_is_heard_at_once(house):
    await house.control("POST", "signin", {"user": "sam"})
    assert await has_token(house, "sam")

    await house.control("POST", "signout", {"user": "sam"})
    assert not await has_token(house, "sam")
    assert [line["user"] for line in house.logged("signed_in") + house.logged("signed_out")] == ["sam", "sam"]


async def test_the_bot_can_sign_a_user_out(house):
    query = asking_for(house, "alex")

    assert (await house.as_bot("DELETE", "/token/api/usertoken/SignOut", params=query))[0] == 200
    assert not await has_token(house, "alex")


async def test_a_magic_code_completes_a_sign_in_once(house):
    _, given = await house.control("POST", "signin", {"user": "sam", "code": True})
    wrong = "000000" if given["code"] != "000000" else "111111"

    assert not await has_token(house, "sam")
    assert not await has_token(house, "sam", code=wrong)
    assert await has_token(house, "sam", code=given["code"])
    await house.control("POST", "signout", {"user": "sam"})
    assert not await has_token(house, "sam", code=given["code"])


@pytest.mark.parametrize("who", ["alex", "object id", "29:1unknown"])
async def test_users_are_known_by_their_teams_id_alone(house, who):
    user_id = house.world.user("alex").object_id if who == "object id" else who
    query = {**asking_for(house, "alex"), "userId": user_id}

    assert (await house.as_bot("GET", GET_TOKEN, params=query))[0] == 404


@pytest.mark.parametrize(
    ("changed", "removed"),
    [
        pytest.param({"connectionName": "other"}, None, id="unknown-connection"),
        pytest.param({}, "connectionName", id="no-connection"),
        pytest.param({}, "userId", id="no-user"),
    ],
)
async def test_an_incomplete_question_is_400(house, changed, removed):
    query = {k: v for k, v in {**asking_for(house, "alex"), **changed}.items() if k != removed}

    status, body = await house.as_bot("GET", GET_TOKEN, params=query)

    assert (status, body["error"]["code"]) == (400, "BadArgument")


async def test_single_sign_on_trades_the_client_s_token_for_a_kept_one(house):
    assertion = tokens.user_assertion(house.world, house.world.user("sam"))

    status, body = await house.as_bot(
        "POST", EXCHANGE, params=asking_for(house, "sam"), json={"token": assertion}
    )

    assert status == 200
    assert jwt.decode(body["token"], options={"verify_signature": False})["name"] == "Sam Whitaker"
    assert await has_token(house, "sam")


@pytest.mark.parametrize("kind", ["another-user", "forged", "for-graph", "missing", "no-object"])
async def test_a_token_that_does_not_speak_for_the_user_is_not_exchanged(house, kind):
    world = house.world
    sent = {
        "another-user": {"token": tokens.user_assertion(world, world.user("alex"))},
        "forged": {"token": world.sign({"oid": world.user("sam").object_id}, world.channel_keys[-1])},
        "for-graph": {"token": tokens.delegated_token(world, world.user("sam"), tokens.GRAPH, {})},
        "missing": {"uri": "api://x"},
        "no-object": ["x"],
    }[kind]

    status, _ = await house.as_bot("POST", EXCHANGE, params=asking_for(house, "sam"), json=sent)

    assert status == 400
    assert not await has_token(house, "sam")


async def test_token_status_says_which_connections_hold_a_token(house):
    path = "/token/api/usertoken/GetTokenStatus"
    query = {"userId": house.world.user("sam").teams_id, "channelId": "msteams"}

    _, before = await house.as_bot("GET", path, params=query)
    await house.control("POST", "signin", {"user": "sam"})
    _, after = await house.as_bot("GET", path, params=query)
    _, other = await house.as_bot("GET", path, params={**query, "include": "other"})

    assert [entry["hasToken"] for entry in before + after] == [False, True]
    assert other == []


def state_for(teams_id: str) -> str:
    """As botbuilder makes it: base64 of a conversation reference."""
    reference = {"ConnectionName": "graph", "Conversation": {"User": {"id": teams_id}}}
    return base64.b64encode(json.dumps(reference).encode()).decode()


async def test_the_sign_in_link_signs_in_whom_it_was_made_for(house):
    sent = state_for(house.world.user("sam").teams_id)

    _, link = await house.as_bot("GET", "/token/api/botsignin/GetSignInUrl", params={"state": sent})
    _, resource = await house.as_bot("GET", "/token/api/botsignin/GetSignInResource", params={"state": sent})

    assert resource["signInLink"] == link
    assert resource["tokenExchangeResource"]["uri"] == f"api://botid-{house.world.client_id}"
    assert parse_qs(urlsplit(link).query)["state"] == [sent]
    async with house.http.get(link) as page:
        assert page.status == 200
    assert await has_token(house, "sam")


@pytest.mark.parametrize("sent", ["", "%%%", base64.b64encode(b"[]").decode(), state_for("29:1nobody")])
async def test_a_sign_in_link_for_nobody_is_refused(house, sent):
    status, _ = await house.ask("GET", "/_sandbox/teams/signin", params={"state": sent})

    assert status == 400
    assert house.logged("signed_in") == []


async def test_no_token_is_ever_logged(house):
    await has_token(house, "alex")
    _, body = await house.as_bot("GET", GET_TOKEN, params=asking_for(house, "alex"))
    await house.control("POST", "signin", {"user": "sam"})

    assert "eyJ" in body["token"]
    assert "eyJ" not in json.dumps(house.world.log)

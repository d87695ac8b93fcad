"""What people do in the sandbox's Teams, and what reaches the bot, over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from teams_house import House, answered_with, request_card, teams

from bot.sandbox.world import SigningKey


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with teams() as opened:
        yield opened


async def click(house: House, posted: dict, user: str = "alex", **more) -> tuple[int, dict]:
    wish = {"user": user, "activity_id": posted["activityId"], "verb": "approve", "inputs": {"reason": "yes"}}
    return await house.control("POST", "click", {**wish, **more})


async def seen(house: House, posted: dict, user: str) -> str:
    query = {"user": user, "activity_id": posted["activityId"]}
    status, body = await house.control("GET", "views", params=query)
    assert status == 200, body
    return body["card"]["body"][0]["text"]


async def test_a_click_reaches_the_bot_as_teams_sends_it(house):
    posted = await house.post_card(request_card())
    house.bot.answer = answered_with(request_card("yours"))

    status, answer = await click(house, posted)

    assert (status, answer["status"], answer["shown"]) == (200, 200, "card")
    assert answer["body"]["statusCode"] == 200
    assert answer["ms"] > 0
    (activity,), alex = house.bot.received, house.world.user("alex")
    assert (activity["type"], activity["name"]) == ("invoke", "adaptiveCard/action")
    assert activity["value"] == {
        "action": {"type": "Action.Execute", "verb": "approve", "data": {"request": "r1", "reason": "yes"}},
        "trigger": "manual",
    }
    assert activity["from"] == {"id": alex.teams_id, "name": "Alex Lindqvist", "aadObjectId": alex.object_id}
    assert activity["recipient"]["id"] == f"28:{house.world.client_id}"
    assert activity["replyToId"] == posted["activityId"]
    channel = house.state.channel("approvers")
    assert activity["conversation"] == {
        "id": posted["id"],
        "tenantId": house.world.tenant_id,
        "conversationType": "channel",
        "isGroup": True,
        "name": channel.name,
    }
    assert activity["channelData"]["tenant"] == {"id": house.world.tenant_id}
    assert activity["channelData"]["channel"]["id"] == channel.id
    assert activity["channelData"]["team"] == {"id": channel.team_id}


async def test_the_channel_token_is_bound_to_the_bot_and_the_service_url(house):
    await click(house, await house.post_card(request_card()))

    (claims,) = house.bot.claims
    assert claims["iss"] == "https://api.botframework.com"
    assert claims["aud"] == house.world.client_id
    assert claims["serviceurl"] == house.bot.received[0]["serviceUrl"] == f"{house.world.http_url}/connector/"


async def test_the_answer_replaces_the_card_for_the_clicker_alone(house):
    posted = await house.post_card(request_card("base"))
    house.bot.answer = answered_with(request_card("yours"))
    await click(house, posted)

    assert await seen(house, posted, "alex") == "yours"
    assert await seen(house, posted, "blake") == "base"


async def test_an_edit_replaces_everybody_s_view(house):
    posted = await house.post_card(request_card("base"))
    house.bot.answer = answered_with(request_card("yours"))
    await click(house, posted)
    await house.edit_card(posted, request_card("decided"))

    assert await seen(house, posted, "alex") == "decided"


async def test_an_answer_that_follows_an_edit_stands(house):
    posted = await house.post_card(request_card("base"))
    house.bot.answer = answered_with(request_card("yours"))
    house.bot.before_answer = lambda: house.edit_card(posted, request_card("decided"))
    await click(house, posted)

    assert await seen(house, posted, "alex") == "yours"
    assert await seen(house, posted, "blake") == "decided"


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        pytest.param(
            {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "ok"},
            "message",
            id="message",
        ),
        pytest.param(
            {"statusCode": 401, "type": "application/vnd.microsoft.activity.loginRequest", "value": {}},
            "sign-in",
            id="sign-in",
        ),
        pytest.param(
            {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": "card"},
            "error",
            id="card-as-text",
        ),
        pytest.param(
            {"statusCode": 400, "type": "application/vnd.microsoft.error", "value": {}}, "error", id="error"
        ),
        pytest.param({}, "error", id="empty"),
        pytest.param([], "error", id="list"),
    ],
)
async def test_only_a_well_formed_answer_shows_anything(house, answer, shown):
    posted = await house.post_card(request_card("base"))
    house.bot.answer = lambda _activity: web.json_response(answer)

    _, result = await click(house, posted)

    assert result["shown"] == shown
    assert await seen(house, posted, "alex") == "base"


async def test_a_card_in_a_failed_answer_is_not_shown(house):
    posted = await house.post_card(request_card("base"))
    good = {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": request_card("x")}
    house.bot.answer = lambda _activity: web.json_response(good, status=500)

    _, result = await click(house, posted)

    assert (result["status"], result["shown"]) == (500, "error")
    assert await seen(house, posted, "alex") == "base"


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param({"verb": "nuke"}, id="unknown-verb"),
        pytest.param({"verb": None}, id="unnamed"),
        pytest.param({"verb": None, "title": "Nuke"}, id="unknown-title"),
        pytest.param({"title": "Deny"}, id="verb-of-another-title"),
        pytest.param({"verb": "later"}, id="disabled"),
        pytest.param({"verb": None, "title": "Portal"}, id="a-link"),
        pytest.param({"inputs": {"reason": "x", "role": "admin"}}, id="input-the-card-has-not"),
        pytest.param({"verb": "deny", "as_submit": True}, id="no-submit-fallback"),
        pytest.param({"user": "sam"}, id="not-in-the-channel"),
    ],
)
async def test_clicks_that_nobody_could_make_are_not_made(house, wish):
    posted = await house.post_card(request_card())

    status, body = await click(house, posted, **wish)

    assert status == 409, body
    assert house.bot.received == []
    assert house.logged("click") == []


async def test_a_click_is_judged_on_the_card_the_user_sees(house):
    posted = await house.post_card(request_card())
    house.bot.answer = answered_with({"type": "AdaptiveCard", "version": "1.5", "body": []})
    await click(house, posted)

    assert (await click(house, posted))[0] == 409
    assert (await click(house, posted, user="blake"))[0] == 200


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        pytest.param({"user": "nobody"}, 404, id="user"),
        pytest.param({"activity_id": "1"}, 404, id="activity"),
        pytest.param({"activity_id": None}, 400, id="nothing"),
        pytest.param({"inputs": ["x"]}, 400, id="inputs"),
    ],
)
async def test_a_click_on_nothing_is_refused(house, wish, expected):
    posted = await house.post_card(request_card())

    assert (await click(house, posted, **wish))[0] == expected


@pytest.mark.parametrize("reason", ["", "   ", "x" * 21])
async def test_inputs_that_the_client_would_not_send_stay_there(house, reason):
    posted = await house.post_card(request_card())

    status, body = await click(house, posted, inputs={"reason": reason})

    assert (status, body["error"]) == (422, "Say why.")
    assert house.bot.received == []


async def test_force_sends_what_a_modified_client_could(house):
    posted = await house.post_card(request_card())

    assert (await click(house, posted, user="sam", inputs={}, force=True))[0] == 200
    assert house.bot.received[0]["value"]["action"]["data"] == {"request": "r1"}


async def test_an_old_client_submits_the_fallback_as_a_message(house):
    posted = await house.post_card(request_card())

    _, answer = await click(house, posted, as_submit=True)

    assert (answer["status"], answer["shown"]) == (201, "nothing")
    (activity,) = house.bot.received
    assert activity["type"] == "message"
    assert activity["value"] == {"request": "r1", "verb": "approve", "reason": "yes"}
    assert activity["replyToId"] == posted["activityId"]
    assert "text" not in activity


async def refresh(house: House, posted: dict, user: str) -> tuple[int, dict]:
    return await house.control("POST", "refresh", {"user": user, "activity_id": posted["activityId"]})


async def test_a_refresh_happens_only_for_the_users_it_names(house):
    posted = await house.post_card(request_card("base", user_ids=(house.world.user("blake").teams_id,)))
    house.bot.answer = answered_with(request_card("for blake"))

    status, answer = await refresh(house, posted, "blake")
    refused, why = await refresh(house, posted, "alex")

    assert (status, answer["shown"]) == (200, "card")
    assert house.bot.received[0]["value"]["trigger"] == "automatic"
    assert house.bot.received[0]["value"]["action"]["verb"] == "look"
    assert await seen(house, posted, "blake") == "for blake"
    assert (refused, len(house.bot.received)) == (409, 1)
    assert "userIds" in why["error"]


@pytest.mark.parametrize("count", [60, 61])
async def test_more_than_sixty_refresh_users_are_none(house, count):
    alex = house.world.user("alex").teams_id
    posted = await house.post_card(request_card(user_ids=(alex, *(f"29:{n}" for n in range(count - 1)))))

    assert (await refresh(house, posted, "alex"))[0] == (200 if count == 60 else 409)


async def test_a_card_without_refresh_is_left_alone(house):
    posted = await house.post_card({k: v for k, v in request_card().items() if k != "refresh"})

    assert (await refresh(house, posted, "alex"))[0] == 409


async def test_a_silent_bot_is_reported_and_not_invented(house, monkeypatch):
    monkeypatch.setattr("bot.sandbox.teams_wire.DEADLINE_SECONDS", 0.05)
    posted = await house.post_card(request_card())
    release = asyncio.Event()
    house.bot.before_answer = release.wait

    _, answer = await click(house, posted)
    release.set()

    assert (answer["status"], answer["error"], answer["shown"]) == (None, "timeout", "error")


async def test_a_dead_bot_is_unreachable(house, unused_tcp_port):
    endpoint = f"http://127.0.0.1:{unused_tcp_port}/api/messages"
    await house.control("POST", "connect", {"messaging_endpoint": endpoint})

    _, answer = await click(house, await house.post_card(request_card()))

    assert (answer["status"], answer["error"]) == (None, "unreachable")


async def test_without_a_bot_nothing_can_be_sent(house):
    posted = await house.post_card(request_card())
    house.world.messaging_endpoint = None

    assert (await click(house, posted))[0] == 409


async def test_the_newest_key_signs_after_a_rotation(house):
    posted = await house.post_card(request_card())
    await click(house, posted)
    house.world.channel_keys = [SigningKey.new()]

    _, answer = await click(house, posted)

    assert answer["status"] == 201


async def test_the_channel_token_is_fresh_after_the_clock_moved(house):
    posted = await house.post_card(request_card())
    await click(house, posted)
    await house.world.advance(3600)

    _, answer = await click(house, posted)

    assert answer["status"] == 201
    assert house.bot.claims[1]["exp"] - house.bot.claims[0]["exp"] >= 3600


async def test_each_deed_is_logged_without_tokens(house):
    posted = await house.post_card(request_card(user_ids=(house.world.user("alex").teams_id,)))
    house.bot.answer = answered_with(request_card("yours"))
    await refresh(house, posted, "alex")
    await click(house, posted, verb="deny")
    await house.control("POST", "raw", {})

    (line,) = house.logged("click")
    assert {k: line[k] for k in ("service", "user", "verb", "activity_id", "status", "shown")} == {
        "service": "teams",
        "user": "alex",
        "verb": "deny",
        "activity_id": posted["activityId"],
        "status": 200,
        "shown": "card",
    }
    assert [line["event"] for line in house.world.log] == [
        "connected",
        "card_posted",
        "refresh",
        "click",
        "raw",
    ]
    assert "eyJ" not in json.dumps(house.world.log)


async def test_a_message_without_a_card_can_t_be_clicked(house):
    _, said = await house.control("POST", "message", {"user": "alex", "channel": "approvers", "text": "hi"})

    assert (await click(house, {"activityId": said["activity_id"]}))[0] == 409

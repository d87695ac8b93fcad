"""What people write and read in the sandbox's Teams, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from teams_house import House, request_card, teams


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with teams() as opened:
        yield opened


async def test_a_personal_message_reaches_the_bot(house):
    _, said = await house.control("POST", "message", {"user": "riley", "personal": True, "text": "<b>hi"})

    assert (said["delivered"], said["status"]) == (True, 201)
    (activity,) = house.bot.received
    assert activity["text"] == "<b>hi"
    assert activity["attachments"][0]["content"] == "<div>&lt;b&gt;hi</div>"
    assert activity["conversation"]["conversationType"] == "personal"
    assert activity["conversation"]["id"].startswith("a:")
    assert activity["id"] == said["activity_id"]


async def test_the_bot_can_answer_where_it_was_asked(house):
    _, said = await house.control("POST", "message", {"user": "riley", "personal": True, "text": "help"})
    path = f"/connector/v3/conversations/{said['conversation_id']}/activities/{said['activity_id']}"
    assert (await house.as_bot("POST", path, json={"type": "message", "text": "of course"}))[0] == 201

    _, body = await house.control("GET", f"conversations/{said['conversation_id']}/activities")

    assert [(a["from"], a["text"]) for a in body["activities"]] == [("riley", "help"), ("bot", "of course")]


async def test_in_a_channel_only_a_mention_reaches_the_bot(house):
    wish = {"user": "alex", "channel": "approvers", "text": "hello"}

    _, plain = await house.control("POST", "message", wish)
    _, mentioned = await house.control("POST", "message", {**wish, "mention": True})

    assert (plain["delivered"], mentioned["delivered"]) == (False, True)
    (activity,) = house.bot.received
    (mention,) = [e for e in activity["entities"] if e["type"] == "mention"]
    assert mention["mentioned"] == activity["recipient"]
    assert activity["text"] == f"{mention['text']} hello"
    assert activity["conversation"]["id"].endswith(f";messageid={mentioned['activity_id']}")


async def test_a_reply_stays_in_its_thread(house):
    posted = await house.post_card(request_card())
    wish = {"user": "alex", "text": "why?", "mention": True, "reply_to": posted["activityId"]}

    await house.control("POST", "message", {**wish, "channel": "approvers"})
    elsewhere, _ = await house.control("POST", "message", {**wish, "user": "ollie", "channel": "ops"})

    assert house.bot.received[0]["conversation"]["id"] == posted["id"]
    assert elsewhere == 409


async def test_conversations_are_listed_with_their_threads(house):
    posted = await house.post_card(request_card())
    await house.control("POST", "message", {"user": "riley", "personal": True, "text": "hi"})

    _, body = await house.control("GET", "conversations")

    counts = {(c["type"], c.get("channel") or c.get("user")): c["activities"] for c in body["conversations"]}
    assert counts == {
        ("channel", "approvers"): 1,
        ("channel", "ops"): 0,
        ("personal", "riley"): 1,
        ("thread", "approvers"): 1,
    }
    assert posted["id"] in {c["id"] for c in body["conversations"]}


async def test_views_are_for_members_of_the_conversation(house):
    posted = await house.post_card(request_card())
    query = {"user": "sam", "activity_id": posted["activityId"]}

    assert (await house.control("GET", "views", params=query))[0] == 409


async def test_installing_tells_the_bot_for_every_channel(house):
    _, body = await house.control("POST", "install", {})

    assert [s["status"] for s in body["sent"]] == [201] * 4
    kinds = [(a["type"], a.get("action"), a["conversation"]["id"]) for a in house.bot.received]
    assert {channel for _, _, channel in kinds} == set(house.world.channels)
    assert kinds[0][:2] == ("conversationUpdate", None)
    assert kinds[1][:2] == ("installationUpdate", "add")
    assert house.bot.received[0]["membersAdded"] == [house.bot.received[0]["recipient"]]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"rate_limits": 1}, id="number-for-a-flag"),
        pytest.param({"smallest_page": True}, id="flag-for-a-number"),
        pytest.param({"world": None}, id="no-setting"),
        pytest.param([], id="no-object"),
    ],
)
async def test_settings_are_changed_only_to_what_they_can_be(house, body):
    _, before = await house.control("GET", "settings")

    assert (await house.control("POST", "settings", body))[0] == 400
    assert await house.control("GET", "settings") == (200, before)


async def test_all_that_was_said_is_listed_without_a_channel(house):
    await house.post_card(request_card())
    _, said = await house.control("POST", "message", {"user": "riley", "personal": True, "text": "hi"})

    _, everything = await house.control("GET", "activities")
    _, by_id = await house.control("GET", f"conversations/{house.approvers}/activities")

    assert [a["from"] for a in everything["activities"]] == ["bot", "riley"]
    assert by_id["activities"] == everything["activities"][:1]
    query = {"user": "riley", "activity_id": said["activity_id"]}
    assert (await house.control("GET", "views", params=query))[1]["card"] is None
    assert (await house.control("GET", "views", params={**query, "user": "alex"}))[0] == 409


@pytest.mark.parametrize(
    ("method", "path", "options", "expected"),
    [
        pytest.param("GET", "activities", {"params": {"channel": "lobby"}}, 404, id="unknown-channel"),
        pytest.param("GET", "views", {"params": {"user": "alex"}}, 400, id="view-of-nothing"),
        pytest.param("POST", "message", {"data": b"{"}, 400, id="broken-json"),
        pytest.param(
            "POST", "message", {"data": b'{"user":"sam","channel":"ops","text":"x"}'}, 409, id="not-a-member"
        ),
    ],
)
async def test_the_control_refuses_what_makes_no_sense(house, method, path, options, expected):
    status, _ = await house.ask(method, f"/_sandbox/teams/{path}", **options)

    assert status == expected
    assert house.bot.received == []


async def test_a_listing_can_leave_out_what_was_read_before(house):
    first, second = [await house.post_card(request_card()) for _ in range(2)]
    query = {"channel": "approvers", "since": first["activityId"], "history": "0"}

    _, listed = await house.control("GET", "activities", params=query)

    (activity,) = listed["activities"]
    assert (activity["id"], activity["version"], activity["history"]) == (second["activityId"], 1, [])
    assert (await house.control("GET", "activities", params={"since": "x"}))[0] == 400

"""The Bot Connector of the sandbox, over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from teams_house import House, activity_with, conversation_path, request_card, teams

from bot.sandbox import tokens


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with teams() as opened:
        yield opened


async def shown(house: House, channel: str = "approvers") -> list[dict]:
    status, body = await house.control("GET", "activities", params={"channel": channel})
    assert status == 200
    return body["activities"]


async def test_a_channel_post_opens_a_thread_named_after_its_first_message(house):
    posted = await house.post_card(request_card())

    assert posted["id"] == f"{house.approvers};messageid={posted['activityId']}"
    assert posted["serviceUrl"] == f"{house.world.http_url}/connector/"
    (activity,) = await shown(house)
    assert activity["id"] == posted["activityId"]
    assert activity["card"] == request_card()
    assert (activity["version"], activity["edited_at"]) == (1, None)


async def test_message_ids_are_milliseconds_and_always_grow(house):
    before = int(house.world.now().timestamp() * 1000)
    ids = [int((await house.post_card(request_card()))["activityId"]) for _ in range(5)]

    assert ids == sorted(set(ids))
    assert before <= ids[0] < before + 60_000


async def test_an_edit_keeps_every_earlier_version(house):
    posted = await house.post_card(request_card("first"))
    await house.edit_card(posted, request_card("second"))
    await house.edit_card(posted, request_card("third"))

    (activity,) = await shown(house)
    assert activity["version"] == 3
    assert activity["edited_at"] >= activity["created_at"]
    assert [v["card"]["body"][0]["text"] for v in activity["history"]] == ["first", "second", "third"]
    assert [line["version"] for line in house.logged("card_edited")] == [2, 3]


@pytest.mark.parametrize("encode", [pytest.param(True, id="encoded"), pytest.param(False, id="bare")])
async def test_conversation_ids_are_taken_encoded_or_bare(house, encode):
    posted = await house.post_card(request_card())
    bare = f"/connector/v3/conversations/{posted['id']}"
    path = conversation_path(posted["id"]) if encode else bare

    status, body = await house.as_bot("POST", f"{path}/activities", json={"type": "message", "text": "hi"})

    assert status == 201
    assert int(body["id"]) > int(posted["activityId"])
    replies = await shown(house)
    assert [a["conversation_id"] for a in replies] == [posted["id"], posted["id"]]


async def test_the_channel_id_alone_names_the_message_as_well(house):
    posted = await house.post_card(request_card())
    path = f"{conversation_path(house.approvers)}/activities/{posted['activityId']}"

    assert (await house.as_bot("PUT", path, json=activity_with(request_card("new"))))[0] == 200


async def test_a_reply_to_an_unknown_id_is_accepted(house):
    path = f"{conversation_path(house.approvers)}/activities/no-such-id"

    status, body = await house.as_bot("POST", path, json={"type": "message", "text": "hello"})

    assert status == 201
    (activity,) = await shown(house)
    assert (activity["id"], activity["reply_to_id"]) == (body["id"], "no-such-id")


async def test_typing_leaves_nothing_to_see(house):
    path = f"{conversation_path(house.approvers)}/activities"

    assert (await house.as_bot("POST", path, json={"type": "typing"}))[0] == 201
    assert await shown(house) == []


async def test_a_personal_chat_is_the_same_one_every_time(house):
    body = {"members": [{"id": house.world.user("alex").teams_id}], "isGroup": False}

    status, first = await house.as_bot("POST", "/connector/v3/conversations", json=body)
    _, second = await house.as_bot(
        "POST", "/connector/v3/conversations", json={**body, "activity": {"type": "message", "text": "x"}}
    )

    assert status == 201
    assert first["id"].startswith("a:")
    assert second["id"] == first["id"]
    assert "activityId" not in first
    assert second["activityId"].isdecimal()


@pytest.mark.parametrize("who", ["alex", "29:nobody", "alex.lindqvist@alderhavn.example"])
async def test_only_ids_open_a_personal_chat(house, who):
    status, body = await house.as_bot("POST", "/connector/v3/conversations", json={"members": [{"id": who}]})

    assert (status, body["error"]["message"]) == (400, "Failed to decrypt pairwise id")


async def test_a_deleted_message_can_neither_be_edited_nor_clicked(house):
    posted = await house.post_card(request_card())
    path = f"{conversation_path(posted['id'])}/activities/{posted['activityId']}"

    assert (await house.as_bot("DELETE", path))[0] == 200
    status, body = await house.as_bot("PUT", path, json=activity_with(request_card()))
    assert (status, body["error"]["code"]) == (404, "ActivityNotFoundInConversation")
    click = {"user": "alex", "activity_id": posted["activityId"], "verb": "approve"}
    assert (await house.control("POST", "click", click))[0] == 409


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("PUT", "{channel}/activities/12", "ActivityNotFoundInConversation", id="edit"),
        pytest.param("DELETE", "{channel}/activities/12", "ActivityNotFoundInConversation", id="delete"),
        pytest.param("POST", "19%3Agone%40thread.tacv2/activities", "ConversationNotFound", id="channel"),
        pytest.param("POST", "a%3A1gone/activities", "ConversationNotFound", id="chat"),
        pytest.param("GET", "19%3Agone%40thread.tacv2/members", "ConversationNotFound", id="members"),
    ],
)
async def test_what_is_not_there_is_404(house, method, path, expected):
    path = path.format(channel=house.approvers)
    status, body = await house.as_bot(
        method, f"/connector/v3/conversations/{path}", json={"type": "message", "text": "x"}
    )

    assert (status, body["error"]["code"]) == (404, expected)


async def test_a_post_in_an_unknown_channel_is_404(house):
    body = {"isGroup": True, "channelData": {"channel": {"id": "19:x"}}, "activity": {"text": "x"}}

    status, answer = await house.as_bot("POST", "/connector/v3/conversations", json=body)

    assert (status, answer["error"]["code"]) == (404, "ConversationNotFound")


async def test_a_message_moved_to_another_conversation_is_not_found(house):
    posted = await house.post_card(request_card())
    ops = house.state.channel("ops").id

    status, _ = await house.as_bot(
        "PUT",
        f"{conversation_path(ops)}/activities/{posted['activityId']}",
        json=activity_with(request_card()),
    )

    assert status == 404


async def test_a_person_s_message_is_not_the_bot_s_to_edit(house):
    _, said = await house.control("POST", "message", {"user": "alex", "channel": "approvers", "text": "hi"})
    path = f"{conversation_path(said['conversation_id'])}/activities/{said['activity_id']}"

    assert (await house.as_bot("PUT", path, json={"type": "message", "text": "forged"}))[0] == 403


async def test_a_bot_that_was_removed_is_not_in_the_roster(house):
    posted = await house.post_card(request_card())
    assert (await house.control("POST", "uninstall", {"channel": "approvers"}))[0] == 200

    path = f"{conversation_path(posted['id'])}/activities/{posted['activityId']}"
    status, body = await house.as_bot("PUT", path, json=activity_with(request_card()))

    assert (status, body["error"]["code"]) == (403, "BotNotInConversationRoster")
    assert (await house.control("POST", "install", {"channel": "approvers"}))[0] == 200
    await house.edit_card(posted, request_card())


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        pytest.param(40_000, 201, id="forty-thousand-letters"),
        pytest.param(52_000, 413, id="over-100-KB-in-utf16"),
    ],
)
async def test_size_is_counted_in_utf16(house, length, expected):
    path = f"{conversation_path(house.approvers)}/activities"

    status, body = await house.as_bot("POST", path, json={"type": "message", "text": "x" * length})

    assert status == expected
    if expected == 413:
        assert body["error"]["code"] == "MessageSizeTooBig"
        assert await shown(house) == []


async def test_characters_beyond_the_first_plane_count_double(house):
    path = f"{conversation_path(house.approvers)}/activities"

    status, _ = await house.as_bot("POST", path, json={"type": "message", "text": "\U0001f511" * 26_000})

    assert status == 413


@pytest.mark.parametrize(
    "activity",
    [
        pytest.param({"type": "message"}, id="empty"),
        pytest.param({"type": "message", "attachments": "x"}, id="attachments-no-list"),
        pytest.param(activity_with({"type": "Card"}), id="no-adaptive-card"),
        pytest.param([], id="no-object"),
    ],
)
async def test_what_teams_can_t_show_is_400(house, activity):
    path = f"{conversation_path(house.approvers)}/activities"

    status, body = await house.as_bot("POST", path, json=activity)

    assert (status, body["error"]["code"]) == (400, "BadSyntax")


async def test_broken_json_is_400(house):
    path = f"{conversation_path(house.approvers)}/activities"

    assert (await house.as_bot("POST", path, data=b"{"))[0] == 400


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/connector/v3/conversations/x/members", id="connector"),
        pytest.param("/token/api/usertoken/GetToken", id="token-service"),
    ],
)
@pytest.mark.parametrize("kind", ["none", "graph", "another-app", "voided", "channel"])
async def test_only_the_bot_s_own_token_opens_the_services(house, path, kind):
    world = house.world
    sent = {
        "none": "",
        "graph": tokens.app_token(world, tokens.GRAPH),
        "another-app": tokens.issue(world, {"aud": tokens.BOT_FRAMEWORK, "iss": "x", "appid": "other"}),
        "voided": tokens.app_token(world, tokens.BOT_FRAMEWORK),
        "channel": world.sign({"aud": tokens.BOT_FRAMEWORK, "iss": "x"}, world.channel_keys[-1]),
    }[kind]
    if kind == "voided":
        world.tokens_void_before = world.now() + timedelta(seconds=1)

    status, _ = await house.ask("GET", path, headers={"Authorization": f"Bearer {sent}"})

    assert status == 401


async def test_throttling_is_off_until_it_is_asked_for(house):
    path = f"{conversation_path(house.approvers)}/activities"

    for _ in range(12):
        assert (await house.as_bot("POST", path, json={"type": "message", "text": "x"}))[0] == 201


async def test_the_eighth_message_in_a_second_has_to_wait(house):
    frozen = house.world.now()
    house.world.real_now = lambda: frozen
    await house.control("POST", "settings", {"rate_limits": True})
    path = f"{house.world.http_url}{conversation_path(house.approvers)}/activities"
    bearer = {"Authorization": f"Bearer {tokens.app_token(house.world, tokens.BOT_FRAMEWORK)}"}

    async def send() -> tuple[int, str | None]:
        async with house.http.post(path, json={"type": "message", "text": "x"}, headers=bearer) as got:
            return got.status, got.headers.get("Retry-After")

    assert [await send() for _ in range(8)] == [(201, None)] * 7 + [(429, "1")]
    await house.world.advance(1)
    assert await send() == (201, None)
    assert await send() == (429, "1")
    await house.world.advance(1)
    assert await send() == (201, None)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"channelData": {"channel": {"id": "{channel}"}}}, id="post-without-activity"),
        pytest.param({"activity": "hello"}, id="activity-no-object"),
        pytest.param({"members": []}, id="nobody"),
        pytest.param({"members": [{"id": "29:1"}, {"id": "29:2"}]}, id="two-people"),
    ],
)
async def test_conversations_that_can_t_be_created_are_400(house, body):
    sent = json.loads(json.dumps(body).replace("{channel}", house.approvers))

    status, answer = await house.as_bot("POST", "/connector/v3/conversations", json=sent)

    assert (status, answer["error"]["code"]) == (400, "BadSyntax")

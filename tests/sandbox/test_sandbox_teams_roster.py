"""Members and teams as the sandbox's Bot Connector tells them, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from teams_house import House, conversation_path, teams


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with teams() as opened:
        yield opened


async def test_members_carry_the_ids_that_teams_gives(house):
    alex = house.world.user("alex")

    status, everyone = await house.as_bot("GET", f"{conversation_path(house.approvers)}/members")

    assert status == 200
    assert len(everyone) == len(house.state.channel("approvers").members)
    (found,) = [m for m in everyone if m["id"] == alex.teams_id]
    assert found["objectId"] == found["aadObjectId"] == alex.object_id
    assert found["userPrincipalName"] == found["email"] == alex.upn
    assert (found["name"], found["tenantId"]) == (alex.display_name, house.world.tenant_id)


@pytest.mark.parametrize("by", ["teams_id", "object_id", "upn"])
async def test_one_member_is_found_by_any_of_their_ids(house, by):
    wanted = getattr(house.world.user("alex"), by)
    path = f"{conversation_path(house.approvers)}/members/{wanted}"

    status, body = await house.as_bot("GET", path)

    assert (status, body["name"]) == (200, "Alex Lindqvist")


async def test_somebody_else_is_no_member(house):
    sam = house.world.user("sam").teams_id

    status, body = await house.as_bot("GET", f"{conversation_path(house.approvers)}/members/{sam}")

    assert (status, body["error"]["code"]) == (404, "MemberNotFoundInConversation")


async def test_members_are_paged_until_the_token_ends(house):
    await house.control("POST", "settings", {"smallest_page": 2})
    path = f"{conversation_path(house.approvers)}/pagedmembers"
    seen: list[str] = []
    query = {"pageSize": "2"}
    while True:
        status, page = await house.as_bot("GET", path, params=query)
        assert status == 200
        assert len(page["members"]) <= 2
        seen += [m["objectId"] for m in page["members"]]
        if "continuationToken" not in page:
            break
        query["continuationToken"] = page["continuationToken"]

    assert seen == house.state.channel("approvers").members


async def test_a_page_is_never_smaller_than_teams_makes_it(house):
    path = f"{conversation_path(house.approvers)}/pagedmembers"

    _, page = await house.as_bot("GET", path, params={"pageSize": "1"})

    assert len(page["members"]) == len(house.state.channel("approvers").members)
    assert "continuationToken" not in page


async def test_a_foreign_continuation_token_is_400(house):
    path = f"{conversation_path(house.approvers)}/pagedmembers"

    assert (await house.as_bot("GET", path, params={"continuationToken": "x"}))[0] == 400


async def test_the_team_lists_its_channels(house):
    team_id = house.state.channel("approvers").team_id

    status, team = await house.as_bot("GET", f"/connector/v3/teams/{team_id}")
    _, listed = await house.as_bot("GET", f"/connector/v3/teams/{team_id}/conversations")

    assert (status, team["id"], team["channelCount"]) == (200, team_id, 2)
    assert {c["id"] for c in listed["conversations"]} == set(house.world.channels)
    assert (await house.as_bot("GET", "/connector/v3/teams/19:none"))[0] == 404


async def test_a_personal_chat_has_one_member(house):
    alex = house.world.user("alex")
    _, chat = await house.as_bot(
        "POST", "/connector/v3/conversations", json={"members": [{"id": alex.object_id}]}
    )

    _, members = await house.as_bot("GET", f"{conversation_path(chat['id'])}/members")

    assert [m["id"] for m in members] == [alex.teams_id]

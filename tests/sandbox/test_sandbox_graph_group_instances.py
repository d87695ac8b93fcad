"""PIM for Groups: who is eligible for a group, and who is in it or owns it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from graph_house import House, house

from bot.sandbox.seed import group_named

GROUP = "/v1.0/identityGovernance/privilegedAccess/group"
ELIGIBLE = f"{GROUP}/eligibilityScheduleInstances"
ASSIGNED = f"{GROUP}/assignmentScheduleInstances"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


async def control(at: House, method: str, path: str, body: Any = None) -> Any:
    got = await at.call(method, f"/_sandbox/{path}", json=body)
    assert got.status < 300, got.body
    return got.body


async def eligible(at: House, principal: str, group: str = "Security Operations", **more: Any) -> str:
    wish = {"principal": principal, "group": group, **more}
    return str((await control(at, "POST", "group-eligibilities", wish))["id"])


async def listed(at: House, url: str, wanted: str, **more: str) -> list[dict[str, Any]]:
    got = await at.get(url, at.app(), **{"$filter": wanted, **more})
    assert got.status == 200, got.body
    return list(got.body["value"])


@pytest.mark.parametrize("url", [ELIGIBLE, ASSIGNED])
@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        pytest.param({}, "MissingParameters", id="nothing"),
        pytest.param(
            {"$filter": "accessId eq 'member'"}, "MissingParameters", id="neither group nor principal"
        ),
        pytest.param({"$filter": "startDateTime eq null"}, "InvalidFilter", id="what can't be filtered by"),
    ],
)
async def test_there_is_no_listing_of_the_whole_tenant(
    at: House, url: str, wanted: dict[str, str], code: str
) -> None:
    got = await at.get(url, at.app(), **wanted)
    assert (got.status, got.code) == (400, code)


async def test_an_eligibility_is_found_by_its_group_and_by_its_principal(at: House) -> None:
    made = await eligible(at, "sam", access="owner")
    group = group_named(at.world, "Security Operations")
    for wanted in (f"groupId eq '{group.id}'", f"principalId eq '{at.id('sam')}' and accessId eq 'owner'"):
        (row,) = await listed(at, ELIGIBLE, wanted, **{"$expand": "principal,group"})
        assert (row["id"], row["accessId"], row["memberType"]) == (made, "owner", "direct")
        assert row["principal"]["displayName"] == "Sam Whitaker"
        assert row["group"]["isAssignableToRole"] is True
    assert await listed(at, ELIGIBLE, f"principalId eq '{at.id('alex')}'") == []


async def test_a_group_may_be_an_eligible_member_of_a_group(at: House) -> None:
    await eligible(at, "Cloud Platform")
    inner = group_named(at.world, "Cloud Platform").id
    (row,) = await listed(at, ELIGIBLE, f"principalId eq '{inner}'", **{"$expand": "principal"})
    assert row["principal"]["@odata.type"] == "#microsoft.graph.group"


async def test_only_current_eligibilities_are_instances_and_they_can_be_removed(at: House) -> None:
    now = at.world.now()
    hour = timedelta(hours=1)
    await eligible(at, "sam", end=(now - hour).isoformat())
    await eligible(at, "sam", start=(now + hour).isoformat())
    stays = await eligible(at, "sam", start=(now - hour).isoformat(), end=(now + hour).isoformat())
    wanted = f"principalId eq '{at.id('sam')}'"
    assert [row["id"] for row in await listed(at, ELIGIBLE, wanted)] == [stays]
    await control(at, "DELETE", f"group-eligibilities/{stays}")
    assert await listed(at, ELIGIBLE, wanted) == []


async def test_members_and_owners_are_assignments(at: House) -> None:
    await control(at, "PATCH", "groups/Security Operations", {"owners": ["alex"]})
    group = group_named(at.world, "Security Operations")
    rows = await listed(at, ASSIGNED, f"groupId eq '{group.id}'")
    assert {(row["principalId"], row["accessId"]) for row in rows} == {
        (at.id("casey"), "member"),
        (at.id("alex"), "owner"),
    }


async def test_what_somebody_is_in_and_owns_is_told_from_their_side_too(at: House) -> None:
    made = await control(at, "POST", "groups", {"name": "Breakers", "members": ["Technology"]})
    await control(at, "PATCH", "groups/Breakers", {"owners": ["dana"]})
    of_dana = await at.get(f"/v1.0/users/{at.id('dana')}/transitiveMemberOf", at.app())
    inner = group_named(at.world, "Technology").id
    of_group = await at.get(f"/v1.0/groups/{inner}/transitiveMemberOf", at.app())
    owned = await at.get(f"/v1.0/users/{at.id('dana')}/ownedObjects", at.app())
    owners = await at.get(f"/v1.0/groups/{made['id']}/owners", at.app())
    assert {row["displayName"] for row in of_dana.body["value"]} == {
        "Cloud Platform",
        "Technology",
        "Breakers",
    }
    assert [row["displayName"] for row in of_group.body["value"]] == ["Breakers"]
    assert [row["id"] for row in owned.body["value"]] == [made["id"]]
    assert [row["id"] for row in owners.body["value"]] == [at.id("dana")]


async def test_of_groups_that_may_not_be_read_it_is_told_only_that_they_are_there(at: House) -> None:
    await control(at, "PATCH", "groups/Technology", {"owners": ["casey"]})
    at.world.app_roles = {"User.Read.All"}
    for relation in ("transitiveMemberOf", "ownedObjects"):
        got = await at.get(f"/v1.0/users/{at.id('casey')}/{relation}", at.app())
        for row in got.body["value"]:
            assert {name for name, value in row.items() if value is not None} == {"@odata.type", "id"}


async def test_groups_in_a_circle_are_each_listed_once(at: House) -> None:
    await control(at, "POST", "groups", {"name": "Inner", "members": ["sam"]})
    await control(at, "POST", "groups", {"name": "Outer", "members": ["Inner"]})
    await control(at, "PATCH", "groups/Inner", {"members": ["sam", "Outer"]})
    got = await at.get(f"/v1.0/users/{at.id('sam')}/transitiveMemberOf", at.app())
    assert sorted(row["displayName"] for row in got.body["value"]) == ["Inner", "Outer"]


async def test_a_member_can_become_a_guest(at: House) -> None:
    await control(at, "PATCH", "users/sam", {"guest": True})
    got = await at.get(f"/v1.0/users/{at.id('sam')}", at.app(), **{"$select": "id,userType"})
    assert got.body["userType"] == "Guest"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("group-eligibilities", {"principal": "sam", "group": "x"}, id="no such group"),
        pytest.param(
            "group-eligibilities",
            {"principal": "sam", "group": "Technology", "access": "guest"},
            id="no such access",
        ),
        pytest.param("groups", {"members": []}, id="a group without a name"),
    ],
)
async def test_a_scripts_mistake_is_named(at: House, path: str, body: dict[str, Any]) -> None:
    assert (await at.post(f"/_sandbox/{path}", body)).status == 400
    assert (await at.call("PATCH", "/_sandbox/groups/Technology", json={"name": "x"})).status == 400


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param(f"{ELIGIBLE}?$filter=groupId eq 'x'", "UnknownError", id="eligibilities"),
        pytest.param(f"{ASSIGNED}?$filter=groupId eq 'x'", "UnknownError", id="assignments"),
        pytest.param("/v1.0/users/x/transitiveMemberOf", "Authorization_RequestDenied", id="a user's groups"),
        pytest.param(
            "/v1.0/groups/x/transitiveMemberOf", "Authorization_RequestDenied", id="a group's groups"
        ),
        pytest.param("/v1.0/users/x/ownedObjects", "Authorization_RequestDenied", id="owned objects"),
        pytest.param("/v1.0/groups/x/owners", "Authorization_RequestDenied", id="owners"),
    ],
)
async def test_nothing_is_read_without_its_permission(at: House, path: str, code: str) -> None:
    at.world.app_roles = {"RoleManagement.Read.Directory"}
    got = await at.get(path, at.app())
    assert (got.status, got.code) == (403, code)

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graph.fake_cloud import FakeCloud, config_for, fails, hangs_up, never, rows, says

from bot.domain.danger import GLOBAL_ADMINISTRATOR
from bot.domain.errors import (
    DirectoryError,
    NotFoundError,
    PermissionMissingError,
    RejectedError,
    UnavailableError,
)
from bot.domain.model import Danger
from bot.graph.adapters import GraphAdapters, open_graph
from bot.graph.retries import Retries

PIM = "/v1.0/roleManagement/directory"
REQUESTS = f"GET {PIM}/roleAssignmentScheduleRequests"
ROLE = "role-1"


def request(request_id: str, status: str = "PendingApproval", **changed: Any) -> dict[str, Any]:
    return {
        "id": request_id,
        "approvalId": request_id,
        "status": status,
        "principalId": "p",
        "roleDefinitionId": ROLE,
        **changed,
    }


def user(name: str) -> dict[str, Any]:
    return {"@odata.type": "#microsoft.graph.user", "id": name, "displayName": name.title()}


# pending requests ---------------------------------------------------------------------------


async def test_the_filter_asks_for_every_status_that_awaits_approval(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(REQUESTS, rows(request("a")))
    assert [one.id for one in await graph.directory.pending_requests()] == ["a"]
    asked = cloud.to_graph()[0].query["$filter"]
    assert "status eq 'PendingApproval' or" in asked
    assert "status eq 'PendingApprovalProvisioning'" in asked


async def test_a_refused_filter_is_not_tried_again_for_an_hour(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    refused = fails(400, "InvalidFilter", "The status eq 'PendingApproval' filter is invalid.")
    cloud.on(REQUESTS, refused, rows(request("a"), request("b", "Granted")))
    assert [one.id for one in await graph.directory.pending_requests()] == ["a"]
    cloud.clock.move(3599)
    await graph.directory.pending_requests()
    assert ["$filter" in one.query for one in cloud.to_graph()] == [True, False, False]
    cloud.clock.move(2)
    await graph.directory.pending_requests()
    assert "$filter" in cloud.to_graph()[-1].query


async def test_a_missing_permission_is_not_mistaken_for_a_refused_filter(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(REQUESTS, fails(403))
    with pytest.raises(PermissionMissingError):
        await graph.directory.pending_requests()
    assert len(cloud.to_graph()) == 1


async def test_an_unknown_pending_status_is_shown_and_a_request_without_approval_id_too(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(REQUESTS, rows(request("a", "PendingNew"), request("b", approvalId=None)))
    found = await graph.directory.pending_requests()
    assert [(one.id, one.approval_id) for one in found] == [("a", "a"), ("b", None)]


async def test_a_request_that_cant_be_read_does_not_hide_the_others(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(REQUESTS, rows(request("a", principalId=None), request("b")))
    assert [one.id for one in await graph.directory.pending_requests()] == ["b"]


async def test_pages_are_followed_on_the_same_host_with_their_own_query(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    link = f"{cloud.graph_url}{PIM}/roleAssignmentScheduleRequests?$skiptoken=abc%3D"
    cloud.on(REQUESTS, rows(request("a"), **{"@odata.nextLink": link}), rows(request("b")))
    assert [one.id for one in await graph.directory.pending_requests()] == ["a", "b"]
    assert cloud.to_graph()[1].query == {"$skiptoken": "abc="}


@pytest.mark.parametrize(
    "link",
    [
        pytest.param("https://evil.example/v1.0/x", id="another host"),
        pytest.param("http://localhost:1/v1.0/x", id="another port"),
        pytest.param("/v1.0/x", id="relative"),
        pytest.param("http://[", id="no address"),
        pytest.param(7, id="a number"),
    ],
)
async def test_a_next_page_elsewhere_is_refused_and_gets_no_token(
    cloud: FakeCloud, graph: GraphAdapters, link: object
) -> None:
    cloud.on(REQUESTS, rows(request("a"), **{"@odata.nextLink": link}))
    with pytest.raises(RejectedError):
        await graph.directory.pending_requests()
    assert len(cloud.to_graph()) == 1


async def test_a_listing_that_never_ends_is_given_up(cloud: FakeCloud, graph: GraphAdapters) -> None:
    link = f"{cloud.graph_url}{PIM}/roleAssignmentScheduleRequests?$skiptoken=again"
    cloud.on(REQUESTS, rows(request("a"), **{"@odata.nextLink": link}))
    with pytest.raises(RejectedError, match="more than 200 pages"):
        await graph.directory.pending_requests()


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": [1]}, [], "text"])
async def test_a_listing_without_rows_is_an_error_and_not_an_empty_list(
    cloud: FakeCloud, graph: GraphAdapters, body: object
) -> None:
    cloud.on(REQUESTS, says(body))
    with pytest.raises(DirectoryError):
        await graph.directory.pending_requests()


# repetition ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503, 504])
async def test_a_busy_graph_is_asked_again_after_the_time_it_names(
    cloud: FakeCloud, graph: GraphAdapters, status: int
) -> None:
    cloud.on("GET /v1.0/users/u", fails(status, Retry_After="3"), says(user("u")))
    assert (await graph.directory.person("u")).display_name == "U"
    assert cloud.slept == [3.0]


async def test_a_lost_connection_is_tried_again_when_only_reading(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on("GET /v1.0/users/u", hangs_up(), says(user("u")))
    assert (await graph.directory.person("u")).display_name == "U"


async def test_reading_is_given_up_after_four_attempts(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on("GET /v1.0/users/u", fails(503))
    with pytest.raises(UnavailableError):
        await graph.directory.person("u")
    assert len(cloud.to_graph()) == 4


async def test_a_wait_beyond_the_time_there_is_is_not_begun(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on("GET /v1.0/users/u", fails(429, Retry_After="60"))
    with pytest.raises(UnavailableError):
        await graph.directory.person("u")
    assert (len(cloud.to_graph()), cloud.slept) == (1, [])


async def test_a_graph_that_never_answers_is_given_up_in_bounded_time(cloud: FakeCloud) -> None:
    released = asyncio.Event()
    cloud.on("GET /v1.0/users/u", never(released))
    async with open_graph(config_for(cloud), cloud.clock, Retries(seconds=0.2)) as graph:
        with pytest.raises(UnavailableError):
            await graph.directory.person("u")
    released.set()


async def test_a_broken_graph_is_not_asked_again(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on("GET /v1.0/users/u", fails(500))
    with pytest.raises(UnavailableError):
        await graph.directory.person("u")
    assert len(cloud.to_graph()) == 1


@pytest.mark.parametrize(
    "header",
    [
        pytest.param('Bearer realm=""', id="plain"),
        pytest.param('Bearer claims="e30="', id="with claims"),
        pytest.param('Bearer claims="%%%"', id="with claims that can't be read"),
    ],
)
async def test_a_refused_app_token_is_replaced_and_the_call_made_again(
    cloud: FakeCloud, graph: GraphAdapters, header: str
) -> None:
    cloud.on("GET /v1.0/users/u", fails(401, WWW_Authenticate=header), says(user("u")))
    await graph.directory.person("u")
    assert [one.token for one in cloud.to_graph()] == ["token-1", "token-2"]


async def test_an_app_token_that_is_refused_again_and_again_is_rejected(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on("GET /v1.0/users/u", fails(401))
    with pytest.raises(RejectedError) as caught:
        await graph.directory.person("u")
    assert caught.value.status == 401
    assert len(cloud.to_graph()) == 2


async def test_a_redirect_is_not_followed(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on("GET /v1.0/users/u", says({}, 302, Location=f"{cloud.graph_url}/elsewhere"))
    with pytest.raises(RejectedError):
        await graph.directory.person("u")
    assert [one.path for one in cloud.to_graph()] == ["/v1.0/users/u"]


# persons and roles --------------------------------------------------------------------------


async def test_names_are_remembered_for_a_minute(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on("GET /v1.0/users/u", says(user("u")))
    await graph.directory.person("u")
    cloud.clock.move(59)
    await graph.directory.person("U")
    assert len(cloud.to_graph()) == 1
    cloud.clock.move(2)
    await graph.directory.person("u")
    assert len(cloud.to_graph()) == 2


async def test_an_object_id_can_not_lead_to_another_path(cloud: FakeCloud, graph: GraphAdapters) -> None:
    with pytest.raises(DirectoryError):
        await graph.directory.person("../groups/g?x=1")
    assert cloud.to_graph()[0].path.startswith("/v1.0/users/..")
    assert cloud.to_graph()[0].query.keys() == {"$select"}


@pytest.mark.parametrize(
    ("definition", "danger"),
    [
        pytest.param(
            {"isBuiltIn": True, "templateId": GLOBAL_ADMINISTRATOR}, Danger.CRITICAL, id="by template"
        ),
        pytest.param({"isBuiltIn": True}, Danger.ELEVATED, id="by id"),
        pytest.param({"isBuiltIn": False}, Danger.HIGH, id="custom"),
        pytest.param({}, Danger.HIGH, id="not said to be built in"),
    ],
)
async def test_a_role_is_as_dangerous_as_its_template(
    cloud: FakeCloud, graph: GraphAdapters, definition: dict[str, Any], danger: Danger
) -> None:
    cloud.on(f"GET {PIM}/roleDefinitions/{ROLE}", says({"id": ROLE, "displayName": "Role", **definition}))
    role = await graph.directory.role(ROLE)
    assert (role.definition_id, role.display_name, role.danger) == (ROLE, "Role", danger)


async def test_one_request_is_none_only_when_graph_says_404(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on(f"{REQUESTS}/a", fails(404), fails(400))
    assert await graph.directory.request("a", ROLE) is None
    with pytest.raises(RejectedError):
        await graph.directory.request("a", ROLE)


async def test_a_person_graph_does_not_know_is_not_found(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on("GET /v1.0/users/u", fails(404))
    with pytest.raises(NotFoundError):
        await graph.directory.person("u")

"""Pending requests of PIM for Groups: read group by group, in turns, with one hiding no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from graph.fake_cloud import Answer, FakeCloud, config_for, fails, rows, says
from structlog.testing import capture_logs

from bot.domain.errors import IncompleteListingError, PermissionMissingError
from bot.domain.group_roles import Access, GroupRole
from bot.domain.model import PimRequest
from bot.graph import group_polling
from bot.graph.adapters import GraphAdapters, open_graph
from bot.graph.group_polling import MOST_A_ROUND
from bot.graph.retries import Retries

PIM = "identityGovernance/privilegedAccess/group"
REQUESTS = f"GET /v1.0/{PIM}/assignmentScheduleRequests"
RESOURCES = f"GET /beta/{PIM}/resources"
OF_ROLES = "GET /v1.0/roleManagement/directory/roleAssignmentScheduleRequests"

Open = Callable[..., AbstractAsyncContextManager[GraphAdapters]]


@pytest.fixture
def open_for(cloud: FakeCloud) -> Open:
    @asynccontextmanager
    async def opened(*groups: str) -> AsyncIterator[GraphAdapters]:
        """With no group named: all that PIM manages."""
        cloud.answers.setdefault(OF_ROLES, [rows()])
        config = config_for(cloud, groups=groups or None)
        async with open_graph(config, cloud.clock, Retries(sleep=cloud.sleep)) as graph:
            yield graph

    return opened


def request(
    group: str, request_id: str = "a", status: str = "PendingApproval", **more: Any
) -> dict[str, Any]:
    return {
        "id": request_id,
        "approvalId": request_id,
        "status": status,
        "principalId": "P",
        "groupId": group.upper(),
        "accessId": "member",
        **more,
    }


def by_group(**answers: Answer) -> Answer:
    """By the group that the filter names; nothing of any other."""

    async def answer(asked: web.Request) -> web.StreamResponse:
        group = asked.query["$filter"].removeprefix("groupId eq '").removesuffix("'")
        return await answers.get(group, rows())(asked)

    return answer


def asked_of(cloud: FakeCloud) -> list[str]:
    filters = [one.query.get("$filter", "") for one in cloud.to_graph()]
    return [text.split("'")[1] for text in filters if text.startswith("groupId")]


async def incomplete(graph: GraphAdapters) -> IncompleteListingError:
    with pytest.raises(IncompleteListingError) as caught:
        await graph.directory.pending_requests()
    return caught.value


def ids(found: tuple[PimRequest, ...]) -> list[str]:
    return [one.id for one in found]


async def test_a_groups_request_reads_like_any_other(cloud: FakeCloud, open_for: Open) -> None:
    told = request(
        "g1",
        accessId="owner",
        action="selfActivate",
        justification="because",
        ticketInfo={"ticketNumber": "INC-1"},
        scheduleInfo={"expiration": {"type": "afterDuration", "duration": "PT2H"}},
    )
    cloud.on(REQUESTS, by_group(g1=rows(told)))
    async with open_for("g1") as graph:
        (found,) = await graph.directory.pending_requests()
    assert found.role_definition_id == GroupRole("g1", Access.OWNER).key
    assert (found.id, found.approval_id, found.scope, found.principal_id) == ("a", "a", "/", "p")
    assert (found.justification, found.ticket.number if found.ticket else "") == ("because", "INC-1")


async def test_no_group_is_asked_about_when_none_is_looked_after(cloud: FakeCloud) -> None:
    cloud.on(OF_ROLES, rows())
    async with open_graph(config_for(cloud, groups=()), cloud.clock) as graph:
        assert await graph.directory.pending_requests() == ()
    assert asked_of(cloud) == []


@pytest.mark.parametrize("status", ["PendingApproval", "PendingApprovalProvisioning", "PendingNew"])
async def test_whatever_may_await_an_approval_is_found_and_nothing_else(
    cloud: FakeCloud, open_for: Open, status: str
) -> None:
    of_another = request("g2", "c")
    listed = rows(request("g1", "a", status), request("g1", "b", "Provisioned"), of_another)
    cloud.on(REQUESTS, by_group(g1=listed))
    async with open_for("g1") as graph:
        assert ids(await graph.directory.pending_requests()) == ["a"]


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param({"accessId": "guest"}, id="an access not known"),
        pytest.param({"accessId": None}, id="no access"),
        pytest.param({"principalId": None}, id="no principal"),
    ],
)
async def test_a_request_that_can_not_be_read_hides_no_other(
    cloud: FakeCloud, open_for: Open, spoilt: dict[str, Any]
) -> None:
    cloud.on(REQUESTS, by_group(g1=rows(request("g1", "a", **spoilt), request("g1", "b"))))
    async with open_for("g1") as graph:
        assert ids(await graph.directory.pending_requests()) == ["b"]


# What fails --------------------------------------------------------------------------------


async def test_a_group_that_can_not_be_read_is_named_and_hides_nothing_else(
    cloud: FakeCloud, open_for: Open
) -> None:
    cloud.on(OF_ROLES, rows({**request("x", "r"), "roleDefinitionId": "role-1"}))
    cloud.on(REQUESTS, by_group(g1=fails(403), g2=rows(request("g2", "b"))))
    async with open_for("g1", "g2") as graph:
        error = await incomplete(graph)
    assert (ids(error.found), error.groups, error.directory_roles) == (["r", "b"], {"g1"}, None)
    assert error.hides(GroupRole("g1", Access.OWNER).key)
    assert not error.hides(GroupRole("g2", Access.MEMBER).key)
    assert not error.hides("role-1")


async def test_directory_roles_that_can_not_be_read_hide_no_group(cloud: FakeCloud, open_for: Open) -> None:
    cloud.on(OF_ROLES, fails(403))
    cloud.on(REQUESTS, by_group(g1=rows(request("g1", "b"))))
    async with open_for("g1") as graph:
        error = await incomplete(graph)
    assert (ids(error.found), error.groups) == (["b"], frozenset())
    assert isinstance(error.directory_roles, PermissionMissingError)
    assert error.hides("role-1")


async def test_a_group_that_is_refused_has_its_next_turn_in_five_minutes_and_stays_unread_till_then(
    cloud: FakeCloud, open_for: Open
) -> None:
    cloud.on(REQUESTS, by_group(g1=fails(403)))
    async with open_for("g1") as graph:
        assert (await incomplete(graph)).groups == {"g1"}
        cloud.clock.move(299)
        assert (await incomplete(graph)).groups == {"g1"}
        assert asked_of(cloud) == ["g1"]
        cloud.clock.move(2)
        cloud.on(REQUESTS, by_group(g1=rows(request("g1"))))
        assert ids(await graph.directory.pending_requests()) == ["a"]


async def test_a_group_that_graph_is_too_busy_for_is_asked_again_when_graph_says(
    cloud: FakeCloud, open_for: Open
) -> None:
    cloud.on(REQUESTS, by_group(g1=fails(429, retry_after="120")))
    async with open_for("g1", "g2") as graph:
        with capture_logs() as logs:
            await incomplete(graph)
        (line,) = (line for line in logs if line["event"] == "pim_group_unread")
        assert (line["group"], line["again_in"]) == ("g1", 120.0)
        before = asked_of(cloud).count("g1")
        cloud.clock.move(60)
        await incomplete(graph)
        assert asked_of(cloud).count("g1") == before
        assert asked_of(cloud).count("g2") == 2


async def test_a_group_that_does_not_answer_in_time_holds_up_no_other(
    cloud: FakeCloud, open_for: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_polling, "_SECONDS", 0.3)
    released = asyncio.Event()

    async def late(_: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.json_response({"value": []})

    cloud.on(REQUESTS, by_group(g1=late, g2=rows(request("g2", "b"))))
    async with open_for("g1", "g2") as graph:
        error = await incomplete(graph)
    released.set()
    assert (ids(error.found), error.groups) == (["b"], {"g1"})


# Whose turn it is --------------------------------------------------------------------------


async def test_a_round_is_bounded_and_the_longest_unread_come_first(cloud: FakeCloud, open_for: Open) -> None:
    cloud.on(REQUESTS, rows())
    groups = [f"g{number:03}" for number in range(MOST_A_ROUND + 30)]
    async with open_for(*groups) as graph:
        for _ in range(4):
            await graph.directory.pending_requests()
            cloud.clock.move(10)
    asked = asked_of(cloud)
    assert len(asked) == 4 * MOST_A_ROUND
    for start in range(0, 3 * MOST_A_ROUND, MOST_A_ROUND):
        assert {*asked[start : start + 2 * MOST_A_ROUND]} == {*groups}


async def test_few_groups_are_read_each_round(cloud: FakeCloud, open_for: Open) -> None:
    cloud.on(REQUESTS, rows())
    async with open_for("g1", "g2") as graph:
        for _ in range(3):
            await graph.directory.pending_requests()
    assert sorted(asked_of(cloud)) == ["g1"] * 3 + ["g2"] * 3


# Which groups there are --------------------------------------------------------------------


async def test_the_groups_under_management_are_found_and_looked_for_again_after_five_minutes(
    cloud: FakeCloud, open_for: Open
) -> None:
    cloud.on(RESOURCES, rows({"id": "G1"}), rows({"id": "G1"}, {"id": "G2"}))
    cloud.on(REQUESTS, by_group(g2=rows(request("g2", "b"))))
    async with open_for() as graph:
        assert await graph.directory.pending_requests() == ()
        cloud.clock.move(299)
        assert await graph.directory.pending_requests() == ()
        cloud.clock.move(2)
        assert ids(await graph.directory.pending_requests()) == ["b"]
    assert len([one for one in cloud.to_graph() if one.path.endswith("/resources")]) == 2


async def test_whoever_asks_while_the_groups_are_listed_waits_for_them(
    cloud: FakeCloud, open_for: Open
) -> None:
    cloud.on(RESOURCES, rows({"id": "G1"}))
    async with open_for() as graph:
        groups = graph.managed_groups
        assert await asyncio.gather(groups.ids(), groups.ids()) == [("g1",), ("g1",)]
    assert len(cloud.to_graph()) == 1


async def test_whoever_is_cancelled_while_listing_leaves_it_to_the_next_one(
    cloud: FakeCloud, open_for: Open
) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        asked.set()
        await answered.wait()
        return await rows({"id": "G1"})(request)

    cloud.on(RESOURCES, slow)
    async with open_for() as graph:
        first = asyncio.create_task(graph.managed_groups.ids())
        await asked.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        answered.set()
        assert await graph.managed_groups.ids() == ("g1",)


async def test_a_list_that_graph_was_too_busy_for_is_read_again_soon(
    cloud: FakeCloud, open_for: Open
) -> None:
    cloud.on(RESOURCES, fails(500), rows({"id": "G1"}))
    async with open_for() as graph:
        assert await graph.managed_groups.ids() == ()
        cloud.clock.move(31)
        assert await graph.managed_groups.ids() == ("g1",)
        assert graph.managed_groups.failure is None


async def test_groups_that_can_not_be_listed_are_reported_and_those_known_stay_in_use(
    cloud: FakeCloud, open_for: Open
) -> None:
    cloud.on(RESOURCES, rows({"id": "G1"}), fails(403))
    cloud.on(REQUESTS, by_group(g1=rows(request("g1", "b"))))
    async with open_for() as graph:
        assert ids(await graph.directory.pending_requests()) == ["b"]
        cloud.clock.move(301)
        with capture_logs() as logs:
            error = await incomplete(graph)
        assert (ids(error.found), error.groups) == (["b"], frozenset())
        (line,) = (line for line in logs if line["event"] == "pim_groups_unlisted")
        assert "SECONDKEY_PIM_GROUPS" in line["next_step"]


@pytest.mark.parametrize(
    "answer", [rows({"id": None}), says({"value": 1}), fails(500)], ids=["no id", "no rows", "an error"]
)
async def test_an_unreadable_list_of_groups_is_no_empty_one(
    cloud: FakeCloud, open_for: Open, answer: Answer
) -> None:
    cloud.on(RESOURCES, answer)
    async with open_for() as graph:
        await incomplete(graph)

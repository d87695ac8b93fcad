from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from graph.fake_cloud import Answer, FakeCloud, empty, fails, hangs_up, says

from bot.domain.errors import NotFoundError, OutcomeUnknownError, PermissionMissingError, RejectedError
from bot.graph.adapters import GraphAdapters

URL = "/v1.0/subscriptions"
UNTIL = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SHOWN = {"id": "S", "expirationDateTime": "2026-11-24T08:00:00Z"}


async def test_a_subscription_is_asked_for_with_both_urls_and_its_state(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(f"POST {URL}", says(SHOWN, 201))
    made = await graph.subscriptions.create(
        "users/u/messages", "state", UNTIL.astimezone(timezone(timedelta(hours=2)))
    )
    assert (made.id, made.expires_at) == ("S", UNTIL - timedelta(hours=1))
    assert cloud.to_graph()[0].body == {
        "changeType": "created",
        "notificationUrl": "https://bot.example/api/notifications",
        "lifecycleNotificationUrl": "https://bot.example/api/lifecycle",
        "resource": "users/u/messages",
        "expirationDateTime": "2026-11-24T09:00:00Z",
        "clientState": "state",
    }


@pytest.mark.parametrize(
    ("resource", "change_types"),
    [
        pytest.param("users/u/mailFolders('inbox')/messages", "created", id="mail"),
        pytest.param("/groups/g/members", "updated", id="group"),
        pytest.param("users", "updated", id="users"),
        pytest.param("security/alerts", "created,updated", id="anything else"),
    ],
)
async def test_each_resource_is_asked_for_changes_it_knows(
    cloud: FakeCloud, graph: GraphAdapters, resource: str, change_types: str
) -> None:
    cloud.on(f"POST {URL}", says(SHOWN, 201))
    await graph.subscriptions.create(resource, "state", UNTIL)
    assert cloud.to_graph()[0].body["changeType"] == change_types


async def test_a_client_state_graph_would_refuse_is_refused_here(graph: GraphAdapters) -> None:
    with pytest.raises(ValueError, match="128"):
        await graph.subscriptions.create("users", "x" * 129, UNTIL)


async def test_a_resource_the_tenant_refuses_is_said_to_be(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on(f"POST {URL}", fails(400, "ExtensionError"), fails(403))
    with pytest.raises(RejectedError) as caught:
        await graph.subscriptions.create("roleManagement", "state", UNTIL)
    assert caught.value.code == "ExtensionError"
    with pytest.raises(PermissionMissingError):
        await graph.subscriptions.create("roleManagement", "state", UNTIL)


@pytest.mark.parametrize("answer", [pytest.param(fails(503), id="503"), pytest.param(hangs_up(), id="lost")])
async def test_one_that_may_have_been_made_is_not_made_again(
    cloud: FakeCloud, graph: GraphAdapters, answer: Answer
) -> None:
    cloud.on(f"POST {URL}", answer)
    with pytest.raises(OutcomeUnknownError):
        await graph.subscriptions.create("users", "state", UNTIL)
    assert len(cloud.to_graph()) == 1


async def test_a_throttled_creation_and_a_refused_token_are_tried_again(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(f"POST {URL}", fails(429, Retry_After="1"), fails(401), says(SHOWN, 201))
    assert (await graph.subscriptions.create("users", "state", UNTIL)).id == "S"
    assert cloud.slept == [1.0]


async def test_a_subscription_is_renewed(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on(f"PATCH {URL}/S", says(SHOWN))
    renewed = await graph.subscriptions.renew("S", UNTIL)
    assert renewed.id == "S"
    assert cloud.to_graph()[0].body == {"expirationDateTime": "2026-11-24T09:00:00Z"}


async def test_one_that_graph_no_longer_has_is_not_found(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on(f"PATCH {URL}/S", fails(404))
    with pytest.raises(NotFoundError):
        await graph.subscriptions.renew("S", UNTIL)


async def test_deleting_one_that_is_gone_is_fine(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on(f"DELETE {URL}/S", empty(204), fails(404), fails(403))
    await graph.subscriptions.delete("S")
    await graph.subscriptions.delete("S")
    with pytest.raises(PermissionMissingError):
        await graph.subscriptions.delete("S")


async def test_an_answer_without_expiry_is_rejected(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on(f"POST {URL}", says({"id": "S"}, 201))
    with pytest.raises(RejectedError):
        await graph.subscriptions.create("users", "state", UNTIL)

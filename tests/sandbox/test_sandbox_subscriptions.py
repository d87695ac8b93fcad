from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from graph_house import Answer, House, house

SUBSCRIPTIONS = "/v1.0/subscriptions"


@dataclass
class Receiver:
    """A webhook that keeps what it gets, and can be told to fail."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    """Statuses for the next notifications; then 202."""
    echo: str | None = None
    content_type: str = "text/plain"
    validations: list[str] = field(default_factory=list)
    got: asyncio.Queue[tuple[str, dict[str, Any]]] = field(default_factory=asyncio.Queue)

    async def handle(self, request: web.Request) -> web.Response:
        token = request.query.get("validationToken")
        if token is not None:
            self.validations.append(request.path)
            return web.Response(
                text=token if self.echo is None else self.echo, content_type=self.content_type
            )
        (item,) = (await request.json())["value"]
        await self.got.put((request.path, item))
        return web.Response(status=self.answers.pop(0) if self.answers else 202)

    async def next(self) -> tuple[str, dict[str, Any]]:
        return await asyncio.wait_for(self.got.get(), timeout=10)


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        made.world.notification_backoff_seconds = 0.01
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/{name}", made.handle)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/")).rstrip("/")
        yield made


def wanted(at: House, receiver: Receiver, **changed: Any) -> dict[str, Any]:
    return {
        "changeType": "created",
        "notificationUrl": f"{receiver.url}/notify",
        "lifecycleNotificationUrl": f"{receiver.url}/lifecycle",
        "resource": f"users/{at.id('pim')}/mailFolders('inbox')/messages",
        "expirationDateTime": (at.world.now() + timedelta(hours=2)).isoformat(),
        "clientState": "only we know",
        **changed,
    }


async def subscribe(at: House, receiver: Receiver, **changed: Any) -> Answer:
    return await at.post(SUBSCRIPTIONS, wanted(at, receiver, **changed), at.app())


async def test_both_urls_are_validated_before_a_subscription_exists(at: House, receiver: Receiver) -> None:
    made = await subscribe(at, receiver)
    assert made.status == 201
    assert receiver.validations == ["/notify", "/lifecycle"]
    assert made.body["clientState"] is None


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"echo": "something else"}, id="another text"),
        pytest.param({"content_type": "application/json"}, id="not plain text"),
    ],
)
async def test_a_failed_handshake_leaves_no_subscription(
    at: House, receiver: Receiver, broken: dict[str, str]
) -> None:
    for name, value in broken.items():
        setattr(receiver, name, value)
    made = await subscribe(at, receiver)
    assert (made.status, made.code) == (400, "ValidationError")
    assert at.world.tenant.subscriptions == {}


async def test_a_new_request_is_told_by_mail_and_the_mail_by_notification(
    at: House, receiver: Receiver
) -> None:
    made = await subscribe(at, receiver)
    await at.activate()
    path, item = await receiver.next()
    assert path == "/notify"
    assert (item["subscriptionId"], item["clientState"]) == (made.body["id"], "only we know")
    assert (item["changeType"], item["tenantId"]) == ("created", at.world.tenant_id)
    message_id = item["resourceData"]["id"]
    assert item["resource"] == f"Users/{at.id('pim')}/Messages/{message_id}"
    assert [mail["id"] for mail in at.world.tenant.mailboxes[at.id("pim")]] == [message_id]


async def test_a_notification_is_repeated_until_it_is_accepted(at: House, receiver: Receiver) -> None:
    await subscribe(at, receiver)
    receiver.answers = [500, 503]
    await at.activate()
    items = [(await receiver.next())[1]["resourceData"]["id"] for _ in range(3)]
    assert len(set(items)) == 1


async def test_a_lost_notification_arrives_on_the_next_attempt(at: House, receiver: Receiver) -> None:
    await subscribe(at, receiver)
    await at.post("/_sandbox/faults", {"service": "webhook", "match": "/notify", "drop": True})
    await at.activate()
    await receiver.next()
    sent = [line["status"] for line in at.world.log if line["event"] == "notification_sent"]
    assert sent[0] is None


async def test_mail_waits_for_its_delay_by_the_sandboxs_clock(at: House, receiver: Receiver) -> None:
    at.world.mail_delay_seconds = 600
    await subscribe(at, receiver)
    await at.activate()
    await at.get("/_sandbox/state")
    assert receiver.got.empty()
    await at.post("/_sandbox/clock/advance", {"seconds": 601})
    assert (await receiver.next())[0] == "/notify"


async def test_an_expired_subscription_is_silent_and_unknown(at: House, receiver: Receiver) -> None:
    made = await subscribe(at, receiver)
    await at.post("/_sandbox/clock/advance", {"seconds": 7_300})
    renewed = await at.call(
        "PATCH",
        f"{SUBSCRIPTIONS}/{made.body['id']}",
        at.app(),
        json={"expirationDateTime": (at.world.now() + timedelta(hours=2)).isoformat()},
    )
    await at.activate()
    other = await subscribe(at, receiver)
    await at.activate("global_reader")
    assert renewed.status == 404
    assert (await receiver.next())[1]["subscriptionId"] == other.body["id"]


async def test_a_subscription_is_renewed_read_and_deleted(at: House, receiver: Receiver) -> None:
    made = await subscribe(at, receiver)
    url = f"{SUBSCRIPTIONS}/{made.body['id']}"
    later = {"expirationDateTime": (at.world.now() + timedelta(days=2)).isoformat()}
    renewed = await at.call("PATCH", url, at.app(), json=later)
    assert renewed.body["expirationDateTime"] > made.body["expirationDateTime"]
    assert (await at.get(url, at.app())).body["id"] == made.body["id"]
    assert len((await at.get(SUBSCRIPTIONS, at.app())).body["value"]) == 1
    assert (await at.post(f"{url}/reauthorize", token=at.app())).status == 204
    assert (await at.call("DELETE", url, at.app())).status == 204
    assert (await at.call("DELETE", url, at.app())).status == 404


async def test_under_45_minutes_is_raised_and_over_4230_refused(at: House, receiver: Receiver) -> None:
    now = at.world.now()
    short = await subscribe(at, receiver, expirationDateTime=(now + timedelta(minutes=5)).isoformat())
    long = await subscribe(at, receiver, expirationDateTime=(now + timedelta(minutes=4_300)).isoformat())
    assert short.body["expirationDateTime"] >= (now + timedelta(minutes=45)).strftime("%Y-%m-%dT%H:%M:%S")
    assert (long.status, long.message) == (
        400,
        "Subscription expiration can only be 4230 minutes in the future.",
    )


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param(
            {"resource": "roleManagement/directory/roleAssignmentScheduleRequests"},
            "ExtensionError",
            id="PIM",
        ),
        pytest.param({"resource": "auditLogs/directoryAudits"}, "ExtensionError", id="audit"),
        pytest.param({"clientState": "x" * 129}, "InvalidRequest", id="long clientState"),
        pytest.param({"expirationDateTime": "soon"}, "InvalidRequest", id="expiry"),
        pytest.param({"expirationDateTime": "2001-01-01T00:00:00Z"}, "InvalidRequest", id="past"),
        pytest.param({"changeType": "moved"}, "InvalidRequest", id="change type"),
        pytest.param({"resource": None}, "InvalidRequest", id="no resource"),
        pytest.param({"notificationUrl": "http://127.0.0.1:9/x"}, "ValidationError", id="nobody there"),
    ],
)
async def test_graph_refuses_what_it_does_not_support(
    at: House, receiver: Receiver, changed: dict[str, Any], code: str
) -> None:
    got = await subscribe(at, receiver, **changed)
    assert (got.status, got.code) == (400, code)


async def test_group_members_can_be_subscribed_to(at: House, receiver: Receiver) -> None:
    assert (await subscribe(at, receiver, resource="groups/x/members")).status == 201


async def test_a_mailbox_needs_a_mail_permission(at: House, receiver: Receiver) -> None:
    at.world.app_roles.discard("Mail.Read")
    got = await subscribe(at, receiver)
    assert (got.status, got.code) == (403, "ExtensionError")
    assert receiver.validations == []


@pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved", "missed"])
async def test_lifecycle_events_reach_their_own_url(at: House, receiver: Receiver, event: str) -> None:
    subscription = (await subscribe(at, receiver)).body["id"]
    asked = await at.post(f"/_sandbox/subscriptions/{subscription}/lifecycle", {"event": event})
    path, item = await receiver.next()
    assert (asked.status, path) == (202, "/lifecycle")
    assert (item["lifecycleEvent"], item["clientState"]) == (event, "only we know")
    still = await at.get(f"{SUBSCRIPTIONS}/{subscription}", at.app())
    assert still.status == (404 if event == "subscriptionRemoved" else 200)


async def test_an_unknown_lifecycle_event_or_subscription_is_refused(at: House, receiver: Receiver) -> None:
    subscription = (await subscribe(at, receiver)).body["id"]
    unknown = await at.post(f"/_sandbox/subscriptions/{subscription}/lifecycle", {"event": "tired"})
    nobody = await at.post("/_sandbox/subscriptions/none/lifecycle", {"event": "missed"})
    assert (unknown.status, nobody.status) == (400, 404)


async def test_stopping_ends_deliveries_that_nobody_accepts(tmp_path: Path, receiver: Receiver) -> None:
    async with house(tmp_path) as at:
        await subscribe(at, receiver)
        receiver.answers = [500] * 100
        await at.activate()
        await receiver.next()
        at.world.notification_backoff_seconds = 60
        started = time.perf_counter()
    assert time.perf_counter() - started < 5
    assert not at.world.tasks

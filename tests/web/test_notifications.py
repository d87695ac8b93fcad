"""The two notification endpoints over real HTTP, with the real subscriber on a store in memory."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from fakes.manual_clock import ManualClock
from fakes.memory_store import MemoryStore
from structlog.testing import capture_logs
from yarl import URL

from bot.clock import SystemIds
from bot.domain.errors import InboundError
from bot.ports import SubscriptionRow
from bot.service.common import RECONCILE, SUBSCRIPTIONS
from bot.service.subscribe import Subscriber
from bot.store import StoreUnavailableError
from bot.web.bodies import MAX_BODY, read_body
from bot.web.notifications import routes

STATE = "the-client-state-of-the-mailbox"
RESOURCE = "users/1/messages"
OURS = {"subscriptionId": "s1", "clientState": STATE, "changeType": "created"}
FOREIGN = {"subscriptionId": "s1", "clientState": "a-guess", "changeType": "created"}
ENDPOINTS = ["/api/notifications", "/api/lifecycle"]

Client = TestClient[web.Request, web.Application]


class House:
    """What is behind the endpoints, and how often the runner was poked."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(self.clock)
        until = self.clock.now().replace(year=2027)
        self.store.state.subscriptions[RESOURCE] = SubscriptionRow(RESOURCE, STATE, "s1", until)
        self.pokes = 0

    def poke(self) -> None:
        self.pokes += 1

    def woken(self) -> set[str]:
        return set(self.store.state.effects)

    def subscription(self) -> SubscriptionRow:
        return self.store.state.subscriptions[RESOURCE]


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def client(house: House) -> AsyncIterator[Client]:
    # Nothing that comes in may lead to a Graph call within the request: there is no Graph here.
    graph: Any = None
    subscriber = Subscriber(graph, house.store, house.clock, SystemIds(), (RESOURCE,))
    app = web.Application()
    app.add_routes(routes(subscriber, house.poke))
    async with TestClient(TestServer(app)) as client:
        yield client


def batch(*notifications: Any) -> bytes:
    return json.dumps({"value": notifications}).encode()


async def post(client: Client, path: str, body: bytes, **headers: str) -> tuple[int, str]:
    known = {"Content-Type": "application/json", **headers}
    async with client.post(path, data=body, headers=known) as answer:
        return answer.status, await answer.text()


async def handshake(client: Client, path: str, encoded: str) -> tuple[int, str, Any]:
    url = URL(f"{path}?validationToken={encoded}", encoded=True)
    async with client.post(url) as answer:
        return answer.status, await answer.text(), answer.headers


# The handshake -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    ("encoded", "token"),
    [
        pytest.param("abc", "abc", id="plain"),
        pytest.param("Validation%3a+Testing%20reach%2bing", "Validation: Testing reach+ing", id="Graph's"),
        pytest.param("%3Cscript%3Ealert(1)%3C%2Fscript%3E", "<script>alert(1)</script>", id="a page"),
        pytest.param("%2525", "%25", id="decoded once"),
    ],
)
async def test_the_handshakes_token_is_echoed_decoded_as_plain_text(
    client: Client, path: str, encoded: str, token: str
):
    status, text, headers = await handshake(client, path, encoded)
    assert (status, text) == (200, token)
    assert headers["Content-Type"].split(";")[0] == "text/plain"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 4097, id="too long"),
        pytest.param("a%0d%0ab", id="line ends"),
        pytest.param("a%00", id="null"),
        pytest.param("%e2%80%ae", id="bidirectional override"),
    ],
)
async def test_a_token_that_graph_would_not_send_is_not_echoed(client: Client, encoded: str):
    status, text, _ = await handshake(client, "/api/notifications", encoded)
    assert status == 400
    assert json.loads(text)["error"]["code"] == "bad-validation-token"


# Notifications -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_a_notification_of_ours_is_answered_202_and_wakes_reconciliation(
    client: Client, house: House, path: str
):
    assert await post(client, path, batch(OURS)) == (202, "")
    assert house.woken() == {RECONCILE}
    assert house.store.state.effects[RECONCILE].due_at == house.clock.now()
    assert house.pokes == 1


async def test_a_foreign_client_state_is_forbidden_and_nothing_is_stored(client: Client, house: House):
    before = house.store.state.copy()
    status, text = await post(client, "/api/notifications", batch(FOREIGN, FOREIGN))
    assert (status, json.loads(text)["error"]["code"]) == (403, "client-state")
    assert house.store.state == before
    assert house.pokes == 0


async def test_a_foreign_lifecycle_event_changes_no_subscription(client: Client, house: House):
    before = house.subscription()
    removed = {**FOREIGN, "lifecycleEvent": "subscriptionRemoved"}
    assert (await post(client, "/api/lifecycle", batch(removed)))[0] == 403
    assert (await post(client, "/api/lifecycle", batch(OURS, removed)))[0] == 202
    assert house.subscription() == before
    assert house.woken() == {RECONCILE}


async def test_a_mixed_batch_counts_for_what_is_ours_in_it(client: Client, house: House):
    assert await post(client, "/api/notifications", batch(FOREIGN, OURS, FOREIGN)) == (202, "")
    assert house.woken() == {RECONCILE}


async def test_repeated_notifications_leave_one_reconciliation(client: Client, house: House):
    for _ in range(3):
        assert (await post(client, "/api/notifications", batch(OURS, OURS)))[0] == 202
    assert list(house.store.state.effects) == [RECONCILE]


async def test_a_removed_subscription_is_forgotten_and_made_anew(client: Client, house: House):
    removed = {**OURS, "lifecycleEvent": "subscriptionRemoved"}
    assert (await post(client, "/api/lifecycle", batch(removed)))[0] == 202
    assert (house.subscription().subscription_id, house.subscription().client_state) == (None, STATE)
    assert house.woken() == {RECONCILE, SUBSCRIPTIONS}


async def test_a_subscription_to_be_reauthorized_is_due_for_renewal(client: Client, house: House):
    asked = {**OURS, "lifecycleEvent": "reauthorizationRequired"}
    assert (await post(client, "/api/lifecycle", batch(asked)))[0] == 202
    assert house.subscription().expires_at == house.clock.now()
    assert house.woken() == {RECONCILE, SUBSCRIPTIONS}


@pytest.mark.parametrize("event", [pytest.param("missed", id="missed"), pytest.param("new!", id="unknown")])
async def test_other_lifecycle_events_wake_reconciliation_alone(client: Client, house: House, event: str):
    before = house.subscription()
    assert (await post(client, "/api/lifecycle", batch({**OURS, "lifecycleEvent": event})))[0] == 202
    assert (house.subscription(), house.woken()) == (before, {RECONCILE})


async def test_an_event_of_an_older_subscription_leaves_the_newer_alone(client: Client, house: House):
    before = house.subscription()
    removed = {**OURS, "subscriptionId": "s0", "lifecycleEvent": "subscriptionRemoved"}
    assert (await post(client, "/api/lifecycle", batch(removed)))[0] == 202
    assert house.subscription() == before


HOSTILE = [
    pytest.param(b"", 400, "bad-json", id="empty"),
    pytest.param(b"{", 400, "bad-json", id="bad JSON"),
    pytest.param(b"[" * 100_000, 400, "bad-json", id="deep nesting"),
    pytest.param(b'{"value": 1}', 400, "bad-shape", id="wrong type"),
    pytest.param(batch({**OURS, "clientState": 7}), 400, "bad-shape", id="client state is a number"),
    pytest.param(batch({**OURS, "clientState": {}}), 400, "bad-shape", id="client state is an object"),
    pytest.param(batch({**OURS, "clientState": "\ud800"}), 403, "client-state", id="lone surrogate"),
    pytest.param(batch(*[{}] * 1001), 400, "bad-shape", id="more than a thousand"),
    pytest.param(b" " * (MAX_BODY + 1), 413, "too-large", id="a byte too many"),
]


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(("body", "status", "code"), HOSTILE)
async def test_hostile_bodies_are_refused_by_what_is_wrong_and_store_nothing(
    client: Client, house: House, path: str, body: bytes, status: int, code: str
):
    before = house.store.state.copy()
    with capture_logs() as logs:
        answered, text = await post(client, path, body)
    assert (answered, json.loads(text)["error"]["code"]) == (status, code)
    assert [(line["event"], line["cause"]) for line in logs] == [("inbound_refused", code)]
    assert STATE not in str(logs)
    assert house.store.state == before


async def test_a_small_body_that_unpacks_to_a_large_one_is_too_large(client: Client):
    packed = gzip.compress(b" " * (MAX_BODY * 50))
    assert len(packed) < MAX_BODY
    status, _ = await post(client, "/api/notifications", packed, **{"Content-Encoding": "gzip"})
    assert status == 413


async def test_a_body_that_does_not_unpack_is_a_bad_request(client: Client):
    status, text = await post(client, "/api/notifications", b"no gzip", **{"Content-Encoding": "gzip"})
    assert status == 400, text


async def test_a_body_of_unknown_length_is_bounded_as_well(client: Client):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY // 1024 + 1):
            yield b" " * 1024

    async with client.post("/api/notifications", data=endless()) as answer:
        assert answer.status == 413


async def test_while_the_store_is_down_graph_is_asked_to_come_again(client: Client, house: House):
    house.store.fail = StoreUnavailableError("the password is hunter2")
    async with client.post("/api/notifications", data=batch(OURS)) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert "hunter2" not in await answer.text()
    assert house.pokes == 0


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_only_posts_are_answered(client: Client, path: str):
    async with client.get(path, params={"validationToken": "x"}) as answer:
        assert answer.status == 405


async def test_a_body_that_does_not_arrive_is_given_up():
    given_up = asyncio.Event()

    async def read(request: web.Request) -> web.Response:
        try:
            await read_body(request, seconds=0.05)
        except InboundError as error:
            given_up.set()
            return web.Response(status=error.status)
        return web.Response()

    async def dawdle() -> AsyncIterator[bytes]:
        yield b"{"
        await given_up.wait()

    app = web.Application()
    app.router.add_post("/", read)
    async with TestClient(TestServer(app)) as client, client.post("/", data=dawdle()) as answer:
        assert answer.status == 408

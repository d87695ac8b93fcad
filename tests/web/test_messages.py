from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from channel_samples import (
    APP_ID,
    ISSUER,
    NOW,
    CountingIds,
    HandClock,
    activity,
    bearer,
    body,
    click,
    jwk,
)
from structlog.testing import capture_logs

from bot.domain.errors import ForbiddenError, UnavailableError
from bot.inbound.tokens import ChannelKey, parse_jwks
from bot.ports import TurnAnswer
from bot.web.bodies import MAX_BODY
from bot.web.messages import MessagesEndpoint, routes

PATH = "/api/messages"
JSON = {"Content-Type": "application/json"}


class Keys:
    """A key set that may know more after a refresh, or nothing at all."""

    def __init__(self) -> None:
        self.known: Mapping[str, ChannelKey] = parse_jwks({"keys": [jwk("k1", ["msteams"])]})
        self.after_refresh: Mapping[str, ChannelKey] | None = None
        self.refreshes = 0
        self.down = False

    async def current(self) -> Mapping[str, ChannelKey]:
        if self.down:
            raise UnavailableError
        return self.known

    async def refreshed(self, seen: Mapping[str, ChannelKey]) -> Mapping[str, ChannelKey]:
        self.refreshes += 1
        return self.after_refresh or seen


class Turns:
    """Remembers what it was given; answers or raises as told."""

    def __init__(self) -> None:
        self.ran: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
        self.answer: TurnAnswer | Exception = TurnAnswer(201)

    async def run(self, activity: Mapping[str, Any], claims: Mapping[str, Any]) -> TurnAnswer:
        self.ran.append((activity, claims))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
async def client(keys: Keys, turns: Turns) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    ids = CountingIds()
    endpoint = MessagesEndpoint(turns, keys, app_id=APP_ID, issuer=ISSUER, clock=HandClock(), ids=ids)
    app.add_routes(routes(endpoint))
    async with TestClient(TestServer(app)) as client:
        yield client


Client = TestClient[web.Request, web.Application]


async def post(
    client: Client, sent: bytes, authorization: str | None = None, **headers: str
) -> tuple[int, Any]:
    known = JSON | ({"Authorization": authorization} if authorization else {}) | headers
    async with client.post(PATH, data=sent, headers=known) as response:
        text = await response.text()
        return response.status, json.loads(text) if text else None


async def test_a_verified_activity_is_run_with_its_claims(client: Client, turns: Turns):
    assert await post(client, body(activity()), bearer()) == (201, None)
    [(ran, claims)] = turns.ran
    assert ran == activity()
    assert claims["aud"] == APP_ID


async def test_the_turns_answer_is_the_endpoints(client: Client, turns: Turns):
    turns.answer = TurnAnswer(200, {"statusCode": 200})
    assert await post(client, body(click()), bearer()) == (200, {"statusCode": 200})


HOSTILE = [
    pytest.param(b"", {}, 400, "empty-body", id="empty body"),
    pytest.param(b"[]", {}, 400, "not-an-object", id="a list"),
    pytest.param(b"{", {}, 400, "bad-json", id="bad JSON"),
    pytest.param(b"\xff", {}, 400, "bad-encoding", id="not UTF-8"),
    pytest.param(b"[" * 100_000, {}, 400, "too-deep", id="deep nesting"),
    pytest.param(b'{"type": NaN}', {}, 400, "bad-json", id="NaN"),
    pytest.param(body(activity(type=5)), {}, 400, "bad-type", id="wrong type"),
    pytest.param(body(activity(conversation=[])), {}, 400, "bad-conversation", id="wrong conversation"),
    pytest.param(body(activity(text={})), {}, 400, "bad-text", id="wrong text"),
    pytest.param(b"x" * (1 << 20), {}, 413, "too-large", id="1 MiB"),
    pytest.param(b" " * (MAX_BODY + 1), {}, 413, "too-large", id="a byte too many"),
    pytest.param(
        gzip.compress(b" " * (8 << 20)), {"Content-Encoding": "gzip"}, 413, "too-large", id="a zip bomb"
    ),
    pytest.param(b"no gzip", {"Content-Encoding": "gzip"}, 400, "bad-body", id="no gzip"),
    pytest.param(body(activity()), {"Content-Type": "text/plain"}, 415, "not-json", id="text/plain"),
    pytest.param(
        body(activity()), {"Content-Type": "application/octet-stream"}, 415, "not-json", id="no content type"
    ),
]


@pytest.mark.parametrize(("sent", "headers", "status", "cause"), HOSTILE)
async def test_what_is_no_activity_gets_the_4xx_it_deserves(
    client: Client, turns: Turns, sent: bytes, headers: dict[str, str], status: int, cause: str
):
    with capture_logs() as logs:
        answered, said = await post(client, sent, bearer(), **headers)
    assert (answered, said["error"]["code"]) == (status, cause)
    assert turns.ran == []
    refused = {"event": "inbound_refused", "cause": cause, "status": status, "log_level": "warning"}
    assert logs == [refused]


async def test_a_body_of_unknown_length_is_bounded_as_well(client: Client):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * (1 << 14)

    async with client.post(PATH, data=endless(), headers=JSON) as response:
        assert response.status == 413


TOKENS = [
    pytest.param(None, activity(), 401, "no-token", id="no header"),
    pytest.param("Basic eA==", activity(), 401, "not-bearer", id="Basic scheme"),
    pytest.param("Bearer junk", activity(), 401, "malformed-token", id="junk"),
    pytest.param(bearer(exp=1), activity(), 401, "expired", id="expired"),
    pytest.param(bearer(aud="other"), activity(), 401, "wrong-audience", id="foreign"),
    pytest.param(bearer(headers={"kid": "k9"}), activity(), 401, "unknown-kid", id="unknown kid"),
    pytest.param(
        bearer(), activity(serviceUrl="https://evil.example/"), 403, "service-url-mismatch", id="moved"
    ),
    pytest.param(bearer(), activity(serviceUrl=None), 403, "no-service-url", id="no serviceUrl"),
    pytest.param(bearer(), activity(channelId="emulator"), 403, "channel-not-endorsed", id="emulator"),
]


@pytest.mark.parametrize(("authorization", "sample", "status", "cause"), TOKENS)
async def test_a_bad_token_stops_at_the_door_and_is_not_logged(
    client: Client, turns: Turns, authorization: str | None, sample: dict[str, Any], status: int, cause: str
):
    with capture_logs() as logs:
        answered, said = await post(client, body(sample), authorization)
    assert (answered, said["error"]["code"]) == (status, cause)
    assert turns.ran == []
    assert [(line["event"], line["cause"]) for line in logs] == [("inbound_refused", cause)]
    assert len(authorization or "") < 20 or str(authorization).split(".")[1] not in repr(logs) + repr(said)


async def test_a_401_says_what_scheme_is_asked_for(client: Client):
    async with client.post(PATH, data=body(activity()), headers=JSON) as response:
        assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_a_rotated_key_is_fetched_and_the_activity_goes_through(
    client: Client, keys: Keys, turns: Turns
):
    keys.after_refresh = parse_jwks({"keys": [jwk("k2", ["msteams"])]})
    assert await post(client, body(activity()), bearer(key="k2")) == (201, None)
    assert (keys.refreshes, len(turns.ran)) == (1, 1)


async def test_a_key_unknown_after_the_refresh_is_still_unknown(client: Client, keys: Keys):
    keys.after_refresh = parse_jwks({"keys": [jwk("k2", ["msteams"])]})
    status, said = await post(client, body(activity()), bearer(key="k3"))
    assert (status, said["error"]["code"], keys.refreshes) == (401, "unknown-kid", 1)


async def test_without_keys_the_sender_is_asked_to_come_again(client: Client, keys: Keys, turns: Turns):
    keys.down = True
    async with client.post(PATH, data=body(activity()), headers=JSON) as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "2")
    assert turns.ran == []


async def test_what_a_turn_refuses_is_refused(client: Client, turns: Turns):
    turns.answer = ForbiddenError(cause="service-url-refused")
    status, said = await post(client, body(activity()), bearer())
    assert (status, said["error"]["code"]) == (403, "service-url-refused")


async def test_our_own_fault_is_a_500_that_tells_nothing_but_an_incident(client: Client, turns: Turns):
    turns.answer = RuntimeError("the password is hunter2")
    with capture_logs() as logs:
        status, said = await post(client, body(activity()), bearer())
    assert (status, said) == (500, {"error": {"code": "internal", "incident": "incident-1"}})
    assert [(line["event"], line["incident"]) for line in logs] == [("inbound_failed", "incident-1")]


async def test_nothing_but_post_is_served(client: Client):
    async with client.get(PATH) as response:
        assert response.status == 405


@pytest.mark.parametrize(("app_id", "issuer"), [("", ISSUER), (APP_ID, "")])
def test_it_does_not_start_without_knowing_what_to_ask_of_tokens(app_id: str, issuer: str):
    with pytest.raises(ValueError, match="can't be verified"):
        MessagesEndpoint(
            Turns(), Keys(), app_id=app_id, issuer=issuer, clock=HandClock(NOW), ids=CountingIds()
        )

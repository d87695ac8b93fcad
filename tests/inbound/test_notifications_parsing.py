"""What Graph sends to the two endpoints, and what strangers might, parsed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import InboundError
from bot.domain.model import Notification
from bot.inbound.notifications import parse_notifications, parse_validation

CHANGE = {"subscriptionId": "s1", "clientState": "secret", "changeType": "created", "resource": "users/1"}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def body(*notifications: Any) -> bytes:
    return json.dumps({"value": notifications}).encode()


def test_a_change_is_its_subscription_and_client_state():
    assert parse_notifications(body(CHANGE)) == (Notification("s1", "secret"),)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param("reauthorizationRequired", id="reauthorization"),
        pytest.param("subscriptionRemoved", id="removed"),
        pytest.param("missed", id="missed"),
        pytest.param("somethingNew", id="one that does not exist yet"),
    ],
)
def test_a_lifecycle_event_is_kept(event: str):
    sent = body({**CHANGE, "lifecycleEvent": event})
    assert parse_notifications(sent) == (Notification("s1", "secret", event),)


def test_a_lifecycle_event_of_null_is_none():
    assert parse_notifications(body({**CHANGE, "lifecycleEvent": None}))[0].lifecycle_event is None


def test_a_thousand_notifications_are_taken_and_one_more_is_not():
    assert len(parse_notifications(body(*[CHANGE] * 1000))) == 1000
    with pytest.raises(InboundError):
        parse_notifications(body(*[CHANGE] * 1001))


@pytest.mark.parametrize(
    ("sent", "cause"),
    [
        pytest.param(b"", "bad-json", id="empty"),
        pytest.param(b"{", "bad-json", id="bad JSON"),
        pytest.param(b"\xff\xfe\xff", "bad-json", id="not text"),
        pytest.param(b"[" * 100_000, "bad-json", id="deep nesting"),
        pytest.param(b'{"value": ' + b"9" * 5000 + b"}", "bad-json", id="a very long number"),
        pytest.param(b"[]", "bad-shape", id="a list"),
        pytest.param(b"null", "bad-shape", id="null"),
        pytest.param(b"{}", "bad-shape", id="no value"),
        pytest.param(b'{"value": {}}', "bad-shape", id="value is no list"),
        pytest.param(b'{"value": []}', "bad-shape", id="no notifications"),
        pytest.param(body("text"), "bad-shape", id="a notification is text"),
        pytest.param(body(CHANGE, None), "bad-shape", id="a good one beside null"),
        pytest.param(body({"subscriptionId": "s1"}), "bad-shape", id="no client state"),
        pytest.param(body({"clientState": "x"}), "bad-shape", id="no subscription"),
        pytest.param(body({**CHANGE, "clientState": 5}), "bad-shape", id="client state is a number"),
        pytest.param(body({**CHANGE, "clientState": ["secret"]}), "bad-shape", id="client state is a list"),
        pytest.param(body({**CHANGE, "clientState": None}), "bad-shape", id="client state is null"),
        pytest.param(body({**CHANGE, "clientState": "x" * 513}), "bad-shape", id="client state too long"),
        pytest.param(body({**CHANGE, "lifecycleEvent": {}}), "bad-shape", id="lifecycle event is an object"),
    ],
)
def test_what_graph_would_not_send_is_refused_by_its_cause(sent: bytes, cause: str):
    with pytest.raises(InboundError) as caught:
        parse_notifications(sent)
    assert (caught.value.cause, caught.value.status) == (cause, 400)


@given(JSON_VALUES)
def test_any_json_is_parsed_or_refused_and_nothing_else(value: Any):
    for sent in (json.dumps(value).encode(), body(value), body({**CHANGE, "clientState": value})):
        try:
            parsed = parse_notifications(sent)
        except InboundError:
            continue
        assert all(isinstance(n.client_state, str) for n in parsed)


def test_a_notification_does_not_show_its_client_state():
    assert "secret" not in repr(parse_notifications(body(CHANGE)))


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("Validation: Testing client application reachability", id="spaces"),
        pytest.param("a+b/c=&<script>", id="punctuation"),
        pytest.param("é漢", id="not ASCII"),
        pytest.param("x" * 4096, id="the longest"),
    ],
)
def test_a_validation_token_is_given_back_as_it_is(token: str):
    assert parse_validation(token) == token


def test_no_validation_token_means_no_handshake():
    assert parse_validation(None) is None


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 4097, id="too long"),
        pytest.param("a\r\nSet-Cookie: b", id="line ends"),
        pytest.param("a\x00", id="null"),
        pytest.param("a\x1b[2J", id="escape"),
        pytest.param("a\u202eb", id="bidirectional override"),
        pytest.param("a\ud800", id="lone surrogate"),
    ],
)
def test_a_validation_token_that_graph_would_not_send_is_refused(token: str):
    with pytest.raises(InboundError):
        parse_validation(token)

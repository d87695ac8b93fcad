"""Request ids and traces survive the effect queue, and never stick to what they did not set going."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from fakes.meters import RecordingMeters
from fakes.spans import kept, trace_of
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import StatusCode
from structlog.contextvars import get_contextvars

from bot.telemetry import metrics
from bot.telemetry.context import ORIGIN, POLL, carrying_out, originating, signal, span, with_origin
from bot.telemetry.instruments import measured_by
from bot.telemetry.upstream import calling

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(seconds=10)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)
)


def test_without_an_origin_a_payload_stays_what_it_was():
    assert with_origin({"request": "r1"}, AT) == {"request": "r1"}


def test_an_effect_goes_on_under_the_request_id_and_signal_that_set_it_going():
    with originating("subscription") as request_id:
        payload = json.loads(json.dumps(with_origin({"request": "r1"}, AT)))
    with carrying_out("card.sync", "card.sync:r1", AT, payload):
        assert signal() == "subscription"
        assert get_contextvars() == {"request_id": request_id, "effect": "card.sync:r1", "request": "r1"}
    assert get_contextvars() == {}


def test_what_an_effect_enqueues_belongs_to_the_same_request_id():
    with originating("command") as request_id:
        first = with_origin({}, AT)
    with carrying_out("reconcile", "reconcile", AT, first):
        second = with_origin({"request": "r1"}, LATER)
    assert second[ORIGIN]["request_id"] == request_id
    assert second[ORIGIN]["signal"] == "command"


def test_a_periodic_effects_next_run_is_not_taken_for_the_signals():
    with originating("subscription") as request_id:
        payload = with_origin({}, AT)
    with carrying_out("reconcile", "reconcile", LATER, payload):
        assert signal() == POLL
        assert get_contextvars()["request_id"] != request_id


def test_an_effect_that_was_due_before_it_was_woken_counts_for_the_signal():
    with originating("alert") as request_id:
        payload = with_origin({}, LATER)
    with carrying_out("reconcile", "reconcile", AT, payload):
        assert get_contextvars()["request_id"] == request_id


@given(JSON)
def test_a_payload_that_makes_no_sense_keeps_no_effect_from_its_work(origin: object):
    with carrying_out("card.sync", "k", AT, {ORIGIN: origin}):
        assert signal() == POLL


def test_the_trace_goes_on_through_the_queue():
    exporter = kept()
    with originating("subscription"), span("POST /api/notifications"):
        payload = json.loads(json.dumps(with_origin({}, AT)))
    with carrying_out("card.sync", "card.sync:r1", AT, payload), span("inner"):
        pass
    arrived, inner, effect = exporter.get_finished_spans()
    assert (arrived.name, inner.name, effect.name) == ("POST /api/notifications", "inner", "effect card.sync")
    assert trace_of(arrived) == trace_of(effect) == trace_of(inner)
    assert effect.parent is not None
    assert arrived.context is not None
    assert effect.parent.span_id == arrived.context.span_id


def test_an_effect_without_an_origin_begins_a_trace_of_its_own():
    exporter = kept()
    with span("somebody else's"), carrying_out("reconcile", "reconcile", AT, {}):
        pass
    effect, other = exporter.get_finished_spans()
    assert effect.parent is None
    assert trace_of(effect) != trace_of(other)


def test_a_span_tells_an_errors_type_and_not_what_it_says():
    exporter = kept()
    with pytest.raises(ValueError, match="justification"), span("work"):
        raise ValueError("the justification somebody wrote")
    (only,) = exporter.get_finished_spans()
    assert (only.status.status_code, only.status.description) == (StatusCode.ERROR, "ValueError")
    assert "justification" not in only.to_json()


def test_a_call_is_measured_whether_it_is_answered_or_not():
    exporter, meters = kept(), RecordingMeters()
    with measured_by(meters):
        with calling("graph", "GET /users/{id}") as outcome:
            outcome.status = 429
        with pytest.raises(OSError, match="gone"), calling("graph", "GET /users/{id}"):
            raise OSError("gone")
    where = {"service": "graph", "operation": "GET /users/{id}"}
    assert len(meters.values(metrics.UPSTREAM_SECONDS, status="429", **where)) == 1
    assert len(meters.values(metrics.UPSTREAM_SECONDS, status="none", **where)) == 1
    assert [one.status.description for one in exporter.get_finished_spans()] == ["429", "OSError"]

"""Instruments: declared well, and silent until somebody measures."""

from __future__ import annotations

import re

import pytest
from fakes.meters import RecordingMeters

from bot.telemetry import metrics
from bot.telemetry.instruments import Counter, Histogram, Instrument, measured_by

IDENTIFYING = {"user", "actor", "approver", "requester", "role", "tenant", "id", "oid", "upn", "name"}


@pytest.mark.parametrize("metric", [pytest.param(one, id=one.name) for one in metrics.ALL])
def test_each_metric_is_named_as_prometheus_wants_it_and_says_what_its_labels_hold(metric: Instrument):
    assert re.fullmatch(r"[a-z][a-z_]+", metric.name)
    assert metric.name.endswith("_total") is isinstance(metric, Counter)
    if isinstance(metric, Histogram):
        assert metric.name.endswith("_seconds")
        assert list(metric.buckets) == sorted(set(metric.buckets))
    assert metric.tells.endswith(".")
    assert all(metric.labels.values())


def test_no_label_identifies_anybody():
    assert not {label for one in metrics.ALL for label in one.labels} & IDENTIFYING


def test_names_are_used_once():
    names = [one.name for one in metrics.ALL]
    assert len(names) == len(set(names)) > 15


def test_nothing_is_measured_outside_the_block_and_an_inner_one_wins():
    outer, inner = RecordingMeters(), RecordingMeters()
    metrics.SLA_BREACHES.add()
    with measured_by(outer):
        metrics.SLA_BREACHES.add()
        with measured_by(inner):
            metrics.SLA_BREACHES.add(2)
        metrics.SLA_BREACHES.add()
    metrics.SLA_BREACHES.add()
    assert (outer.values(metrics.SLA_BREACHES), inner.values(metrics.SLA_BREACHES)) == ([1, 1], [2])

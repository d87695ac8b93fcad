"""The metrics page, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families as parsed
from structlog.testing import capture_logs

from bot.store import StoreUnavailableError
from bot.telemetry import metrics
from bot.telemetry.instruments import measured_by
from bot.web.metrics import Backlog, Backlogs, PrometheusMeters, metrics_app


async def page(meters: PrometheusMeters, backlogs: Backlogs) -> dict[tuple[str, str], float]:
    """Sample name and ``kind`` label → value."""
    async with TestClient(TestServer(metrics_app(meters, backlogs))) as client:
        answer = await client.get("/metrics")
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        text = await answer.text()
    samples = [sample for family in parsed(text) for sample in family.samples]
    return {(s.name, s.labels.get("kind", s.labels.get("le", ""))): s.value for s in samples}


async def nothing() -> Sequence[Backlog]:
    return ()


async def test_what_was_measured_is_on_the_page_under_its_full_name():
    meters = PrometheusMeters()
    with measured_by(meters):
        metrics.SLA_BREACHES.add()
        metrics.SLA_BREACHES.add(2)
        metrics.REQUEST_TO_CARD.observe(3)
        metrics.EFFECTS.add(kind="card.sync", result="done")
    found = await page(meters, nothing)
    assert found["secondkey_sla_breaches_total", ""] == 3
    assert found["secondkey_request_to_card_seconds_bucket", "2.5"] == 0
    assert found["secondkey_request_to_card_seconds_bucket", "5.0"] == 1
    assert found["secondkey_effects_total", "card.sync"] == 1
    assert found["process_resident_memory_bytes", ""] > 0


async def test_the_backlog_is_read_anew_at_each_scrape_and_what_is_gone_is_not_told():
    found = [Backlog("card.sync", 3, 12.5, 4), Backlog("reconcile", 1, 0.0, 0)]

    async def backlogs() -> Sequence[Backlog]:
        return tuple(found)

    meters = PrometheusMeters()
    first = await page(meters, backlogs)
    del found[0]
    second = await page(meters, backlogs)
    assert first["secondkey_effects_pending", "card.sync"] == 3
    assert first["secondkey_effects_overdue_seconds", "card.sync"] == 12.5
    assert first["secondkey_effects_attempts_max", "card.sync"] == 4
    assert ("secondkey_effects_pending", "card.sync") not in second
    assert second["secondkey_effects_pending", "reconcile"] == 1
    assert second["secondkey_store_up", ""] == 1


async def test_a_store_that_is_away_costs_the_backlog_and_not_the_page():
    async def away() -> Sequence[Backlog]:
        raise StoreUnavailableError

    meters = PrometheusMeters()
    with measured_by(meters):
        metrics.SLA_BREACHES.add()
    found = await page(meters, away)
    assert found["secondkey_store_up", ""] == 0
    assert found["secondkey_sla_breaches_total", ""] == 1
    assert not [name for name, _ in found if name == "secondkey_effects_pending"]


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param({}, id="too few"),
        pytest.param({"kind": "x", "result": "done", "who": "me"}, id="too many"),
    ],
)
def test_a_metric_that_is_misused_is_logged_and_stops_nobody(labels: dict[str, str]):
    with capture_logs() as logs, measured_by(PrometheusMeters()):
        metrics.EFFECTS.add(**labels)
    assert [line["event"] for line in logs] == ["metric_misused"]

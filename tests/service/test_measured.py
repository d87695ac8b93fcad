"""What the services count while they work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes.house import FakeHouse
from fakes.meters import RecordingMeters
from fakes.values import ALEX, BLAKE, RILEY, a_pim_request, an_actor

from bot.domain.errors import IncompleteListingError, OutcomeUnknownError, RejectedError
from bot.domain.model import Choice
from bot.service.common import CARD_SYNC, OPS_PING, RECONCILE, periodic
from bot.telemetry import metrics
from bot.telemetry.context import originating
from bot.telemetry.instruments import measured_by


@pytest.fixture
def meters() -> Iterator[RecordingMeters]:
    recording = RecordingMeters()
    with measured_by(recording):
        yield recording


async def test_a_request_counts_for_the_signal_that_told_of_it(house: FakeHouse, meters: RecordingMeters):
    house.graph.put(a_pim_request())
    async with house.store.transaction() as tx:
        await tx.wake(periodic(RECONCILE, house.clock))
    with originating("extension"):
        await house.reconciler.run(await house.lease(RECONCILE))
    assert meters.values(metrics.TAKEN_IN, source="extension") == [1]
    assert len(meters.values(metrics.RECONCILE_SECONDS, result="done")) == 1


async def test_a_round_that_could_not_read_some_groups_is_told_apart(
    house: FakeHouse, meters: RecordingMeters
):
    house.graph.fail["pending_requests"] = IncompleteListingError(found=(), groups=frozenset({"g1"}))
    async with house.store.transaction() as tx:
        await tx.wake(periodic(RECONCILE, house.clock))
    await house.reconciler.run(await house.lease(RECONCILE))
    assert len(meters.values(metrics.RECONCILE_SECONDS, result="partial")) == 1


async def test_a_round_that_fails_is_told_apart(house: FakeHouse, meters: RecordingMeters):
    house.graph.fail["pending_requests"] = RejectedError()
    async with house.store.transaction() as tx:
        await tx.wake(periodic(RECONCILE, house.clock))
    with pytest.raises(RejectedError):
        await house.reconciler.run(await house.lease(RECONCILE))
    assert len(meters.values(metrics.RECONCILE_SECONDS, result="failed")) == 1


async def test_a_card_is_timed_from_the_request_once_and_counted_each_time(
    house: FakeHouse, meters: RecordingMeters
):
    await house.taken_in()
    house.clock.move(3)
    await house.announcer.sync(await house.lease(CARD_SYNC))
    await house.click()
    await house.announcer.sync(await house.lease(CARD_SYNC))
    assert meters.values(metrics.CARDS, card="request", action="posted") == [1]
    assert meters.values(metrics.CARDS, card="request", action="edited") == [1]
    (waited,) = meters.values(metrics.REQUEST_TO_CARD)
    assert waited >= 3


async def test_the_first_rung_is_a_breach_and_the_next_is_not(house: FakeHouse, meters: RecordingMeters):
    await house.taken_in()
    for seconds in (300, 600):
        house.clock.move(seconds)
        await house.escalation.ping(await house.lease(OPS_PING))
    assert meters.values(metrics.PINGS, cause="unanswered", rung="1") == [1]
    assert meters.values(metrics.PINGS, cause="unanswered", rung="2") == [1]
    assert meters.values(metrics.SLA_BREACHES) == [1]


async def test_a_decision_is_counted_by_what_became_of_it(house: FakeHouse, meters: RecordingMeters):
    await house.taken_in()
    await house.click(ALEX, Choice.DENY)
    assert meters.values(metrics.DECISIONS, choice="deny", outcome="recorded") == [1]
    assert len(meters.values(metrics.DECISION_SECONDS)) == 1


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(RejectedError(), "not-taken", id="refused by Graph"),
        pytest.param(OutcomeUnknownError(), "unknown", id="no answer"),
    ],
)
async def test_a_decision_that_graph_did_not_confirm_is_told_apart(
    house: FakeHouse, meters: RecordingMeters, error: Exception, outcome: str
):
    await house.taken_in()
    house.approvals.before.extend([error] * 3)
    await house.click(ALEX)
    assert meters.values(metrics.DECISIONS, choice="approve", outcome=outcome) == [1]


async def test_refusals_are_counted_by_reason_and_clicks_that_stop_by_why(
    house: FakeHouse, meters: RecordingMeters
):
    await house.taken_in()
    await house.click(RILEY)
    assert meters.values(metrics.REFUSALS, reason="own-request") == [1]
    house.tokens.drop(an_actor(BLAKE).channel_user_id)
    await house.click(BLAKE)
    assert meters.values(metrics.NOT_SENT, why="sign-in-needed") == [1]

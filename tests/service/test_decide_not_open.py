"""Requests that can't be decided, or not any more, say so; and looking asks Graph nothing."""

from __future__ import annotations

import pytest
from fakes.house import R1, FakeHouse
from fakes.values import ALEX, BLAKE, RILEY, a_claim, an_actor

from bot.domain.content import Viewer
from bot.domain.model import Choice, State

# Requests that are not to be decided -------------------------------------------------------


async def test_an_unknown_request_has_no_card(house: FakeHouse) -> None:
    assert await house.decisions.decide(an_actor(), "nothing", Choice.APPROVE, "") is None
    assert await house.decisions.look(an_actor(), "nothing") is None


@pytest.mark.parametrize(
    ("state", "notice"),
    [
        pytest.param(State.DECIDING, "being-decided", id="deciding"),
        pytest.param(State.APPROVED, "already-decided", id="approved"),
        pytest.param(State.DENIED, "already-decided", id="denied"),
        pytest.param(State.DECIDED_ELSEWHERE, "already-decided", id="elsewhere"),
        pytest.param(State.ACTIVE, "already-decided", id="active"),
        pytest.param(State.WITHDRAWN, "not-open", id="withdrawn"),
        pytest.param(State.EXPIRED, "not-open", id="expired"),
        pytest.param(State.FAILED, "not-open", id="failed"),
        pytest.param(State.ENDED, "not-open", id="ended"),
    ],
)
async def test_a_click_on_a_request_that_is_not_pending_asks_graph_nothing(
    house: FakeHouse, state: State, notice: str
) -> None:
    await house.taken_in()
    changed = await house.alter(state=state)
    house.graph.calls.clear()
    card = await house.click()
    assert (card.notice, card.request) == (notice, changed)
    assert card.viewer is (Viewer.ABLE if state is State.DECIDING else Viewer.EVERYONE)
    assert not house.approvals.received
    assert not house.graph.calls


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"action": "selfExtend"}, id="extension"),
        pytest.param({"approval_id": None}, id="no-approval"),
    ],
)
async def test_what_graph_can_not_decide_is_for_the_portal(
    house: FakeHouse, changes: dict[str, object]
) -> None:
    await house.taken_in(**changes)
    assert (await house.click()).notice == "not-decidable-here"
    assert not house.approvals.received


@pytest.mark.parametrize(
    ("changes", "notice"),
    [
        pytest.param({"state": State.DECIDING}, "being-decided", id="claimed"),
        pytest.param({"state": State.WITHDRAWN}, "not-open", id="withdrawn"),
    ],
)
async def test_what_changed_while_the_approval_was_read_is_not_claimed(
    house: FakeHouse, changes: dict[str, object], notice: str
) -> None:
    await house.taken_in()

    async def alter() -> None:
        await house.alter(**changes)

    house.approvals.when_read = alter
    card = await house.click()
    assert (card.notice, card.request) == (notice, house.request())
    assert not house.approvals.received


async def test_a_request_that_changed_while_the_approval_was_read_is_judged_anew(house: FakeHouse) -> None:
    house.graph.make_eligible(ALEX, scope="/administrativeUnits/1")
    await house.taken_in()

    async def alter() -> None:
        house.approvals.when_read = None
        await house.alter(scope="/administrativeUnits/1")

    assert house.request().scope == "/"
    house.approvals.when_read = alter
    card = await house.click()
    assert (card.notice, card.viewer) == ("refused", Viewer.REFUSED)
    assert not house.approvals.received


# Looking -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "viewer"),
    [
        pytest.param(ALEX, Viewer.ABLE, id="approver"),
        pytest.param(BLAKE, Viewer.REFUSED, id="eligible-approver"),
        pytest.param(RILEY, Viewer.REFUSED, id="requester"),
    ],
)
async def test_looking_shows_the_forecast_and_asks_graph_nothing(
    house: FakeHouse, who: str, viewer: Viewer
) -> None:
    house.graph.make_eligible(BLAKE)
    await house.taken_in()
    house.graph.calls.clear()
    card = await house.decisions.look(an_actor(who), R1)
    assert card is not None
    assert (card.viewer, card.notice, bool(card.refusals)) == (viewer, None, viewer is Viewer.REFUSED)
    assert not house.graph.calls


async def test_a_second_click_by_whoever_is_deciding_is_told_to_wait(house: FakeHouse) -> None:
    await house.taken_in()
    await house.alter(state=State.DECIDING, claim=a_claim(by=ALEX))
    assert (await house.click()).notice == "still-recording"
    assert not house.approvals.received

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.house import R1
from fakes.own_house import OwnHouse, a_wish
from fakes.values import ALEX, RILEY, a_decision

from bot.domain import activation as a
from bot.domain.errors import UnavailableError
from bot.domain.following import HowEnded, Stage
from bot.domain.model import Choice, PimStatus, State
from bot.service.common import CARD_SYNC
from bot.service.followed import WATCH


@pytest.fixture
def house() -> OwnHouse:
    return OwnHouse()


async def approved(house: OwnHouse) -> str:
    sent = await house.desk.activate(house.riley, a_wish())
    assert isinstance(sent, a.Sent)
    await house.click(on=sent.request.id)
    return sent.request.id


async def look(house: OwnHouse, seconds: float = 0) -> None:
    house.clock.move(seconds)
    await house.work()


async def test_approved_is_not_usable_until_the_assignment_is_really_there(house: OwnHouse) -> None:
    request_id = await approved(house)
    await look(house)
    assert house.request(request_id).state is State.APPROVED
    assert house.shown().stage is Stage.GRANTED
    house.clock.move(4)
    house.pim.hold()
    await look(house)
    request = house.request(request_id)
    assert (request.state, request.usable_at) == (State.ACTIVE, house.clock.now())
    assert house.shown().stage is Stage.USABLE
    assert house.shown().activation.propagation == timedelta(seconds=4)
    (line,) = [one for one in house.audit(request_id) if one.event == "request.usable"]
    assert line.facts["propagation_seconds"] == 4.0


async def test_the_channels_card_follows_to_active_and_to_the_end(house: OwnHouse) -> None:
    request_id = await approved(house)
    await house.announcer.sync(await house.lease(CARD_SYNC))
    house.pim.hold()
    await look(house)
    await house.announcer.sync(await house.lease(CARD_SYNC))
    house.clock.move(7200)
    house.pim.standing.clear()
    await look(house)
    await house.announcer.sync(await house.lease(CARD_SYNC))
    states = [c.request.state for _, c in house.channel.edits if hasattr(c, "request")]
    assert states == [State.ACTIVE, State.ENDED]
    assert house.request(request_id).ended_at == house.followed().until


async def test_it_says_so_ten_minutes_before_the_end_and_at_the_end(house: OwnHouse) -> None:
    await approved(house)
    house.pim.hold()
    await look(house)
    await look(house, 110 * 60)
    assert house.shown().stage is Stage.ENDING
    house.pim.standing.clear()
    await look(house, 10 * 60)
    assert (house.shown().stage, house.followed().how_ended) == (Stage.ENDED, HowEnded.LAPSED)
    assert house.effects(WATCH) == []


async def test_a_role_given_back_elsewhere_ends_its_card_early(house: OwnHouse) -> None:
    request_id = await approved(house)
    house.pim.hold()
    await look(house)
    house.pim.standing.clear()
    house.graph.turn(request_id, PimStatus.REVOKED)
    await look(house, 120)
    assert house.followed().how_ended is HowEnded.GIVEN_BACK
    assert house.request(request_id).state is State.ENDED


async def test_an_end_that_moves_in_graph_moves_on_both_cards(house: OwnHouse) -> None:
    request_id = await approved(house)
    role = house.pim.hold()
    await look(house)
    assert role.until is not None
    house.pim.standing[RILEY] = replace(role, until=role.until + timedelta(hours=1))
    await look(house, 120)
    assert house.request(request_id).usable_until == role.until + timedelta(hours=1)
    assert "request.prolonged" in house.events(request_id)


@pytest.mark.parametrize("elsewhere", [True, False], ids=["approved-elsewhere", "approved-here"])
async def test_a_request_made_in_the_portal_is_watched_as_well_and_told_to_nobody(
    house: OwnHouse, elsewhere: bool
) -> None:
    request = await house.taken_in()
    if elsewhere:
        house.graph.complete(R1, a_decision())
        await house.recovery.settle(request, await house.graph.request(R1, request.role.definition_id))
    else:
        await house.click()
    house.pim.hold()
    await look(house)
    assert house.request().state is State.ACTIVE
    house.pim.standing.clear()
    await look(house, 7200)
    assert house.request().state is State.ENDED
    assert house.channel.posts == []


async def test_a_denial_is_told_with_its_reason_and_watched_by_nobody(house: OwnHouse) -> None:
    sent = await house.desk.activate(house.riley, a_wish())
    assert isinstance(sent, a.Sent)
    await house.click(choice=Choice.DENY, reason="not now", on=sent.request.id)
    await look(house)
    card = house.shown()
    assert card.stage is Stage.DENIED
    assert card.decision is not None
    assert (card.decision.justification, card.decision.by and card.decision.by.identity.object_id) == (
        "not now",
        ALEX,
    )
    assert house.effects(WATCH) == []


async def test_what_pim_could_not_carry_out_fails_in_all_places(house: OwnHouse) -> None:
    request_id = await approved(house)
    house.graph.turn(request_id, PimStatus.FAILED)
    await look(house)
    assert house.request(request_id).state is State.FAILED
    assert house.shown().stage is Stage.FAILED


async def test_graph_out_of_reach_is_tried_again_and_claims_nothing(house: OwnHouse) -> None:
    request_id = await approved(house)
    house.pim.unreadable = UnavailableError()
    effect = await house.lease(WATCH)
    with pytest.raises(UnavailableError):
        await house.watcher.watch(effect)
    assert house.request(request_id).state is State.APPROVED


async def test_a_look_that_is_repeated_changes_nothing_more(house: OwnHouse) -> None:
    request_id = await approved(house)
    house.pim.hold()
    effect = await house.lease(WATCH)
    house.store.fail_commit = ConnectionError("the answer was lost")
    with pytest.raises(ConnectionError):
        await house.watcher.watch(effect)
    house.store.fail_commit = None
    await house.store.free_leases(None)
    await look(house)
    assert house.events(request_id).count("request.usable") == 1


async def test_without_an_approval_request_the_audit_log_tells_all_the_same(house: OwnHouse) -> None:
    house.pim.policy = replace(house.pim.policy, approval_required=False)
    sent = await house.desk.activate(house.riley, a_wish())
    assert isinstance(sent, a.Sent)
    house.pim.hold()
    await look(house)
    house.pim.standing.clear()
    await look(house, 7200)
    assert house.events(sent.request.id) == ["activation.sent", "request.usable", "request.ended"]
    assert house.shown().stage is Stage.ENDED

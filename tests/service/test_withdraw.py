from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.own_house import OwnHouse, a_wish
from fakes.values import a_claim, a_pim_request

from bot.domain import activation as a
from bot.domain.errors import OutcomeUnknownError, UnavailableError
from bot.domain.following import Stage
from bot.domain.model import PimRequest, PimStatus, State
from bot.service.common import CARD_SYNC


@pytest.fixture
def house() -> OwnHouse:
    return OwnHouse()


async def asked(house: OwnHouse) -> PimRequest:
    sent = await house.desk.activate(house.riley, a_wish())
    assert isinstance(sent, a.Sent)
    await house.work()
    return sent.request


async def test_a_withdrawn_request_closes_both_cards_at_once(house: OwnHouse) -> None:
    request = await asked(house)
    await house.announcer.sync(await house.lease(CARD_SYNC))
    assert await house.desk.withdraw(house.riley) == a.Withdrawn(request)
    assert house.request(request.id).state is State.WITHDRAWN
    await house.work()
    assert house.shown().stage is Stage.WITHDRAWN
    assert len(house.effects(CARD_SYNC)) == 1
    (line,) = [one for one in house.audit(request.id) if one.event == "activation.withdrawn"]
    assert line.actor == f"{house.riley.identity.tenant_id}/{house.riley.identity.object_id}"


async def test_nothing_pending_is_said(house: OwnHouse) -> None:
    assert await house.desk.withdraw(house.riley) == a.NothingPending()
    assert await house.desk.withdraw(house.riley, "unknown") == a.NothingPending()


async def test_of_several_one_has_to_be_named(house: OwnHouse) -> None:
    first = await asked(house)
    second = house.graph.put(a_pim_request(id="r2", role_definition_id="other"))
    outcome = await house.desk.withdraw(house.riley)
    assert isinstance(outcome, a.WhichOne)
    assert set(outcome.requests) == {first, second}
    assert await house.desk.withdraw(house.riley, first.id) == a.Withdrawn(first)


async def test_what_was_decided_meanwhile_is_not_withdrawn(house: OwnHouse) -> None:
    request = await asked(house)
    house.graph.turn(request.id, PimStatus.GRANTED)
    outcome = await house.desk.withdraw(house.riley, request.id)
    assert isinstance(outcome, a.NotWithdrawable)
    assert outcome.request.status is PimStatus.GRANTED


async def test_decided_between_reading_and_withdrawing_is_not_withdrawn(house: OwnHouse) -> None:
    request = await asked(house)
    original = house.pim.requests

    async def stale(assertion: object) -> tuple[PimRequest, ...]:
        found = await original(assertion)  # type: ignore[arg-type]
        house.graph.turn(request.id, PimStatus.DENIED)
        return found

    house.pim.requests = stale  # type: ignore[method-assign, assignment]
    outcome = await house.desk.withdraw(house.riley)
    assert isinstance(outcome, a.NotWithdrawable)
    assert house.request(request.id).state is State.PENDING


@pytest.mark.parametrize("took_effect", [True, False])
async def test_a_lost_answer_is_looked_up(house: OwnHouse, took_effect: bool) -> None:
    request = await asked(house)
    (house.pim.after if took_effect else house.pim.before).append(OutcomeUnknownError())
    outcome = await house.desk.withdraw(house.riley)
    assert isinstance(outcome, a.Withdrawn if took_effect else a.OutcomeUnknown)
    assert (house.request(request.id).state is State.WITHDRAWN) is took_effect


async def test_a_decision_on_its_way_has_nothing_left_to_recover(house: OwnHouse) -> None:
    request = await asked(house)
    await house.alter(request.id, state=State.DECIDING, claim=replace(a_claim(), at=house.clock.now()))
    assert isinstance(await house.desk.withdraw(house.riley), a.Withdrawn)
    assert house.request(request.id).state is State.WITHDRAWN


async def test_out_of_reach_is_said(house: OwnHouse) -> None:
    await asked(house)
    house.pim.reading.append(UnavailableError())
    assert await house.desk.withdraw(house.riley) == a.Unavailable()

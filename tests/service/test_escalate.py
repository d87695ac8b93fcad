"""Ops are pinged once a rung, until somebody decides or the request ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.house import OPS, PORTAL, R1, FakeHouse
from fakes.values import NOW, RILEY, a_claim, person

from bot.domain.content import OpsCard, PingCause
from bot.domain.errors import ChannelUnavailableError
from bot.domain.model import State
from bot.service.common import CARD_SYNC, OPS_PING, LeaseLostError

MINUTE = 60


async def ping(house: FakeHouse) -> None:
    await house.escalation.ping(await house.lease(OPS_PING))


def pings(house: FakeHouse) -> list[int]:
    return [card.rung for _, card in house.channel.posts if isinstance(card, OpsCard)]


async def test_ops_are_told_who_has_waited_for_how_long(house: FakeHouse) -> None:
    request = await house.taken_in()
    house.clock.move(5 * MINUTE)
    await ping(house)
    assert house.channel.posts == [
        (OPS, OpsCard(request, PingCause.UNANSWERED, 1, timedelta(minutes=5), PORTAL))
    ]


async def test_a_ping_is_noted_audited_and_shown_on_the_card(house: FakeHouse) -> None:
    await house.taken_in()
    house.store.state.effects.pop(f"{CARD_SYNC}:{R1}")
    house.clock.move(5 * MINUTE)
    await ping(house)
    assert (house.request().rung, house.request().version) == (1, 2)
    line = house.audit()[-1]
    assert (line.event, line.actor) == ("request.escalated", None)
    assert line.facts == {"rung": 1, "cause": "unanswered"}
    assert len(house.effects(CARD_SYNC)) == 1


async def test_the_ladder_is_climbed_rung_by_rung_and_then_repeats(house: FakeHouse) -> None:
    await house.taken_in()
    for minutes in (5, 15, 75, 135):
        house.clock.move(minutes * MINUTE - (house.clock.now() - NOW).total_seconds())
        await ping(house)
        assert not await house.store.claim_effects("me", [OPS_PING], 1, 30)
    assert pings(house) == [1, 2, 3, 4]
    assert [row.due_at - NOW for row in house.effects(OPS_PING)] == [timedelta(minutes=195)]


async def test_the_ladder_ends_where_the_request_does(house: FakeHouse) -> None:
    await house.taken_in()
    await house.alter(expires_at=NOW + timedelta(minutes=10))
    house.clock.move(5 * MINUTE)
    await ping(house)
    assert not house.effects(OPS_PING)


async def test_an_empty_pool_is_pinged_without_climbing(house: FakeHouse) -> None:
    house.graph.policy = replace(house.graph.policy, approvers=(person(RILEY),))
    await house.taken_in()
    await ping(house)
    ((_, card),) = house.channel.posts
    assert isinstance(card, OpsCard)
    assert (card.cause, card.rung) == (PingCause.EMPTY_POOL, 0)
    assert [row.payload["rung"] for row in house.effects(OPS_PING)] == [1]


async def test_a_decision_on_its_way_does_not_stop_the_ladder(house: FakeHouse) -> None:
    await house.taken_in()
    await house.alter(state=State.DECIDING, claim=a_claim())
    house.clock.move(5 * MINUTE)
    await ping(house)
    assert pings(house) == [1]
    assert house.request().state is State.DECIDING


async def test_after_a_decision_nobody_is_pinged(house: FakeHouse) -> None:
    await house.taken_in()
    await house.click()
    house.clock.move(5 * MINUTE)
    await ping(house)
    assert not house.channel.posts
    assert not house.effects(OPS_PING)


async def test_a_ping_for_an_unknown_request_is_dropped(house: FakeHouse) -> None:
    await house.taken_in()
    house.store.state.requests.clear()
    house.clock.move(5 * MINUTE)
    await ping(house)
    assert not house.channel.posts
    assert not house.effects(OPS_PING)


async def test_a_request_decided_while_the_ping_was_on_its_way_climbs_no_further(house: FakeHouse) -> None:
    await house.taken_in()
    house.clock.move(5 * MINUTE)
    house.channel.meanwhile = house.click
    await ping(house)
    assert house.request().state is State.APPROVED
    assert house.request().rung == 0
    assert not house.effects(OPS_PING)
    assert "request.escalated" not in house.events()


async def test_a_ping_that_teams_did_not_take_is_not_noted(house: FakeHouse) -> None:
    await house.taken_in()
    house.clock.move(5 * MINUTE)
    effect = await house.lease(OPS_PING)
    house.channel.fail = ChannelUnavailableError()
    with pytest.raises(ChannelUnavailableError):
        await house.escalation.ping(effect)
    assert house.request().rung == 0
    house.channel.fail = None
    await house.escalation.ping(effect)
    assert pings(house) == [1]


async def test_a_ping_whose_lease_was_lost_notes_nothing(house: FakeHouse) -> None:
    await house.taken_in()
    house.clock.move(5 * MINUTE)
    effect = await house.lease(OPS_PING)
    house.clock.move(31)
    await house.lease(OPS_PING, owner="another")
    with pytest.raises(LeaseLostError):
        await house.escalation.ping(effect)
    assert house.request().rung == 0
    assert [row.payload["rung"] for row in house.effects(OPS_PING)] == [1]

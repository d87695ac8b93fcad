"""A request's card shows the newest version, in one place."""

from __future__ import annotations

import asyncio

import pytest
from fakes.house import APPROVERS, PORTAL, R1, FakeHouse

from bot.domain.content import RequestCard
from bot.domain.errors import ChannelRefusedError, ChannelUnavailableError
from bot.domain.model import State
from bot.ports import CardRow
from bot.service.common import CARD_SYNC, LeaseLostError, card_sync


async def sync(house: FakeHouse) -> None:
    await house.announcer.sync(await house.lease(CARD_SYNC))


async def woken(house: FakeHouse) -> None:
    async with house.store.transaction() as tx:
        await tx.wake(card_sync(R1, house.clock))


async def test_a_card_is_posted_and_where_it_is_is_kept(house: FakeHouse) -> None:
    request = await house.taken_in()
    await sync(house)
    assert house.channel.posts == [(APPROVERS, RequestCard(request, PORTAL))]
    card = house.store.state.cards[R1]
    assert (card.posted.activity_id, card.shown_version) == ("activity-1", 1)
    assert not house.effects(CARD_SYNC)


async def test_a_card_is_edited_in_place(house: FakeHouse) -> None:
    await house.taken_in()
    await sync(house)
    changed = await house.alter(state=State.WITHDRAWN)
    await woken(house)
    await sync(house)
    assert len(house.channel.posts) == 1
    assert house.channel.showing == {"activity-1": RequestCard(changed, PORTAL)}
    assert house.store.state.cards[R1].shown_version == changed.version


async def test_a_card_shows_the_newest_version_and_skips_those_between(house: FakeHouse) -> None:
    await house.taken_in()
    await house.alter(rung=1)
    newest = await house.alter(rung=2)
    await sync(house)
    assert house.channel.showing == {"activity-1": RequestCard(newest, PORTAL)}
    assert not house.channel.edits


async def test_a_card_that_is_up_to_date_is_left_alone(house: FakeHouse) -> None:
    await house.taken_in()
    await sync(house)
    await woken(house)
    await sync(house)
    assert (len(house.channel.posts), house.channel.edits) == (1, [])
    assert not house.effects(CARD_SYNC)


async def test_a_newer_card_is_not_overwritten_by_an_older_one(house: FakeHouse) -> None:
    await house.taken_in()
    await sync(house)
    shown = house.store.state.cards[R1]
    house.store.state.cards[R1] = CardRow(shown.posted, 7)
    await woken(house)
    await sync(house)
    assert not house.channel.edits


async def test_a_request_that_changed_while_its_card_was_on_its_way_is_shown_again(house: FakeHouse) -> None:
    await house.taken_in()

    async def decided() -> None:
        await house.alter(state=State.WITHDRAWN)

    house.channel.meanwhile = decided
    await sync(house)
    assert len(house.effects(CARD_SYNC)) == 1
    await sync(house)
    assert house.channel.showing == {"activity-1": RequestCard(house.request(), PORTAL)}
    assert not house.effects(CARD_SYNC)


async def test_a_card_that_teams_did_not_take_is_posted_later(house: FakeHouse) -> None:
    await house.taken_in()
    effect = await house.lease(CARD_SYNC)
    house.channel.fail = ChannelUnavailableError()
    with pytest.raises(ChannelUnavailableError):
        await house.announcer.sync(effect)
    assert not house.store.state.cards
    house.channel.fail = None
    await house.announcer.sync(effect)
    assert R1 in house.store.state.cards


async def test_a_lost_lease_rolls_back_so_that_the_new_owner_has_the_word(house: FakeHouse) -> None:
    await house.taken_in()
    mine = await house.lease(CARD_SYNC)
    house.clock.move(31)
    theirs = await house.lease(CARD_SYNC, owner="another")
    await house.announcer.sync(theirs)
    kept = house.store.state.cards[R1]
    await house.alter(rung=1)
    with pytest.raises(LeaseLostError):
        await house.announcer.sync(mine)
    assert house.store.state.cards[R1] == kept


async def test_a_card_of_an_unknown_request_is_dropped(house: FakeHouse) -> None:
    await woken(house)
    await sync(house)
    assert not house.channel.posts
    assert not house.effects(CARD_SYNC)


async def test_a_card_that_somebody_deleted_is_posted_again_while_it_is_needed(house: FakeHouse) -> None:
    await house.taken_in()
    await sync(house)
    changed = await house.alter(rung=1)
    await woken(house)
    house.channel.deleted.add("activity-1")
    await sync(house)
    assert house.channel.showing["activity-2"] == RequestCard(changed, PORTAL)
    assert house.store.state.cards[R1].posted.activity_id == "activity-2"


async def test_a_deleted_card_of_a_finished_request_stays_deleted(house: FakeHouse) -> None:
    await house.taken_in()
    await sync(house)
    await house.alter(state=State.WITHDRAWN)
    await woken(house)
    house.channel.deleted.add("activity-1")
    await sync(house)
    assert len(house.channel.posts) == 1
    assert not house.effects(CARD_SYNC)


async def test_an_edit_that_is_refused_otherwise_is_raised(house: FakeHouse) -> None:
    await house.taken_in()
    await sync(house)
    await house.alter(rung=1)
    await woken(house)
    house.channel.fail = ChannelRefusedError("BotNotInConversationRoster (403)", status=403)
    with pytest.raises(ChannelRefusedError):
        await sync(house)


async def test_a_store_that_fails_for_a_moment_does_not_cost_the_place_of_a_posted_card(
    house: FakeHouse,
) -> None:
    await house.taken_in()

    async def store_goes_down() -> None:
        house.store.fail_commit = ConnectionError()
        asyncio.get_running_loop().call_later(0.02, setattr, house.store, "fail_commit", None)

    house.channel.meanwhile = store_goes_down
    await sync(house)
    assert house.store.state.cards[R1].posted.activity_id == "activity-1"
    assert len(house.channel.posts) == 1

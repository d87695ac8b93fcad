from __future__ import annotations

import pytest
from fakes.own_house import OwnHouse, a_wish

from bot.domain.errors import ChannelRefusedError, ChannelUnavailableError
from bot.domain.following import Stage
from bot.domain.model import Choice
from bot.service.followed import OWN_CARD


@pytest.fixture
def house() -> OwnHouse:
    return OwnHouse()


async def asked(house: OwnHouse) -> str:
    await house.desk.activate(house.riley, a_wish())
    return house.followed().request_id


async def test_there_is_one_card_edited_in_place(house: OwnHouse) -> None:
    request_id = await asked(house)
    await house.work()
    await house.click(choice=Choice.DENY, on=request_id)
    await house.work()
    assert len(house.channel.posts) == 1
    assert house.channel.posts[0][0] == f"chat:{house.riley.channel_user_id}"
    assert [c.stage for _, c in house.channel.edits] == [Stage.DENIED]  # type: ignore[union-attr]


async def test_what_changes_nothing_on_the_card_edits_nothing(house: OwnHouse) -> None:
    request_id = await asked(house)
    await house.work()
    await house.alter(request_id, rung=1)
    await house.desk.activate(house.riley, a_wish())
    await house.work()
    assert house.channel.edits == []


async def test_a_card_its_reader_deleted_is_posted_again_while_there_is_news(house: OwnHouse) -> None:
    request_id = await asked(house)
    await house.work()
    house.channel.deleted.add("activity-1")
    await house.click(on=request_id)
    await house.work()
    assert len(house.channel.posts) == 2
    house.channel.deleted.add("activity-2")
    house.clock.move(3 * 3600)
    await house.work()
    assert len(house.channel.posts) == 2


async def test_where_the_bot_is_not_installed_nothing_hangs(house: OwnHouse) -> None:
    house.chat.refused = True
    await asked(house)
    await house.work()
    assert house.effects(OWN_CARD) == []
    assert house.store.state.own_cards == {}


async def test_teams_out_of_reach_is_tried_again(house: OwnHouse) -> None:
    await asked(house)
    house.channel.fail = ChannelUnavailableError()
    effect = await house.lease(OWN_CARD)
    with pytest.raises(ChannelUnavailableError):
        await house.living.sync(effect)


async def test_an_edit_that_teams_refuses_for_good_is_let_be(house: OwnHouse) -> None:
    request_id = await asked(house)
    await house.work()
    await house.click(on=request_id)
    house.channel.fail = ChannelRefusedError("blocked", status=403)
    await house.living.sync(await house.lease(OWN_CARD))
    assert house.effects(OWN_CARD) == []


async def test_news_that_comes_while_the_card_is_on_its_way_is_shown_next(house: OwnHouse) -> None:
    request_id = await asked(house)
    house.channel.meanwhile = lambda: house.click(choice=Choice.DENY, on=request_id)
    await house.work()
    assert house.shown().stage is Stage.DENIED

"""Whoever tries five times in ten minutes to decide what they may not is reported to ops, once."""

from __future__ import annotations

import pytest
from fakes.house import OPS, PORTAL, R1, FakeHouse
from fakes.people import token_of
from fakes.values import ALEX, BLAKE, NOW, TENANT, an_actor

from bot.domain.content import ConductCard
from bot.domain.errors import ChannelUnavailableError, UnavailableError
from bot.domain.model import Identity, Reason
from bot.service.common import CONDUCT, LeaseLostError

WHO = f"{TENANT}/{BLAKE}"


async def tried(house: FakeHouse, times: int, *, by: str = BLAKE, apart: float = 1) -> None:
    for _ in range(times):
        await house.click(by=by)
        house.clock.move(apart)


async def check(house: FakeHouse) -> None:
    await house.conduct.check(await house.lease(CONDUCT))


def reports(house: FakeHouse) -> list[ConductCard]:
    return [card for _, card in house.channel.posts if isinstance(card, ConductCard)]


@pytest.fixture
async def refusing(house: FakeHouse) -> FakeHouse:
    """Blake is eligible, and so refused."""
    house.graph.make_eligible(BLAKE)
    await house.taken_in()
    return house


async def test_the_fifth_try_is_reported_with_who_and_why(refusing: FakeHouse) -> None:
    await tried(refusing, 5)
    await check(refusing)
    ((channel, card),) = refusing.channel.posts
    assert channel == OPS
    assert card == ConductCard(
        person=card.person,
        since=NOW,
        until=refusing.audit()[-2].at,
        refusals=((Reason.ELIGIBLE_DIRECTLY, 5),),
        forged=0,
        impersonated=0,
        tries=5,
        requests=(refusing.request(),),
        portal_url=PORTAL,
    )
    assert card.person.identity == Identity(TENANT, BLAKE)
    assert card.person.display_name == an_actor(BLAKE).display_name


async def test_the_report_is_audited_with_its_rule_under_the_last_request(refusing: FakeHouse) -> None:
    await tried(refusing, 5)
    await check(refusing)
    line = refusing.audit(R1)[-1]
    assert (line.event, line.actor) == ("conduct.reported", WHO)
    assert line.facts["tries"] == 5
    assert line.facts["events"] == {"decision.refused": 5}
    assert line.facts["rules"] == ["5 tries in 600 seconds are reported"]


async def test_four_tries_are_not_reported(refusing: FakeHouse) -> None:
    await tried(refusing, 4)
    await check(refusing)
    assert not refusing.channel.posts
    assert not refusing.effects(CONDUCT)


async def test_five_tries_in_more_than_ten_minutes_are_not_reported(refusing: FakeHouse) -> None:
    await tried(refusing, 5, apart=151)
    await check(refusing)
    assert not refusing.channel.posts


async def test_whoever_goes_on_is_reported_once_in_ten_minutes(refusing: FakeHouse) -> None:
    for _ in range(25):
        await tried(refusing, 1, apart=60)
        await check(refusing)
    assert [(card.until - NOW).total_seconds() / 60 for card in reports(refusing)] == [4, 15]


async def test_each_is_counted_for_themselves(refusing: FakeHouse) -> None:
    refusing.graph.make_eligible(ALEX)
    refusing.clock.move(11)
    await tried(refusing, 3)
    await tried(refusing, 3, by=ALEX)
    await check(refusing) if len(refusing.effects(CONDUCT)) == 1 else None
    for effect in await refusing.store.claim_effects("me", [CONDUCT], 9, 30):
        await refusing.conduct.check(effect)
    assert not refusing.channel.posts


async def test_refused_for_want_of_a_fact_nobody_is_reported(house: FakeHouse) -> None:
    await house.taken_in()
    house.clock.move(11)
    house.graph.fail["holders"] = UnavailableError()
    await tried(house, 6, by=ALEX)
    await check(house)
    assert not house.channel.posts


async def test_another_users_token_counts_as_a_try(house: FakeHouse) -> None:
    await house.taken_in()
    house.tokens.hold(an_actor(ALEX).channel_user_id, token_of(Identity(TENANT, BLAKE)))
    await tried(house, 5, by=ALEX)
    await check(house)
    assert [(card.impersonated, card.tries) for card in reports(house)] == [(5, 5)]


async def test_forged_clicks_count_as_tries_also_where_they_name_no_request(house: FakeHouse) -> None:
    for n in range(5):
        await house.forgeries.forged(an_actor(ALEX), "verbs-differ", {"request": f"r{n}"})
    await check(house)
    (card,) = reports(house)
    assert (card.forged, card.tries, card.requests) == (5, 5, ())
    assert house.audit(None)[-1].event == "conduct.reported"


async def test_a_report_that_could_not_be_posted_is_tried_again(refusing: FakeHouse) -> None:
    await tried(refusing, 5)
    effect = await refusing.lease(CONDUCT)
    refusing.channel.fail = ChannelUnavailableError()
    with pytest.raises(ChannelUnavailableError):
        await refusing.conduct.check(effect)
    assert "conduct.reported" not in refusing.events()
    refusing.channel.fail = None
    await refusing.conduct.check(effect)
    assert len(reports(refusing)) == 1


async def test_after_a_crash_and_much_later_the_tries_are_still_counted(refusing: FakeHouse) -> None:
    await tried(refusing, 5)
    refusing.restart()
    refusing.clock.move(3600)
    await check(refusing)
    assert len(reports(refusing)) == 1


async def test_a_lease_that_was_lost_records_nothing(refusing: FakeHouse) -> None:
    await tried(refusing, 5)
    effect = await refusing.lease(CONDUCT)
    await refusing.store.free_leases("me")
    await refusing.lease(CONDUCT, owner="somebody else")
    with pytest.raises(LeaseLostError):
        await refusing.conduct.check(effect)
    assert "conduct.reported" not in refusing.events()

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.own_house import OwnHouse, a_wish
from fakes.values import RILEY, ROLE

from bot.domain import activation as a
from bot.domain.errors import (
    ClaimsChallengeError,
    OutcomeUnknownError,
    PermissionMissingError,
    PimRefusal,
    PimRefusedError,
    UnavailableError,
)
from bot.domain.following import HowEnded, Stage
from bot.domain.model import State
from bot.service.give_back import GIVE_BACK

FIVE = timedelta(minutes=5)


@pytest.fixture
async def house() -> OwnHouse:
    """Riley holds the role, and follows it on a card."""
    made = OwnHouse()
    made.pim.policy = replace(made.pim.policy, approval_required=False)
    await made.desk.activate(made.riley, a_wish())
    made.pim.hold()
    await made.work()
    return made


async def test_a_role_is_given_back_and_the_card_says_so(house: OwnHouse) -> None:
    house.clock.move(301)
    role = house.pim.standing[RILEY]
    assert await house.desk.deactivate(house.riley, ROLE, "/") == a.GivenBack(role)
    await house.work()
    assert (house.shown().stage, house.followed().how_ended) == (Stage.ENDED, HowEnded.GIVEN_BACK)
    assert "activation.given-back" in [line.event for line in house.store.state.audit]


async def test_what_is_not_active_is_not_given_back(house: OwnHouse) -> None:
    house.pim.standing.clear()
    assert await house.desk.deactivate(house.riley, ROLE, "/") == a.NotActive()
    assert ("selfDeactivate", RILEY) not in house.pim.posted


async def test_within_five_minutes_it_says_when_and_asks_pim_nothing(house: OwnHouse) -> None:
    role = house.pim.standing[RILEY]
    assert await house.desk.deactivate(house.riley, ROLE, "/") == a.TooEarly(role, role.since + FIVE)
    assert ("selfDeactivate", RILEY) not in house.pim.posted


async def test_at_the_first_possible_moment_it_is_given_back_by_itself(house: OwnHouse) -> None:
    role = house.pim.standing[RILEY]
    outcome = await house.desk.deactivate(house.riley, ROLE, "/", when_possible=True)
    assert outcome == a.WillGiveBack(role, role.since + FIVE)
    await house.work()
    assert house.shown().activation.give_back_at == role.since + FIVE
    house.clock.move(299)
    await house.work()
    assert RILEY in house.pim.standing
    house.clock.move(1)
    await house.work()
    assert RILEY not in house.pim.standing
    assert house.followed().give_back_at is None
    assert house.effects(GIVE_BACK) == []


async def test_a_role_activated_elsewhere_is_followed_once_it_is_to_be_given_back(house: OwnHouse) -> None:
    house.store.state.activations.clear()
    house.pim.standing[RILEY] = replace(house.pim.standing[RILEY], request_id="r-portal")
    await house.desk.deactivate(house.riley, ROLE, "/", when_possible=True)
    await house.work()
    assert house.shown().activation.request_id == "r-portal"
    assert house.shown().stage is Stage.USABLE


async def test_given_back_by_hand_before_nothing_is_left_to_do(house: OwnHouse) -> None:
    await house.desk.deactivate(house.riley, ROLE, "/", when_possible=True)
    house.clock.move(300)
    await house.desk.deactivate(house.riley, ROLE, "/")
    assert house.effects(GIVE_BACK) == []


@pytest.mark.parametrize(
    ("error", "hitch"),
    [
        pytest.param(ClaimsChallengeError(claims="{}"), "give-back-sign-in", id="step-up"),
        pytest.param(PermissionMissingError(), "give-back-failed", id="permission"),
    ],
)
async def test_what_could_not_be_given_back_later_is_told(
    house: OwnHouse, error: Exception, hitch: str
) -> None:
    await house.desk.deactivate(house.riley, ROLE, "/", when_possible=True)
    house.clock.move(300)
    house.pim.before.append(error)
    await house.work()
    assert (house.shown().activation.hitch, house.shown().activation.give_back_at) == (hitch, None)


async def test_signed_out_meanwhile_is_told(house: OwnHouse) -> None:
    await house.desk.deactivate(house.riley, ROLE, "/", when_possible=True)
    house.tokens.drop(house.riley.channel_user_id)
    house.clock.move(300)
    await house.work()
    assert house.shown().activation.hitch == "give-back-sign-in"


async def test_out_of_reach_it_is_tried_again(house: OwnHouse) -> None:
    await house.desk.deactivate(house.riley, ROLE, "/", when_possible=True)
    house.clock.move(300)
    house.pim.before.append(UnavailableError())
    effect = await house.lease(GIVE_BACK)
    with pytest.raises(UnavailableError):
        await house.desk.giving_back.run(effect)
    await house.store.free_leases(None)
    await house.work()
    assert RILEY not in house.pim.standing


async def test_too_early_by_pims_clock_waits_once_more(house: OwnHouse) -> None:
    await house.desk.deactivate(house.riley, ROLE, "/", when_possible=True)
    house.clock.move(300)
    house.pim.before.append(PimRefusedError(refusal=PimRefusal.TOO_EARLY))
    await house.work()
    assert RILEY in house.pim.standing
    house.clock.move(300)
    await house.work()
    assert RILEY not in house.pim.standing


@pytest.mark.parametrize("took_effect", [True, False])
async def test_a_lost_answer_is_looked_up(house: OwnHouse, took_effect: bool) -> None:
    house.clock.move(301)
    (house.pim.after if took_effect else house.pim.before).append(OutcomeUnknownError())
    outcome = await house.desk.deactivate(house.riley, ROLE, "/")
    assert isinstance(outcome, a.GivenBack if took_effect else a.OutcomeUnknown)


async def test_gone_before_pim_was_asked_counts_as_given_back(house: OwnHouse) -> None:
    house.clock.move(301)
    house.pim.before.append(PimRefusedError(refusal=PimRefusal.NOT_ACTIVE))
    assert isinstance(await house.desk.deactivate(house.riley, ROLE, "/"), a.GivenBack)


async def test_given_back_and_asked_for_again_the_old_card_does_not_follow_the_new_role(
    house: OwnHouse,
) -> None:
    house.clock.move(301)
    old = house.followed().request_id
    await house.desk.deactivate(house.riley, ROLE, "/")
    await house.desk.activate(house.riley, a_wish())
    house.pim.hold()
    await house.work()
    house.clock.move(121)
    await house.work()
    assert house.store.state.activations[old].how_ended is HowEnded.GIVEN_BACK
    assert house.followed().usable_at is not None


async def test_giving_back_ends_the_approvers_card_as_well(house: OwnHouse) -> None:
    house.pim.policy = replace(house.pim.policy, approval_required=True)
    house.pim.standing.clear()
    house.store.state.activations.clear()
    sent = await house.desk.activate(house.riley, a_wish())
    assert isinstance(sent, a.Sent)
    await house.click(on=sent.request.id)
    house.pim.hold()
    await house.work()
    assert house.request(sent.request.id).state is State.ACTIVE
    house.clock.move(301)
    await house.desk.deactivate(house.riley, ROLE, "/")
    assert house.request(sent.request.id).state is State.ENDED

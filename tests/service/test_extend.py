from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.own_house import OwnHouse, a_wish
from fakes.people import token_of
from fakes.values import RILEY

from bot.domain import activation as a
from bot.domain.errors import (
    OutcomeUnknownError,
    PimRefusal,
    PimRefusedError,
    RejectedError,
    UnavailableError,
)
from bot.domain.following import Stage
from bot.domain.model import PimStatus
from bot.service.extend import EXTEND

HOUR, FIVE = timedelta(hours=1), timedelta(minutes=5)


@pytest.fixture
async def house() -> OwnHouse:
    """Riley holds the role since six minutes ago, and follows it on a card."""
    made = OwnHouse()
    made.pim.policy = replace(made.pim.policy, approval_required=False)
    await made.desk.activate(made.riley, a_wish())
    made.pim.hold()
    await made.work()
    made.pim.policy = replace(made.pim.policy, approval_required=True)
    made.pim.posted.clear()
    return made


async def test_it_says_what_it_would_take_and_does_nothing(house: OwnHouse) -> None:
    house.clock.move(360)
    role = house.pim.standing[RILEY]
    outcome = await house.desk.extend(house.riley, a_wish(duration=HOUR))
    assert isinstance(outcome, a.ExtensionCosts)
    assert (outcome.role, outcome.approval_required, outcome.possible_at) == (role, True, None)
    assert outcome.usually_gone_for is None
    assert house.pim.posted == [("validate", RILEY)]
    assert RILEY in house.pim.standing


async def test_within_five_minutes_it_says_from_when_on(house: OwnHouse) -> None:
    outcome = await house.desk.extend(house.riley, a_wish())
    assert isinstance(outcome, a.ExtensionCosts)
    assert outcome.possible_at == house.pim.standing[RILEY].since + FIVE


async def test_how_long_it_usually_takes_is_the_median_of_what_was_measured(house: OwnHouse) -> None:
    one = house.followed()
    for n, minutes in enumerate((2, 4, 60)):
        again = replace(one, request_id=f"m{n}", usable_at=one.asked_at + timedelta(minutes=minutes))
        house.store.state.activations[again.request_id] = again
    del house.store.state.activations[one.request_id]
    outcome = await house.desk.extend(house.riley, a_wish())
    assert isinstance(outcome, a.ExtensionCosts)
    assert outcome.usually_gone_for == timedelta(minutes=4)


async def test_where_the_tenant_takes_a_repetition_as_an_extension_that_is_used(house: OwnHouse) -> None:
    house.pim.repeats_extend = True
    house.clock.move(3600)
    outcome = await house.desk.extend(house.riley, a_wish(duration=3 * HOUR))
    assert isinstance(outcome, a.Extended)
    assert house.pim.posted == [("validate", RILEY), ("selfActivate", RILEY)]
    await house.work()
    assert house.shown().activation.until == house.clock.now() + 3 * HOUR
    assert len(house.channel.posts) == 1


async def test_an_extension_whose_answer_is_lost_is_seen_in_graph(house: OwnHouse) -> None:
    house.pim.repeats_extend = True
    house.pim.after.append(OutcomeUnknownError())
    outcome = await house.desk.extend(house.riley, a_wish(duration=3 * HOUR))
    assert outcome == a.OutcomeUnknown()
    await house.work()
    assert house.shown().activation.until == house.clock.now() + 3 * HOUR


async def test_confirmed_it_is_given_back_and_asked_for_again(house: OwnHouse) -> None:
    house.clock.move(360)
    outcome = await house.desk.extend(house.riley, a_wish(duration=HOUR), confirmed=True)
    assert isinstance(outcome, a.Sent)
    assert outcome.request.status is PimStatus.AWAITING_APPROVAL
    assert [act for act, _ in house.pim.posted] == ["validate", "selfDeactivate", "selfActivate"]
    assert house.effects(EXTEND) == []
    await house.work()
    assert house.shown().stage is Stage.WAITING
    assert house.shown().activation.request_id == outcome.request.id


async def test_confirmed_too_early_it_happens_by_itself_at_the_first_moment(house: OwnHouse) -> None:
    role = house.pim.standing[RILEY]
    outcome = await house.desk.extend(house.riley, a_wish(), confirmed=True)
    assert outcome == a.WillGiveBack(role, role.since + FIVE)
    await house.work()
    assert house.shown().activation.give_back_at == role.since + FIVE
    house.clock.move(300)
    await house.work()
    assert RILEY not in house.pim.standing
    assert house.shown().stage is Stage.WAITING
    assert house.effects(EXTEND) == []


async def test_dead_between_giving_back_and_asking_the_request_still_follows(house: OwnHouse) -> None:
    house.clock.move(360)
    house.pim.before.extend([None, None, asyncio.CancelledError()])  # type: ignore[list-item]
    with pytest.raises(asyncio.CancelledError):
        await house.desk.extend(house.riley, a_wish(), confirmed=True)
    assert RILEY not in house.pim.standing
    house.restart()
    house.clock.move(30)
    await house.work()
    waiting = [r for r in house.graph.requests.values() if r.status is PimStatus.AWAITING_APPROVAL]
    assert len(waiting) == 1
    assert house.shown().stage is Stage.WAITING


async def test_dead_after_asking_a_repeat_asks_nothing_again(house: OwnHouse) -> None:
    house.clock.move(360)
    await house.desk.extend(house.riley, a_wish(), confirmed=True)
    before = len(house.graph.requests)
    row = next(r for r in house.store.state.effects.values() if r.kind == EXTEND)
    house.store.state.effects[row.key] = replace(row, done_at=None, run_at=house.clock.now())
    await house.work()
    assert len(house.graph.requests) == before


async def test_a_new_activation_that_is_running_already_is_not_given_back(house: OwnHouse) -> None:
    house.clock.move(360)
    await house.desk.extend(house.riley, a_wish(), confirmed=True)
    house.clock.move(10)
    house.pim.hold()
    row = next(r for r in house.store.state.effects.values() if r.kind == EXTEND)
    house.store.state.effects[row.key] = replace(row, done_at=None, run_at=house.clock.now())
    house.pim.posted.clear()
    await house.work()
    assert house.pim.posted == []
    assert RILEY in house.pim.standing


async def test_pim_still_counting_it_as_active_is_waited_for(house: OwnHouse) -> None:
    house.clock.move(360)
    exists = PimRefusedError(refusal=PimRefusal.ACTIVE_ALREADY, code="RoleAssignmentExists")
    house.pim.before.extend([None, None, exists])
    task = asyncio.create_task(house.desk.extend(house.riley, a_wish(), confirmed=True))
    while not house.clock.waiting and not task.done():  # noqa: ASYNC110 - of the service's own doing
        await asyncio.sleep(0)
    house.clock.move(1)
    assert isinstance(await task, a.Sent)


async def test_an_authentication_context_is_asked_for_before_anything_is_given_back(house: OwnHouse) -> None:
    house.clock.move(360)
    house.pim.policy = replace(house.pim.policy, authentication_context="c1")
    outcome = await house.desk.extend(house.riley, a_wish(), confirmed=True)
    assert isinstance(outcome, a.StepUpNeeded)
    assert '"value":"c1"' in outcome.claims
    assert RILEY in house.pim.standing
    strong = token_of(house.riley.identity, acrs=["c1"])
    done = await house.desk.extensions.extend_with(house.riley, strong, a_wish(), confirmed=True)
    assert isinstance(done, a.Sent)


async def test_with_an_authentication_context_nothing_is_promised_for_later(house: OwnHouse) -> None:
    house.pim.policy = replace(house.pim.policy, authentication_context="c1")
    strong = token_of(house.riley.identity, acrs="c1")
    outcome = await house.desk.extensions.extend_with(house.riley, strong, a_wish(), confirmed=True)
    assert isinstance(outcome, a.TooEarly)
    assert house.effects(EXTEND) == []


async def test_what_is_too_long_is_told_before_anything_is_given_back(house: OwnHouse) -> None:
    house.clock.move(360)
    outcome = await house.desk.extend(house.riley, a_wish(duration=9 * HOUR), confirmed=True)
    assert isinstance(outcome, a.NeedsChange)
    assert house.pim.posted == []


async def test_what_is_not_active_is_not_extended(house: OwnHouse) -> None:
    house.pim.standing.clear()
    assert await house.desk.extend(house.riley, a_wish(), confirmed=True) == a.NotActive()


async def test_what_pim_refuses_the_repetition_for_is_told(house: OwnHouse) -> None:
    house.pim.before.append(PimRefusedError(refusal=PimRefusal.POLICY, rules=("TicketingRule",)))
    outcome = await house.desk.extend(house.riley, a_wish())
    assert outcome == a.PolicyRefused(("TicketingRule",))


async def test_refused_after_giving_back_the_card_says_so(house: OwnHouse) -> None:
    house.clock.move(360)
    house.pim.before.extend([None, None, UnavailableError()])
    assert await house.desk.extend(house.riley, a_wish(), confirmed=True) == a.Unavailable()
    house.pim.before.append(RejectedError(code="New"))
    house.clock.move(30)
    await house.work()
    assert house.shown().activation.hitch == "extend-failed"


async def test_signed_out_when_the_moment_comes_is_told_and_nothing_given_back(house: OwnHouse) -> None:
    await house.desk.extend(house.riley, a_wish(), confirmed=True)
    house.tokens.drop(house.riley.channel_user_id)
    house.clock.move(300)
    await house.work()
    assert house.shown().activation.hitch == "extend-sign-in"
    assert RILEY in house.pim.standing


async def test_out_of_reach_when_the_moment_comes_it_is_tried_again(house: OwnHouse) -> None:
    await house.desk.extend(house.riley, a_wish(), confirmed=True)
    house.clock.move(300)
    house.tokens.fail = UnavailableError()
    effect = await house.lease(EXTEND)
    with pytest.raises(UnavailableError):
        await house.desk.extensions.run(effect)

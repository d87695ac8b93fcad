"""When something fails half-way, nobody is told more, or less, than is known; and somebody is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from fakes.house import R1, FakeHouse
from fakes.people import token_of
from fakes.values import ALEX, BLAKE, TENANT, a_decision, an_actor, person

from bot.domain.content import Note, RequestCard
from bot.domain.errors import (
    AlreadyDecidedError,
    DirectoryError,
    InteractionRequiredError,
    OutcomeUnknownError,
    RejectedError,
    UnavailableError,
)
from bot.domain.model import Actor, ApprovalPolicy, Choice, Identity, PimStatus, Role, State, UserAssertion
from bot.ports import Presented
from bot.service.common import OPS_PING, RECOVER
from bot.service.decide import Terms
from bot.service.signing_in import ACT_CHECK, ActInterruptedError
from bot.store.errors import StoreUnavailableError

R2 = "61998d6f-0000-4000-8000-000000000002"
EMERY = "bbbbbbbb-0000-4000-8000-000000000009"
ALEXS = token_of(an_actor().identity)


def by_name(role: Role) -> int:
    return 2 if role.display_name == "Security Administrator" else 1


# Rules that go by a role's name ---------------------------------------------------------------


async def test_a_quorum_is_not_lost_when_the_roles_name_could_not_be_read_at_first() -> None:
    house = FakeHouse(quorum_of=by_name)
    house.graph.fail["role"] = UnavailableError()
    await house.taken_in()
    assert (await house.click(ALEX)).notice == "role-unknown"
    house.graph.fail.clear()
    await house.reconciler.reconcile()
    assert house.request().quorum == 2
    assert (await house.click(ALEX)).notice == "vote-counted"
    assert not house.approvals.received


async def test_an_authentication_context_is_not_either_and_a_denial_needs_none_of_it() -> None:
    named = "Security Administrator"
    house = FakeHouse(terms=Terms(lambda role: "c1" if role.display_name == named else None))
    house.graph.fail["role"] = UnavailableError()
    await house.taken_in()
    assert (await house.click(ALEX)).notice == "role-unknown"
    assert (await house.click(ALEX, Choice.DENY)).notice == "recorded-denied"


async def test_a_pool_smaller_than_the_quorum_is_told_at_once() -> None:
    house = FakeHouse(quorum=3)
    await house.taken_in()
    assert "below-quorum" in [row.payload["cause"] for row in house.effects(OPS_PING)]


# An attempt in doubt ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(OutcomeUnknownError(), UnavailableError(), id="unknown-then-unavailable"),
        pytest.param(AlreadyDecidedError(status=409), InteractionRequiredError(), id="conflict-then-sign-in"),
        pytest.param(OutcomeUnknownError(), RejectedError(), id="unknown-then-rejected"),
    ],
)
async def test_after_an_attempt_in_doubt_nothing_is_said_to_have_been_left_undone(
    house: FakeHouse, first: DirectoryError, then: DirectoryError
) -> None:
    await house.taken_in()
    house.approvals.before.extend([first, then])
    card = await house.click(ALEX)
    assert (card.notice, house.request().state) == ("outcome-unknown", State.DECIDING)
    assert house.effects(RECOVER)
    assert "decision.released" not in house.events()


@pytest.mark.parametrize("status", [400, 503, None])
async def test_a_token_service_that_never_answers_does_not_keep_a_request_undecided(
    house: FakeHouse, status: int | None
) -> None:
    await house.taken_in()
    house.approvals.before.extend([OutcomeUnknownError()] * 3)
    assert (await house.click()).notice == "outcome-unknown"
    house.tokens.fail = UnavailableError(status=status)
    house.graph.turn(R1, PimStatus.GRANTED)
    house.clock.move(60)
    with pytest.raises(UnavailableError):
        await house.recovery.recover(await house.lease(RECOVER))
    await house.store.free_leases(None)
    house.clock.move(600)
    await house.recovery.recover(await house.lease(RECOVER))
    assert house.request().state is State.DECIDED_ELSEWHERE


async def test_another_persons_token_settles_no_claim(house: FakeHouse) -> None:
    await house.taken_in()
    house.approvals.before.extend([OutcomeUnknownError()] * 3)
    await house.click()
    house.tokens.hold(an_actor().channel_user_id, token_of(Identity(TENANT, BLAKE)))
    house.clock.move(60)
    await house.recovery.recover(await house.lease(RECOVER))
    assert house.request().state is State.PENDING  # by Graph's status, not by that token


# What was begun before a sign-in ----------------------------------------------------------------


async def two_begun(house: FakeHouse) -> None:
    await house.taken_in()
    await house.taken_in(id=R2, approval_id=R2)
    house.tokens.drop(an_actor().channel_user_id)
    await house.click(on=R1)
    house.clock.move(1)
    await house.click(on=R2)


def failing_on(house: FakeHouse, request_id: str) -> None:
    done = house.signing_in.resume["decide"]

    async def flaky(actor: Actor, payload: Mapping[str, Any], assertion: UserAssertion) -> Any:
        if payload["request"] == request_id:
            raise StoreUnavailableError
        return await done(actor, payload, assertion)

    house.signing_in.resume["decide"] = flaky


@pytest.mark.parametrize(("failing", "other"), [(R1, R2), (R2, R1)])
async def test_one_act_that_fails_keeps_no_other_from_being_done_and_each_is_told(
    house: FakeHouse, failing: str, other: str
) -> None:
    await two_begun(house)
    failing_on(house, failing)
    carry_on = await house.desk.signed_in(an_actor(), Presented(token=ALEXS.token))
    assert carry_on is not None
    await carry_on()
    assert house.request(other).state is State.APPROVED
    told = [content for _, content in house.chat.posted]
    assert Note("act-failed") in told
    assert any(isinstance(content, RequestCard) and content.request.id == other for content in told)


async def test_an_act_that_was_cut_off_is_not_repeated_but_told(house: FakeHouse) -> None:
    await house.taken_in()
    house.tokens.drop(an_actor().channel_user_id)
    await house.click()
    began = asyncio.Event()

    async def slow() -> None:
        began.set()
        await asyncio.Event().wait()

    house.approvals.when_read = slow
    task = asyncio.create_task(house.signing_in.finish_all(an_actor(), ALEXS))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    house.approvals.when_read = None
    assert await house.signing_in.finish_all(an_actor(), ALEXS) == ()
    house.clock.move(61)
    await house.signing_in.check(await house.lease(ACT_CHECK))
    assert house.chat.posted == [(an_actor().channel_user_id, Note("act-failed"))]


async def test_an_act_that_was_done_is_not_asked_after(house: FakeHouse) -> None:
    await house.taken_in()
    house.tokens.drop(an_actor().channel_user_id)
    await house.click()
    await house.signing_in.finish_all(an_actor(), ALEXS)
    house.clock.move(61)
    assert await house.store.claim_effects("me", [ACT_CHECK], 1, 30) == ()


async def test_a_store_that_fails_after_graph_confirmed_makes_nobody_say_that_nothing_was_recorded(
    house: FakeHouse,
) -> None:
    await house.taken_in()
    house.tokens.drop(an_actor().channel_user_id)
    secret = str((await house.click()).sign_in_link).partition("act=")[2]
    house.sign_ins.codes["good"] = ALEXS
    gone = await house.signing_in.start(secret)

    async def down() -> None:
        house.store.fail = StoreUnavailableError()

    house.approvals.when_decided = down
    answer = {"code": "good", "state": gone.url.partition("state=")[2]}
    with pytest.raises(ActInterruptedError):
        await house.signing_in.complete(answer, gone.cookie)
    assert len(house.approvals.taken) == 1


async def test_the_token_of_a_step_up_serves_that_one_decision() -> None:
    house = FakeHouse(terms=Terms(lambda _role: "c1"))
    await house.taken_in()
    await house.taken_in(id=R2, approval_id=R2)
    secret = str((await house.click()).sign_in_link).partition("act=")[2]
    house.sign_ins.codes["good"] = token_of(an_actor().identity, acrs=["c1"])
    gone = await house.signing_in.start(secret)
    answer = {"code": "good", "state": gone.url.partition("state=")[2]}
    card = await house.signing_in.complete(answer, gone.cookie)
    assert isinstance(card, RequestCard)
    assert card.notice == "recorded-approved"
    assert (await house.click(on=R2)).notice == "context-needed"


# Dual control, after a last approval that Graph did not take -------------------------------------


@pytest.mark.parametrize("by", [pytest.param(BLAKE, id="who-claimed"), pytest.param(ALEX, id="who-voted")])
async def test_a_portal_approval_after_a_claim_was_given_back_is_a_bypass(by: str) -> None:
    house = FakeHouse(quorum=2)
    house.graph.policy = ApprovalPolicy(True, tuple(person(one) for one in (ALEX, BLAKE, EMERY)))
    house.tokens.hold(an_actor(EMERY).channel_user_id, token_of(Identity(TENANT, EMERY)))
    await house.taken_in()
    await house.click(ALEX)
    house.approvals.before.append(RejectedError())
    assert (await house.click(BLAKE)).notice == "rejected"
    house.graph.make_eligible(ALEX)
    house.clock.move(60)
    assert (await house.click(EMERY)).notice == "vote-counted"
    house.graph.complete(R1, a_decision(by=by))
    await house.reconciler.reconcile()
    assert house.request().state is State.DECIDED_ELSEWHERE
    assert "quorum-bypassed" in [row.payload["cause"] for row in house.effects(OPS_PING)]

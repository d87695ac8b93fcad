"""What was begun before a sign-in is carried out once, by whoever began it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest
from fakes.approvals import Patch
from fakes.house import R1, SIGN_IN, FakeHouse
from fakes.people import token_of
from fakes.values import ALEX, BLAKE, TENANT, an_actor

from bot.domain.content import Note, RequestCard
from bot.domain.errors import (
    ChannelRefusedError,
    ChannelUnavailableError,
    ClaimsChallengeError,
    InteractionRequiredError,
    UnavailableError,
)
from bot.domain.model import Choice, Identity, State
from bot.domain.sign_in import ACT_LIFE, PageKey, SignInRefusedError
from bot.ports import LoginAsked, Presented
from bot.service.signing_in import SIGN_IN_ASK

ALEXS = token_of(Identity(TENANT, ALEX))


async def begun(house: FakeHouse, choice: Choice = Choice.APPROVE, reason: str = "looks right") -> str:
    """Alex clicked without being signed in. Returns the secret of the link."""
    await house.taken_in()
    house.tokens.drop(an_actor().channel_user_id)
    card = await house.click(choice=choice, reason=reason)
    assert (card.notice, house.request().state) == ("sign-in-needed", State.PENDING)
    assert card.sign_in_link is not None
    return card.sign_in_link.removeprefix(f"{SIGN_IN}?act=")


async def come_back(
    house: FakeHouse, secret: str, code: str = "good", cookie: str | None = None
) -> RequestCard:
    house.sign_ins.codes.setdefault("good", ALEXS)
    gone = await house.signing_in.start(secret)
    state = gone.url.partition("state=")[2]
    content = await house.signing_in.complete({"code": code, "state": state}, cookie or gone.cookie)
    assert isinstance(content, RequestCard)
    return content


def sent(house: FakeHouse) -> list[Patch]:
    return house.approvals.received


async def refused(work: Awaitable[object], page: PageKey) -> None:
    with pytest.raises(SignInRefusedError) as error:
        await work
    assert error.value.page is page


# By the link ---------------------------------------------------------------------------------


async def test_the_decision_is_carried_out_without_a_second_click(house: FakeHouse) -> None:
    card = await come_back(house, await begun(house, Choice.DENY, "not this week"))
    assert (card.notice, house.request().state) == ("recorded-denied", State.DENIED)
    (patch,) = sent(house)
    assert (patch.by.object_id, patch.choice, patch.justification) == (ALEX, Choice.DENY, "not this week")
    assert house.events() == [
        "request.taken-in",
        "decision.not-sent",
        "act.signed-in",
        "decision.claimed",
        "decision.recorded",
    ]
    assert house.audit()[2].facts["token_oid"] == ALEX


async def test_the_sign_in_is_kept_for_the_next_click(house: FakeHouse) -> None:
    await come_back(house, await begun(house))
    assert house.tokens.exchanged == [(an_actor().channel_user_id, ALEXS.token)]


async def test_a_sign_in_that_can_not_be_kept_counts_all_the_same(house: FakeHouse) -> None:
    secret = await begun(house)
    house.tokens.fail = UnavailableError()
    assert (await come_back(house, secret)).notice == "recorded-approved"


async def test_a_link_counts_once(house: FakeHouse) -> None:
    secret = await begun(house)
    await come_back(house, secret)
    await refused(house.signing_in.start(secret), PageKey.USED)
    assert len(sent(house)) == 1


async def test_a_newer_click_replaces_the_link_of_an_older_one(house: FakeHouse) -> None:
    secret = await begun(house)
    await house.click(choice=Choice.DENY, reason="on second thoughts")
    await refused(house.signing_in.start(secret), PageKey.UNKNOWN)
    (act,) = house.store.state.acts.values()
    assert act.payload["choice"] == "Deny"


async def test_a_link_expires_before_and_during_the_sign_in(house: FakeHouse) -> None:
    secret = await begun(house)
    gone = await house.signing_in.start(secret)
    house.clock.move(ACT_LIFE.total_seconds())
    await refused(house.signing_in.start(secret), PageKey.EXPIRED)
    state = gone.url.partition("state=")[2]
    await refused(house.signing_in.complete({"code": "good", "state": state}, gone.cookie), PageKey.EXPIRED)
    assert not sent(house)


async def test_an_unknown_link_leads_nowhere(house: FakeHouse) -> None:
    await refused(house.signing_in.start("made-up"), PageKey.UNKNOWN)
    await refused(house.signing_in.complete({"code": "x", "state": "made.up"}, "c"), PageKey.UNKNOWN)
    await refused(house.signing_in.complete({}, None), PageKey.UNKNOWN)


async def test_only_the_browser_that_was_sent_may_come_back(house: FakeHouse) -> None:
    secret = await begun(house)
    with pytest.raises(SignInRefusedError) as error:
        await come_back(house, secret, cookie="another")
    assert error.value.page is PageKey.OTHER_BROWSER
    assert not sent(house)
    # It has used up nothing: the right browser still can.
    assert (await come_back(house, secret)).notice == "recorded-approved"


async def test_an_answer_counts_once_and_only_to_the_latest_start(house: FakeHouse) -> None:
    secret = await begun(house)
    first = await house.signing_in.start(secret)
    house.sign_ins.codes = {"good": ALEXS, "better": ALEXS}
    second = await house.signing_in.start(secret)
    old, new = ({"code": "good", "state": gone.url.partition("state=")[2]} for gone in (first, second))
    await refused(house.signing_in.complete(old, second.cookie), PageKey.USED)
    await house.signing_in.complete(new, second.cookie)
    await refused(house.signing_in.complete(new, second.cookie), PageKey.USED)
    assert len(sent(house)) == 1


async def test_two_answers_at_once_carry_it_out_once(house: FakeHouse) -> None:
    secret = await begun(house)
    gone = await house.signing_in.start(secret)
    house.sign_ins.codes = {"good": ALEXS}
    answer = {"code": "good", "state": gone.url.partition("state=")[2]}
    results = await asyncio.gather(
        house.signing_in.complete(answer, gone.cookie),
        house.signing_in.complete(answer, gone.cookie),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in results) == ["RequestCard", "SignInRefusedError"]
    assert len(sent(house)) == 1


@pytest.mark.parametrize(
    "whose",
    [
        pytest.param(Identity(TENANT, BLAKE), id="another-user"),
        pytest.param(Identity("aaaaaaaa-0000-4000-8000-00000000000f", ALEX), id="another-tenant"),
    ],
)
async def test_somebody_elses_sign_in_carries_out_nothing_and_is_an_attack(
    house: FakeHouse, whose: Identity
) -> None:
    secret = await begun(house)
    house.sign_ins.codes = {"theirs": token_of(whose)}
    with pytest.raises(SignInRefusedError) as error:
        await come_back(house, secret, code="theirs")
    assert error.value.page is PageKey.OTHER_ACCOUNT
    line = house.audit()[-1]
    assert (line.event, line.facts["token_oid"]) == ("attack.token-of-another", whose.object_id)
    assert not sent(house)
    assert not house.tokens.exchanged
    assert (await come_back(house, secret)).notice == "recorded-approved"


async def test_who_declines_can_try_the_link_again(house: FakeHouse) -> None:
    secret = await begun(house)
    with pytest.raises(SignInRefusedError) as error:
        await come_back(house, secret, code="declined")
    assert error.value.page is PageKey.DECLINED
    assert (await come_back(house, secret)).notice == "recorded-approved"


async def test_entra_being_away_uses_up_nothing(house: FakeHouse) -> None:
    secret = await begun(house)
    house.sign_ins.fail = UnavailableError()
    with pytest.raises(UnavailableError):
        await house.signing_in.start(secret)
    house.sign_ins.fail = None
    assert (await come_back(house, secret)).notice == "recorded-approved"


async def test_what_is_over_meanwhile_is_told_and_not_sent(house: FakeHouse) -> None:
    secret = await begun(house)
    await house.click(BLAKE)
    card = await come_back(house, secret)
    assert (card.notice, len(sent(house))) == ("already-decided", 1)


async def test_what_is_no_longer_theirs_to_decide_is_refused(house: FakeHouse) -> None:
    secret = await begun(house)
    house.graph.make_eligible(ALEX)
    house.clock.move(60)
    assert (await come_back(house, secret)).notice == "refused"
    assert not sent(house)


async def test_a_request_that_is_gone_leaves_nothing_to_do(house: FakeHouse) -> None:
    secret = await begun(house)
    house.store.state.requests.clear()
    with pytest.raises(SignInRefusedError) as error:
        await come_back(house, secret)
    assert error.value.page is PageKey.NOTHING_LEFT


async def test_the_secret_of_a_link_is_kept_nowhere(house: FakeHouse) -> None:
    secret = await begun(house)
    gone = await house.signing_in.start(secret)
    assert secret not in repr(house.store.state.acts)
    assert gone.cookie not in repr(house.store.state.acts)
    assert gone.cookie not in repr(gone)


# Stronger ------------------------------------------------------------------------------------


async def test_a_step_up_asks_for_what_was_demanded_and_its_token_says_so_again(house: FakeHouse) -> None:
    await house.taken_in()
    house.approvals.before.append(ClaimsChallengeError(claims='{"access_token":{"acrs":1}}'))
    card = await house.click()
    assert (card.notice, house.request().state) == ("step-up-needed", State.PENDING)
    assert not house.effects(SIGN_IN_ASK)  # a chat can't carry claims
    await come_back(house, str(card.sign_in_link).partition("act=")[2])
    (act,) = house.sign_ins.begun
    assert act.claims == '{"access_token":{"acrs":1}}'
    assert house.request().state is State.APPROVED


async def test_a_consent_is_asked_for_as_such(house: FakeHouse) -> None:
    await house.taken_in()
    house.approvals.before.append(InteractionRequiredError(code="AADSTS65001"))
    card = await house.click()
    assert card.notice == "consent-needed"
    assert not house.effects(SIGN_IN_ASK)
    await come_back(house, str(card.sign_in_link).partition("act=")[2])
    assert house.sign_ins.begun[0].way.value == "consent"


# By the client -------------------------------------------------------------------------------


async def asked(house: FakeHouse) -> None:
    await house.signing_in.ask(await house.lease(SIGN_IN_ASK))


async def test_the_chat_asks_too_and_its_answer_carries_it_out(house: FakeHouse) -> None:
    await begun(house)
    await asked(house)
    assert house.chat.asked == [an_actor().channel_user_id]
    carry_on = await house.desk.signed_in(an_actor(), Presented(token=ALEXS.token))
    assert carry_on is not None
    assert not sent(house)  # the client is answered first
    await carry_on()
    assert house.request().state is State.APPROVED
    ((_, told),) = house.chat.posted
    assert isinstance(told, RequestCard)
    assert told.notice == "recorded-approved"


async def test_every_client_of_a_user_answers_and_it_is_carried_out_once(house: FakeHouse) -> None:
    await begun(house)
    for _ in range(2):
        carry_on = await house.desk.signed_in(an_actor(), Presented(token=ALEXS.token))
        assert carry_on is not None
        await carry_on()
    assert len(sent(house)) == 1


async def test_without_anything_begun_they_are_told_that_they_are_signed_in(house: FakeHouse) -> None:
    house.tokens.codes["123456"] = ALEXS
    carry_on = await house.desk.signed_in(an_actor(), Presented(code="123456"))
    assert carry_on is not None
    await carry_on()
    assert [content for _, content in house.chat.posted] == [Note("signed-in")]


async def test_a_clients_token_of_somebody_else_is_not_even_passed_on(house: FakeHouse) -> None:
    await begun(house)
    blakes = token_of(Identity(TENANT, BLAKE))
    assert await house.desk.signed_in(an_actor(), Presented(token=blakes.token)) is None
    assert not house.tokens.exchanged
    assert [line.event for line in house.audit(None)] == ["attack.token-of-another"]
    assert not sent(house)


async def test_a_token_or_code_that_is_not_accepted_carries_out_nothing(house: FakeHouse) -> None:
    await begun(house)
    house.tokens.accepts = False
    assert await house.desk.signed_in(an_actor(), Presented(token=ALEXS.token)) is None
    assert await house.desk.signed_in(an_actor(), Presented(code="000000")) is None
    assert not sent(house)


async def test_an_act_that_needs_more_than_a_token_waits_for_its_link(house: FakeHouse) -> None:
    await house.taken_in()
    house.approvals.before.append(ClaimsChallengeError(claims="{}"))
    await house.click()
    assert await house.signing_in.finish_all(an_actor(), ALEXS) == ()
    assert not house.approvals.taken


async def test_an_expired_act_is_not_carried_out_and_not_asked_for(house: FakeHouse) -> None:
    await begun(house)
    house.clock.move(ACT_LIFE.total_seconds())
    assert await house.signing_in.finish_all(an_actor(), ALEXS) == ()
    await asked(house)
    assert not house.chat.asked


async def test_without_the_app_in_their_chat_the_link_has_to_do(house: FakeHouse) -> None:
    await begun(house)
    house.chat.fail = ChannelRefusedError(status=403)
    await asked(house)
    assert house.effects(SIGN_IN_ASK, done=True)


async def test_a_chat_that_can_not_be_reached_is_asked_again(house: FakeHouse) -> None:
    await begun(house)
    house.chat.fail = ChannelUnavailableError()
    with pytest.raises(ChannelUnavailableError):
        await asked(house)
    assert house.effects(SIGN_IN_ASK)


async def test_signing_out_forgets_the_token_and_what_was_begun(house: FakeHouse) -> None:
    secret = await begun(house)
    house.tokens.hold(an_actor().channel_user_id, ALEXS)
    await house.desk.sign_out(an_actor())
    await refused(house.signing_in.start(secret), PageKey.USED)
    assert [line.event for line in house.audit(None)] == ["actor.signed-out"]
    assert (await house.click()).notice == "sign-in-needed"


# In a personal chat --------------------------------------------------------------------------


async def test_a_click_in_a_personal_chat_asks_the_client_for_a_token(house: FakeHouse) -> None:
    await house.taken_in()
    house.tokens.drop(an_actor().channel_user_id)
    asked_for = await house.decisions.decide(an_actor(), R1, Choice.APPROVE, "ok", Presented(personal=True))
    assert isinstance(asked_for, LoginAsked)
    assert (asked_for.failed, asked_for.resource.exchange_uri) == (False, "api://botid-app")
    assert not house.store.state.acts
    again = Presented(personal=True, token=ALEXS.token)
    card = await house.decisions.decide(an_actor(), R1, Choice.APPROVE, "ok", again)
    assert isinstance(card, RequestCard)
    assert card.notice == "recorded-approved"


async def test_a_token_that_is_not_accepted_there_is_said_to_have_failed(house: FakeHouse) -> None:
    await house.taken_in()
    house.tokens.accepts = False
    sent_along = Presented(personal=True, token=ALEXS.token)
    answer = await house.decisions.decide(an_actor(), R1, Choice.APPROVE, "ok", sent_along)
    assert isinstance(answer, LoginAsked)
    assert answer.failed


async def test_another_persons_token_there_is_an_attack(house: FakeHouse) -> None:
    await house.taken_in()
    theirs = Presented(personal=True, token=token_of(Identity(TENANT, BLAKE)).token)
    card = await house.decisions.decide(an_actor(), R1, Choice.APPROVE, "ok", theirs)
    assert isinstance(card, RequestCard)
    assert card.notice == "assertion-mismatch"
    assert "attack.token-of-another" in house.events()
    assert not house.tokens.exchanged


def test_a_link_lives_ten_minutes() -> None:
    assert timedelta(minutes=10) == ACT_LIFE

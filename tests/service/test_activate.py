from __future__ import annotations

from collections import deque
from datetime import timedelta

import pytest
from fakes.own_house import OwnHouse, a_wish
from fakes.people import token_of
from fakes.self_service import ELIGIBLE
from fakes.values import ALEX, RILEY, ROLE, an_actor

from bot.domain import activation as a
from bot.domain.errors import (
    ClaimsChallengeError,
    DirectoryError,
    InteractionRequiredError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionMissingError,
    PimRefusal,
    PimRefusedError,
    RejectedError,
    UnavailableError,
)
from bot.domain.following import Stage
from bot.domain.model import PimStatus, SignInNeeded, State, Ticket
from bot.service.common import CARD_SYNC
from bot.service.followed import OWN_CARD, WATCH

HOUR = timedelta(hours=1)


@pytest.fixture
def house() -> OwnHouse:
    return OwnHouse()


async def test_what_graph_took_is_with_the_approvers_and_in_the_requesters_chat_at_once(
    house: OwnHouse,
) -> None:
    outcome = await house.desk.activate(house.riley, a_wish())
    assert isinstance(outcome, a.Sent)
    request = house.request(outcome.request.id)
    assert (request.state, request.requester.identity) == (State.PENDING, house.riley.identity)
    assert len(house.effects(CARD_SYNC)) == 1
    assert len(house.effects(OWN_CARD)) == 1
    assert house.effects(WATCH) == []
    await house.work()
    card = house.shown()
    assert (card.stage, card.pool, card.expires_at) == (Stage.WAITING, request.pool, request.expires_at)
    assert "activation.sent" in house.events(request.id)


async def test_what_needs_no_approval_is_watched_and_never_an_approval_request(house: OwnHouse) -> None:
    house.pim.policy = a.ActivationPolicy(None, False, False, False, None, approval_required=False)
    outcome = await house.desk.activate(house.riley, a_wish())
    assert isinstance(outcome, a.Sent)
    assert house.store.state.requests == {}
    assert len(house.effects(WATCH)) == 1
    await house.work()
    assert house.shown().stage is Stage.GRANTED


async def test_a_ticket_without_a_system_gets_the_configured_one(house: OwnHouse) -> None:
    outcome = await house.desk.activate(house.riley, a_wish(ticket=Ticket(" 1234 "), reason=" why "))
    assert isinstance(outcome, a.Sent)
    assert outcome.request.ticket == Ticket("1234", "Tickets")
    assert outcome.request.justification == "why"


async def test_what_the_policy_would_refuse_is_not_sent_and_one_click_mends_it(house: OwnHouse) -> None:
    wish = a_wish(duration=9 * HOUR)
    outcome = await house.desk.activate(house.riley, wish)
    assert isinstance(outcome, a.NeedsChange)
    assert outcome.problems == (a.TooLong(4 * HOUR),)
    assert outcome.instead is not None
    assert outcome.instead.duration == 4 * HOUR
    assert house.pim.posted == []
    assert isinstance(await house.desk.activate(house.riley, outcome.instead), a.Sent)


async def test_a_policy_that_cant_be_read_stops_nobody_since_pim_judges_anyway(house: OwnHouse) -> None:
    house.pim.unreadable = PermissionMissingError()
    assert isinstance(await house.desk.activate(house.riley, a_wish(duration=9 * HOUR)), a.Sent)
    assert [act for act, _ in house.pim.posted] == ["validate", "selfActivate"]


async def test_a_policy_that_can_be_read_needs_no_run_that_only_validates(house: OwnHouse) -> None:
    await house.desk.activate(house.riley, a_wish())
    assert [act for act, _ in house.pim.posted] == ["selfActivate"]


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        (
            PimRefusedError(refusal=PimRefusal.POLICY, rules=("ExpirationRule",), code="x"),
            a.PolicyRefused(("ExpirationRule",)),
        ),
        (ClaimsChallengeError(claims="{}"), a.StepUpNeeded("{}")),
        (UnavailableError(), a.Unavailable()),
        (OutcomeUnknownError(), a.Unavailable()),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_without_a_policy_pim_is_asked_before_anything_is_sent(
    house: OwnHouse, refusal: DirectoryError, outcome: a.ActivationOutcome
) -> None:
    house.pim.unreadable = PermissionMissingError()
    house.pim.before.append(refusal)
    assert await house.desk.activate(house.riley, a_wish()) == outcome
    assert [act for act, _ in house.pim.posted] == ["validate"]
    assert house.graph.requests == {}


async def test_the_same_wish_twice_is_one_request_with_one_card(house: OwnHouse) -> None:
    first = await house.desk.activate(house.riley, a_wish())
    second = await house.desk.activate(house.riley, a_wish())
    assert isinstance(first, a.Sent)
    assert second == a.AlreadyPending(first.request)
    await house.work()
    assert len(house.store.state.activations) == 1
    assert len([to for to, _ in house.channel.posts if to.startswith("chat:")]) == 1


async def test_a_request_made_in_the_portal_gets_its_living_card_when_it_is_asked_for_here(
    house: OwnHouse,
) -> None:
    await house.taken_in()
    assert isinstance(await house.desk.activate(house.riley, a_wish()), a.AlreadyPending)
    await house.work()
    assert house.shown().stage is Stage.WAITING
    assert "activation.sent" not in house.events()


async def test_an_active_role_says_until_when(house: OwnHouse) -> None:
    role = house.pim.hold()
    assert await house.desk.activate(house.riley, a_wish()) == a.AlreadyActive(role)


async def test_active_by_pims_word_and_not_to_be_seen_yet_is_told_from_the_request(house: OwnHouse) -> None:
    house.pim.policy = a.ActivationPolicy(None, False, False, False, None, approval_required=False)
    sent = await house.desk.activate(house.riley, a_wish())
    assert isinstance(sent, a.Sent)
    exists = PimRefusedError(refusal=PimRefusal.ACTIVE_ALREADY, code="RoleAssignmentExists")
    house.pim.before.append(exists)
    outcome = await house.desk.activate(house.riley, a_wish())
    assert isinstance(outcome, a.AlreadyActive)
    assert outcome.role.until == house.clock.now() + 2 * HOUR
    house.graph.requests.clear()
    house.pim.before.append(exists)
    assert await house.desk.activate(house.riley, a_wish()) == a.Rejected("RoleAssignmentExists")


REFUSALS = [
    pytest.param(
        PimRefusedError(refusal=PimRefusal.POLICY, rules=("EligibilityRule", "MfaRule")),
        a.NotEligible(),
        id="not-eligible",
    ),
    pytest.param(
        PimRefusedError(refusal=PimRefusal.POLICY, rules=("ExpirationRule", "TicketingRule")),
        a.PolicyRefused(("ExpirationRule", "TicketingRule")),
        id="policy",
    ),
    pytest.param(PimRefusedError(refusal=PimRefusal.LICENCE), a.LicenceMissing(), id="licence"),
    pytest.param(PimRefusedError(refusal=PimRefusal.UNKNOWN_ROLE), a.RoleGone(), id="unknown"),
    pytest.param(PimRefusedError(refusal=PimRefusal.LOCKED), a.ResourceLocked(), id="locked"),
    pytest.param(PimRefusedError(refusal=PimRefusal.TOO_EARLY, code="X"), a.Rejected("X"), id="odd"),
    pytest.param(ClaimsChallengeError(claims="{}"), a.StepUpNeeded("{}"), id="step-up"),
    pytest.param(InteractionRequiredError(code="AADSTS65001"), a.ConsentNeeded(), id="consent"),
    pytest.param(InteractionRequiredError(), SignInNeeded(), id="sign-in"),
    pytest.param(InteractionRequiredError(code="AADSTS65004"), a.ConsentDeclined(), id="declined"),
    pytest.param(InteractionRequiredError(code="AADSTS90094"), a.AdminConsentNeeded(), id="admin"),
    pytest.param(InteractionRequiredError(code="AADSTS700082"), a.SignInExpired(), id="expired"),
    pytest.param(InteractionRequiredError(code="AADSTS50173"), a.SignInRevoked(), id="revoked"),
    pytest.param(InteractionRequiredError(code="AADSTS53003"), a.SignInBlocked(), id="blocked"),
    pytest.param(PermissionMissingError(scopes=("A",)), a.NotPermitted(("A",)), id="permission"),
    pytest.param(NotFoundError(), a.RoleGone(), id="not-found"),
    pytest.param(UnavailableError(), a.Unavailable(), id="unavailable"),
    pytest.param(RejectedError(code="New"), a.Rejected("New"), id="unknown-code"),
]


@pytest.mark.parametrize(("error", "outcome"), REFUSALS)
async def test_each_answer_of_graph_is_its_own_outcome_audited_and_followed_by_nothing(
    house: OwnHouse, error: DirectoryError, outcome: a.ActivationOutcome
) -> None:
    house.pim.before.append(error)
    assert await house.desk.activate(house.riley, a_wish()) == outcome
    (line,) = house.audit(None)
    assert (line.event, line.facts["outcome"]) == ("activation.refused", type(outcome).__name__)
    assert line.facts["token_oid"] == RILEY
    assert house.store.state.activations == {}


@pytest.mark.parametrize("after", [True, False], ids=["it-took-effect", "it-did-not"])
async def test_a_lost_answer_is_looked_up_and_the_request_is_made_once(house: OwnHouse, after: bool) -> None:
    (house.pim.after if after else house.pim.before).append(OutcomeUnknownError())
    outcome = await house.desk.activate(house.riley, a_wish())
    assert isinstance(outcome, a.Sent)
    assert len(house.graph.requests) == 1
    assert len(house.pim.posted) == (1 if after else 2)
    assert house.request(outcome.request.id).state is State.PENDING


async def test_a_lost_answer_that_graph_does_not_show_yet_is_found_when_pim_refuses_the_second(
    house: OwnHouse,
) -> None:
    house.pim.after.append(OutcomeUnknownError())
    seen = house.graph.requests
    hidden: dict[str, object] = {}
    original = house.pim.requests

    async def late(assertion: object) -> object:
        if not hidden:
            hidden["once"] = True
            return ()
        return await original(assertion)  # type: ignore[arg-type]

    house.pim.requests = late  # type: ignore[assignment, method-assign]
    outcome = await house.desk.activate(house.riley, a_wish())
    assert isinstance(outcome, a.Sent)
    assert len(seen) == 1


async def test_when_even_reading_does_not_tell_nothing_is_claimed(house: OwnHouse) -> None:
    house.pim.after.append(OutcomeUnknownError())
    house.pim.reading.append(UnavailableError())
    assert await house.desk.activate(house.riley, a_wish()) == a.OutcomeUnknown()
    house.graph.requests.clear()
    house.pim.before.extend([OutcomeUnknownError(), OutcomeUnknownError()])
    assert await house.desk.activate(house.riley, a_wish()) == a.OutcomeUnknown()


async def test_an_older_denied_request_is_not_taken_for_the_one_just_sent(house: OwnHouse) -> None:
    sent = await house.desk.activate(house.riley, a_wish())
    assert isinstance(sent, a.Sent)
    house.graph.turn(sent.request.id, PimStatus.DENIED)
    house.pim.before.append(OutcomeUnknownError())
    again = await house.desk.activate(house.riley, a_wish())
    assert isinstance(again, a.Sent)
    assert again.request.id != sent.request.id


async def test_nobody_acts_with_another_ones_token(house: OwnHouse) -> None:
    house.tokens.hold(house.riley.channel_user_id, token_of(an_actor(ALEX).identity))
    for outcome in (
        await house.desk.activate(house.riley, a_wish()),
        await house.desk.eligible(house.riley),
        await house.desk.deactivate(house.riley, ROLE, "/"),
        await house.desk.withdraw(house.riley),
        await house.desk.extend(house.riley, a_wish(), confirmed=True),
    ):
        assert outcome == a.AnotherAccount()
    assert house.pim.posted == []
    assert {line.event for line in house.audit(None)} == {"attack.token-of-another"}


async def test_who_is_not_signed_in_is_told_so_and_nothing_is_sent(house: OwnHouse) -> None:
    house.tokens.drop(house.riley.channel_user_id)
    needed = SignInNeeded()
    assert await house.desk.activate(house.riley, a_wish()) == needed
    assert await house.desk.eligible(house.riley) == needed
    assert await house.desk.pending(house.riley) == needed
    house.tokens.fail = UnavailableError()
    assert await house.desk.active(house.riley) == a.Unavailable()
    assert house.pim.posted == []


async def test_ones_own_roles_and_requests_are_listed(house: OwnHouse) -> None:
    assert await house.desk.eligible(house.riley) == (ELIGIBLE,)
    role = house.pim.hold()
    assert await house.desk.active(house.riley) == (role,)
    del house.pim.standing[RILEY]
    sent = await house.desk.activate(house.riley, a_wish())
    assert isinstance(sent, a.Sent)
    assert await house.desk.pending(house.riley) == (sent.request,)
    house.pim.reading = deque([PermissionMissingError(scopes=("X",))])
    assert await house.desk.eligible(house.riley) == a.NotPermitted(("X",))


async def test_an_approval_quicker_than_our_own_notes_still_reaches_the_requester(house: OwnHouse) -> None:
    sent = await house.desk.activate(house.riley, a_wish())
    assert isinstance(sent, a.Sent)
    house.store.state.activations.clear()
    await house.click(on=sent.request.id)
    assert house.followed().channel_user_id is None
    name = "Security Administrator"
    await house.desk.activations.follow(house.riley, sent.request, name, sent_by=None)
    assert house.followed().channel_user_id == house.riley.channel_user_id
    await house.work()
    assert house.shown().stage is Stage.GRANTED

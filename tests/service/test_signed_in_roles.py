from __future__ import annotations

from datetime import timedelta

import pytest
from fakes.own_house import OwnHouse, a_wish
from fakes.people import token_of
from fakes.values import ALEX, RILEY, ROLE, an_actor

from bot.domain import activation as a
from bot.domain.content import CardContent
from bot.domain.errors import ClaimsChallengeError, InteractionRequiredError
from bot.domain.model import SignInNeeded, UserAssertion
from bot.domain.replies import Activated, GaveBack, Prolonged, Took
from bot.domain.sign_in import SignInRefusedError
from bot.service.signed_in_roles import SignedInRoles

CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


@pytest.fixture
def house() -> OwnHouse:
    return OwnHouse()


@pytest.fixture
def roles(house: OwnHouse) -> SignedInRoles:
    return SignedInRoles.of(house.desk, house.signing_in)


async def finish(house: OwnHouse, link: str | None, token: UserAssertion | None = None) -> CardContent:
    """Open the link in a browser, and come back from Entra with a token."""
    assert link is not None
    redirect = await house.signing_in.start(link.partition("act=")[2])
    house.sign_ins.codes["code"] = token or token_of(house.riley.identity, acrs=["c1"])
    answer = {"state": redirect.url.partition("state=")[2], "code": "code"}
    return await house.signing_in.complete(answer, redirect.cookie)


async def test_a_step_up_carries_out_exactly_this_activation_by_the_token_it_ended_in(
    house: OwnHouse, roles: SignedInRoles
) -> None:
    wish = a_wish(duration=timedelta(hours=3), reason="this very one")
    house.pim.before.append(ClaimsChallengeError(claims=CLAIMS))
    outcome = await roles.activate(house.riley, wish)
    assert isinstance(outcome, a.StepUpNeeded)
    assert house.graph.requests == {}
    # Nothing else is held for them any more: it is the step-up's own token that is used.
    house.tokens.drop(house.riley.channel_user_id)
    shown = await finish(house, outcome.link)
    assert isinstance(shown, Activated)
    assert isinstance(shown.outcome, a.Sent)
    assert (shown.wish, shown.outcome.request.justification) == (wish, "this very one")
    assert house.sign_ins.begun[0].claims == CLAIMS
    with pytest.raises(SignInRefusedError):
        await finish(house, outcome.link)
    assert len(house.graph.requests) == 1


async def test_anothers_sign_in_activates_nothing(house: OwnHouse, roles: SignedInRoles) -> None:
    house.pim.before.append(ClaimsChallengeError(claims=CLAIMS))
    outcome = await roles.activate(house.riley, a_wish())
    assert isinstance(outcome, a.StepUpNeeded)
    with pytest.raises(SignInRefusedError):
        await finish(house, outcome.link, token_of(an_actor(ALEX).identity))
    assert house.graph.requests == {}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(InteractionRequiredError(), SignInNeeded, id="sign-in"),
        pytest.param(InteractionRequiredError(code="AADSTS65001"), a.ConsentNeeded, id="consent"),
    ],
)
async def test_a_sign_in_or_a_consent_leads_on_by_link_too(
    house: OwnHouse, roles: SignedInRoles, error: Exception, kind: type
) -> None:
    house.pim.before.append(error)
    outcome = await roles.activate(house.riley, a_wish())
    assert isinstance(outcome, SignInNeeded | a.ConsentNeeded)
    assert type(outcome) is kind
    shown = await finish(house, outcome.link)
    assert isinstance(shown, Activated)
    assert isinstance(shown.outcome, a.Sent)


async def test_giving_back_goes_on_after_a_step_up(house: OwnHouse, roles: SignedInRoles) -> None:
    role = house.pim.hold()
    house.clock.move(301)
    house.pim.before.append(ClaimsChallengeError(claims=CLAIMS))
    outcome = await roles.deactivate(house.riley, ROLE, "/")
    assert isinstance(outcome, a.StepUpNeeded)
    shown = await finish(house, outcome.link)
    assert isinstance(shown, GaveBack)
    assert (shown.outcome, shown.role_name) == (a.GivenBack(role), role.display_name)


async def test_withdrawing_goes_on_after_a_step_up(house: OwnHouse, roles: SignedInRoles) -> None:
    sent = await roles.activate(house.riley, a_wish())
    assert isinstance(sent, a.Sent)
    house.pim.before.append(ClaimsChallengeError(claims=CLAIMS))
    outcome = await roles.withdraw(house.riley, sent.request.id)
    assert isinstance(outcome, a.StepUpNeeded)
    shown = await finish(house, outcome.link)
    assert shown == Took(a.Withdrawn(sent.request))


async def test_extending_goes_on_as_far_as_it_was_confirmed(house: OwnHouse, roles: SignedInRoles) -> None:
    house.pim.hold()
    house.clock.move(301)
    for confirmed, kind in ((False, a.ExtensionCosts), (True, a.Sent)):
        house.pim.before.append(ClaimsChallengeError(claims=CLAIMS))
        outcome = await roles.extend(house.riley, a_wish(), confirmed=confirmed)
        assert isinstance(outcome, a.StepUpNeeded)
        shown = await finish(house, outcome.link)
        assert isinstance(shown, Prolonged)
        assert isinstance(shown.outcome, kind)
        assert (RILEY in house.pim.standing) is not confirmed


async def test_an_authentication_context_of_the_policy_is_met_before_the_role_is_given_back(
    house: OwnHouse, roles: SignedInRoles
) -> None:
    house.pim.policy = a.ActivationPolicy(None, False, False, False, "c1", approval_required=True)
    house.pim.hold()
    house.clock.move(301)
    outcome = await roles.extend(house.riley, a_wish(), confirmed=True)
    assert isinstance(outcome, a.StepUpNeeded)
    assert RILEY in house.pim.standing
    shown = await finish(house, outcome.link)
    assert isinstance(shown, Prolonged)
    assert isinstance(shown.outcome, a.Sent)


async def test_what_needs_no_sign_in_passes_through(house: OwnHouse, roles: SignedInRoles) -> None:
    role = house.pim.hold()
    assert await roles.active(house.riley) == (role,)
    assert await roles.eligible(house.riley) == tuple(house.pim.roles)
    assert await roles.pending(house.riley) == ()
    assert await roles.activate(house.riley, a_wish()) == a.AlreadyActive(role)
    assert isinstance(await roles.deactivate(house.riley, ROLE, "/"), a.TooEarly)
    assert await roles.withdraw(house.riley) == a.NothingPending()
    assert isinstance(await roles.extend(house.riley, a_wish()), a.ExtensionCosts)
    assert house.sign_ins.begun == []

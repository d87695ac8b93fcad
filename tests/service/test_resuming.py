from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.own_house import OwnHouse
from fakes.people import token_of
from fakes.values import ALEX, an_actor
from service.command_house import BERLIN, CommandHouse

from bot.domain import activation as a
from bot.domain.content import CardContent, Note
from bot.domain.model import Actor, SignInNeeded, UserAssertion
from bot.domain.replies import Activated, FormReply, InTrouble, RolesReply
from bot.domain.said import Chosen, Filled, Said, role_value
from bot.service.presenting import just_signed_in, presenting
from bot.service.resuming import ResumedCommands
from bot.service.signing_in import SIGN_IN_ASK

WISH = "activate Security Administrator 2h because ticket 1234"


@pytest.fixture
def typist() -> CommandHouse:
    return CommandHouse()


@pytest.fixture
def keeper() -> OwnHouse:
    """Where acts that wait for a sign-in are kept."""
    return OwnHouse()


@pytest.fixture
def commands(typist: CommandHouse, keeper: OwnHouse) -> ResumedCommands:
    return ResumedCommands.of(typist.desk, keeper.signing_in)


async def signed_in(keeper: OwnHouse, actor: Actor) -> tuple[object, ...]:
    """The token service has their token now."""
    return await keeper.signing_in.finish_all(actor, token_of(actor.identity))


async def test_what_was_typed_without_a_sign_in_is_done_once_it_is_there(
    typist: CommandHouse, keeper: OwnHouse, commands: ResumedCommands
) -> None:
    typist.own.trouble = SignInNeeded()
    reply = await commands.say(keeper.riley, Said(WISH, BERLIN))
    assert isinstance(reply, InTrouble)
    assert isinstance(reply.trouble, SignInNeeded)
    assert reply.trouble.link is not None
    typist.own.trouble = None
    (shown,) = await signed_in(keeper, keeper.riley)
    assert isinstance(shown, Activated)
    assert shown.wish.reason == "ticket 1234"
    assert await signed_in(keeper, keeper.riley) == ()


async def test_a_choice_made_on_a_card_is_remembered(
    typist: CommandHouse, keeper: OwnHouse, commands: ResumedCommands
) -> None:
    typist.own.trouble = SignInNeeded()
    chosen = Chosen(typist.own.roles[0].key, "/")
    await commands.say(keeper.riley, Said("activate 2h because ticket 1", BERLIN, chosen, confirmed=True))
    typist.own.trouble = None
    (shown,) = await signed_in(keeper, keeper.riley)
    assert isinstance(shown, Activated)
    assert shown.wish.role.key == chosen.key


async def test_a_missing_consent_leads_on_by_link(
    typist: CommandHouse, keeper: OwnHouse, commands: ResumedCommands
) -> None:
    typist.own.trouble = a.ConsentNeeded()
    reply = await commands.say(keeper.riley, Said("my roles", BERLIN))
    assert isinstance(reply, InTrouble)
    assert isinstance(reply.trouble, a.ConsentNeeded)
    assert reply.trouble.link is not None
    # A sign-in without the consent is not enough.
    assert await signed_in(keeper, keeper.riley) == ()


async def test_other_trouble_and_other_answers_pass_through(
    typist: CommandHouse, keeper: OwnHouse, commands: ResumedCommands
) -> None:
    assert isinstance(await commands.say(keeper.riley, Said("my roles", BERLIN)), RolesReply)
    typist.own.trouble = a.Unavailable()
    assert await commands.say(keeper.riley, Said("my roles", BERLIN)) == InTrouble(a.Unavailable())
    assert await signed_in(keeper, keeper.riley) == ()


CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


async def by_link(keeper: OwnHouse, reply: object, token: UserAssertion | None = None) -> CardContent:
    """Open the answer's link in a browser, and come back from Entra with a token."""
    assert isinstance(reply, InTrouble)
    assert isinstance(reply.trouble, a.Curable)
    assert reply.trouble.link is not None
    redirect = await keeper.signing_in.start(reply.trouble.link.partition("act=")[2])
    keeper.sign_ins.codes["code"] = token or token_of(keeper.riley.identity)
    answer = {"state": redirect.url.partition("state=")[2], "code": "code"}
    return await keeper.signing_in.complete(answer, redirect.cookie)


def asked_in_chat(keeper: OwnHouse) -> int:
    return sum(effect.kind == SIGN_IN_ASK for effect in keeper.store.state.effects.values())


async def test_a_claims_challenge_leads_on_by_link_and_is_met_by_the_token_it_ends_in(
    keeper: OwnHouse, typist: CommandHouse
) -> None:
    class Presenting(type(typist.own)):  # type: ignore[misc]
        async def eligible(self, actor: Actor) -> object:
            self.asked_as.add(actor)
            just = just_signed_in()
            met = just is not None and just.assertion.claims == CLAIMS
            return self.roles if met else a.StepUpNeeded(CLAIMS)

    own = Presenting()
    desk = replace(typist.desk, own=own, activating=replace(typist.desk.activating, own=own))
    commands = ResumedCommands.of(desk, keeper.signing_in)
    reply = await commands.say(keeper.riley, Said(WISH, BERLIN))
    strong = replace(token_of(keeper.riley.identity), claims=CLAIMS)
    shown = await by_link(keeper, reply, strong)
    assert isinstance(shown, Activated)
    assert keeper.sign_ins.begun[0].claims == CLAIMS
    assert just_signed_in() is None
    assert asked_in_chat(keeper) == 0


async def test_the_roles_are_read_by_the_token_that_came_though_none_could_be_kept(keeper: OwnHouse) -> None:
    came = token_of(keeper.riley.identity, nonce="came")
    keeper.tokens.drop(keeper.riley.channel_user_id)
    assert isinstance(await keeper.desk.eligible(keeper.riley), SignInNeeded)
    with presenting(came, again=False):
        assert await keeper.desk.activations.assertion(keeper.riley) == came
        assert isinstance(await keeper.desk.eligible(keeper.riley), tuple)
        assert await keeper.desk.activations.assertion(an_actor(ALEX)) != came


async def test_a_sign_in_that_did_not_help_is_not_asked_for_over_and_over(
    typist: CommandHouse, keeper: OwnHouse, commands: ResumedCommands
) -> None:
    typist.own.trouble = a.SignInExpired()
    await commands.say(keeper.riley, Said("my roles", BERLIN))
    assert asked_in_chat(keeper) == 1
    (silent,) = await signed_in(keeper, keeper.riley)
    # Single sign-on in the client was not enough; a sign-in in a browser may be.
    assert asked_in_chat(keeper) == 1
    shown = await by_link(keeper, silent)
    assert shown == InTrouble(a.SignInExpired())
    assert asked_in_chat(keeper) == 1


async def test_claims_that_the_sign_in_was_made_for_are_not_asked_for_once_more(
    typist: CommandHouse, keeper: OwnHouse, commands: ResumedCommands
) -> None:
    typist.own.trouble = a.StepUpNeeded(CLAIMS)
    reply = await commands.say(keeper.riley, Said("my roles", BERLIN))
    shown = await by_link(keeper, reply, replace(token_of(keeper.riley.identity), claims=CLAIMS))
    assert shown == InTrouble(a.StepUpNeeded(CLAIMS))


@pytest.mark.parametrize("trouble", [a.SignInBlocked(), a.AdminConsentNeeded()])
async def test_nobody_is_sent_to_a_sign_in_that_mends_nothing(
    typist: CommandHouse, keeper: OwnHouse, commands: ResumedCommands, trouble: a.Trouble
) -> None:
    typist.own.trouble = trouble
    assert await commands.say(keeper.riley, Said("my roles", BERLIN)) == InTrouble(trouble)
    assert asked_in_chat(keeper) == 0
    assert await signed_in(keeper, keeper.riley) == ()


async def test_a_form_that_was_sent_without_a_sign_in_is_done_once_it_is_there(
    typist: CommandHouse, keeper: OwnHouse, commands: ResumedCommands
) -> None:
    typist.own.trouble = SignInNeeded()
    filled = Filled(role_value(typist.own.roles[0].key, "/"), "2h", "patching", "1234")
    reply = await commands.submit(keeper.riley, filled, Said("", BERLIN))
    assert isinstance(reply, InTrouble)
    assert asked_in_chat(keeper) == 1
    typist.own.trouble = None
    (shown,) = await signed_in(keeper, keeper.riley)
    assert isinstance(shown, Activated)
    assert shown.wish.reason == "patching"
    assert len(typist.own.wishes) == 1


async def test_whoever_asks_for_the_form_without_a_sign_in_is_helped_to_one_and_activates_nothing(
    typist: CommandHouse, keeper: OwnHouse, commands: ResumedCommands
) -> None:
    typist.own.trouble = SignInNeeded()
    reply = await commands.form(keeper.riley, Said(WISH, BERLIN))
    assert asked_in_chat(keeper) == 1
    typist.own.trouble = None
    assert await by_link(keeper, reply) == Note("signed-in")
    assert typist.own.wishes == []
    assert isinstance(await commands.form(keeper.riley, Said(WISH, BERLIN)), FormReply)

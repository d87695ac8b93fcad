from __future__ import annotations

import pytest
from fakes.own_house import OwnHouse
from fakes.people import token_of
from service.command_house import BERLIN, CommandHouse

from bot.domain import activation as a
from bot.domain.model import Actor, SignInNeeded
from bot.domain.replies import Activated, InTrouble, RolesReply
from bot.domain.said import Chosen, Said
from bot.service.resuming import ResumedCommands

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

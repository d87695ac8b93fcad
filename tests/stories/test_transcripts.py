"""Each command, typed in Teams to a running bot: what it answers, and what came of it in Graph."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from stories.conftest import SETTINGS

from bot.demo.processes import stage
from bot.demo.remote import Json, words
from bot.demo.town import Town, in_channel
from bot.domain.commands import COMMANDS, CommandInfo, CommandName

pytestmark = pytest.mark.long  # each plays on two processes of its own

Transcript = Callable[[Town], Awaitable[None]]
TRANSCRIPTS: dict[CommandName, Transcript] = {}


def transcript(name: CommandName) -> Callable[[Transcript], Transcript]:
    def keep(played: Transcript) -> Transcript:
        TRANSCRIPTS[name] = played
        return played

    return keep


class Chat:
    """Somebody's own chat with the bot."""

    def __init__(self, town: Town, user: str) -> None:
        self._town = town
        self._user = user
        self.cards: list[Json] = []
        """What the bot has answered last, as messages with a card."""

    async def say(self, text: str) -> str:
        """What the bot answers at once."""
        sent = await self._town.remote.post(
            "teams/message", {"user": self._user, "personal": True, "text": text}
        )
        assert sent["status"] == 201, sent
        listed = await self._town.remote.get(
            f"teams/conversations/{sent['conversation_id']}/activities", since=sent["activity_id"]
        )
        self.cards = [one for one in listed["activities"] if one["from"] == "bot" and one["card"]]
        return " ".join(words(one["card"]) for one in self.cards)

    async def press(self, title: str, **how: Any) -> Json:
        """A button of the last answer."""
        # The living card of an activation may have come in between.
        (card,) = [one["id"] for one in self.cards if f"'title': '{title}'" in str(one["card"])]
        deed = {"user": self._user, "activity_id": card, "title": title, **how}
        return await self._town.remote.post("teams/click", deed)

    async def pressed(self, title: str) -> str:
        """What the card says after a press."""
        answer = await self.press(title)
        assert (answer["status"], answer["shown"]) == (200, "card"), answer
        return words(answer["body"]["value"])

    async def until(self, text: str, wanted: str) -> str:
        """Say it again and again, until the answer holds what is waited for."""
        for _ in range(40):
            said = await self.say(text)
            if wanted in said:
                return said
            since = await self._town.remote.position()
            await self._town.remote.get("log", since=since, wait=0.5)
        raise AssertionError(f"{text!r} is never answered with {wanted!r}: {said}")


async def requests_of(town: Town, user: str, action: str = "selfActivate") -> list[Json]:
    """What Graph has of somebody's requests, the newest last."""
    every = (await town.remote.get("state"))["requests"]
    return [one for one in every if one["principalId"] == town.id_of(user) and one["action"] == action]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """One for all: people and roles differ from transcript to transcript."""
    async with stage(tmp_path_factory.mktemp("town"), SETTINGS) as set_up:
        made = Town.of(set_up)
        await made.open()
        yield made


def test_every_command_of_the_table_has_a_transcript() -> None:
    assert set(TRANSCRIPTS) == {info.name for info in COMMANDS}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("info", COMMANDS, ids=lambda info: info.name)
async def test_a_command_is_answered(town: Town, info: CommandInfo) -> None:
    await TRANSCRIPTS[info.name](town)


@transcript(CommandName.ACTIVATE)
async def _activate(town: Town) -> None:
    chat, since = Chat(town, "riley"), await town.remote.position()
    said = await chat.say("activate Security Administrator 2h because ticket 1234")
    assert "Sent to PIM" in said
    assert "Security Administrator" in said
    request = (await requests_of(town, "riley"))[-1]
    assert request["justification"] == "ticket 1234"
    assert request["ticketInfo"]["ticketNumber"] == "1234"
    assert request["scheduleInfo"]["expiration"]["duration"] == "PT2H"
    posted = await town.remote.until("the approvers' card", in_channel("approvers"), since)
    assert "Riley Okafor" in words(await town.remote.card(posted["activity_id"]))
    assert "already" in await chat.say("activate sec admin 2h because ticket 1234")
    assert len(await requests_of(town, "riley")) == 1
    await chat.say("cancel")


@transcript(CommandName.AGAIN)
async def _again(town: Town) -> None:
    chat = Chat(town, "blake")
    assert "nothing to repeat" in await chat.say("again")
    await chat.say("activate Security Administrator 1h because INC0012345 again")
    await chat.say("cancel")
    assert "Sent to PIM" in await chat.say("again")
    first, second = await requests_of(town, "blake")
    assert first["id"] != second["id"]
    for told in ("justification", "ticketInfo", "roleDefinitionId"):
        assert first[told] == second[told]
    await chat.say("cancel")


@transcript(CommandName.EXTEND)
async def _extend(town: Town) -> None:
    chat = Chat(town, "riley")
    said = await chat.say("extend Global Reader 1h")
    assert "No active role of yours fits" in said
    assert "eligible" not in said
    await chat.say("activate Global Reader 1h because reading")
    await chat.until("status", "Global Reader")
    said = await chat.say("extend Global Reader 1h")
    assert "giving it back first" in said
    assert await requests_of(town, "riley", "selfDeactivate") == []
    assert "Global Reader" in await chat.pressed("Give back and ask again")


@transcript(CommandName.DEACTIVATE)
async def _deactivate(town: Town) -> None:
    chat = Chat(town, "riley")
    await chat.say("activate User Administrator 1h because one user")
    await chat.until("status", "User Administrator")
    assert "can't be given back yet" in await chat.say("deactivate User Administrator")
    await town.remote.post("clock/advance", {"seconds": 360})
    assert "User Administrator was given back" in await chat.say("deactivate User Administrator")
    assert (await requests_of(town, "riley", "selfDeactivate"))[-1]["status"] == "Revoked"


@transcript(CommandName.CANCEL)
async def _cancel(town: Town) -> None:
    chat, since = Chat(town, "riley"), await town.remote.position()
    assert "None of your requests waits" in await chat.say("cancel")
    await chat.say("activate Exchange Administrator 1h because mail")
    posted = await town.remote.until("the approvers' card", in_channel("approvers"), since)
    assert "Withdrawn" in await chat.say("cancel")
    await town.card_says(posted["activity_id"], "Withdrawn")


@transcript(CommandName.MY_ROLES)
async def _my_roles(town: Town) -> None:
    said = await Chat(town, "riley").say("my roles")
    for name in ("Your roles", "Active now", "Security Administrator", "Global Administrator"):
        assert name in said
    said = await Chat(town, "ollie").say("my roles")
    assert "Helpdesk Administrator" in said
    assert "Security Administrator" not in said


@transcript(CommandName.STATUS)
async def _status(town: Town) -> None:
    chat = Chat(town, "blake")
    assert "Nothing waits for an approval" in await chat.say("status")
    await chat.say("activate Conditional Access Administrator 1h because policy")
    said = await chat.say("status")
    assert "Conditional Access Administrator" in said
    await chat.say("cancel")


@transcript(CommandName.PENDING)
async def _pending(town: Town) -> None:
    requester, since = Chat(town, "riley"), await town.remote.position()
    await requester.say("activate Application Administrator 1h because ticket 77")
    await town.remote.until("the approvers' card", in_channel("approvers"), since)
    alex = Chat(town, "alex")
    assert "Riley Okafor asks for Application Administrator" in await alex.say("pending")
    assert "Approve" in await alex.pressed("Show")
    for other in ("blake", "ollie"):
        said = await Chat(town, other).say("pending")
        assert "No request waits for you" in said
        assert "Riley" not in said
    await requester.say("cancel")


@transcript(CommandName.WHO_CAN_APPROVE)
async def _who_can_approve(town: Town) -> None:
    said = await Chat(town, "riley").say("who can approve Security Administrator?")
    for name in ("Alex Lindqvist", "Emery Castillo"):
        assert name in said
    assert "Blake Nakamura" not in said
    said = await Chat(town, "ollie").say("who can approve Security Administrator?")
    assert "None of your roles fits" in said
    assert "Alex" not in said


@transcript(CommandName.HELP)
async def _help(town: Town) -> None:
    said = await Chat(town, "riley").say("help")
    assert all(info.syntax in said for info in COMMANDS)


@transcript(CommandName.SIGN_IN)
async def _sign_in(town: Town) -> None:
    chat = Chat(town, "sam")
    assert "Sign in first" in await chat.say("my roles")
    assert "Sign in" in await chat.say("sign in")
    await town.remote.post("teams/signin", {"user": "sam"})
    assert "You are eligible for no role here" in await chat.say("my roles")


@transcript(CommandName.SIGN_OUT)
async def _sign_out(town: Town) -> None:
    assert "dana" in (await town.remote.get("teams/settings"))["signed_in"]
    assert "Signed out" in await Chat(town, "dana").say("sign out")
    assert "dana" not in (await town.remote.get("teams/settings"))["signed_in"]


# Beside the commands -----------------------------------------------------------------------------


@pytest.mark.asyncio(loop_scope="module")
async def test_a_too_long_activation_is_answered_with_the_limit_and_one_click(town: Town) -> None:
    chat, before = Chat(town, "riley"), len(await requests_of(town, "riley"))
    said = await chat.say("activate Global Administrator 8h because the tenant is down")
    assert "PIM would refuse it" in said
    assert len(await requests_of(town, "riley")) == before
    assert "Sent to PIM" in await chat.pressed("Use 4 hours")
    request = (await requests_of(town, "riley"))[-1]
    assert request["scheduleInfo"]["expiration"]["duration"] == "PT4H"
    assert request["justification"] == "the tenant is down"
    await chat.say("cancel")


@pytest.mark.asyncio(loop_scope="module")
async def test_the_form_does_the_same_as_typing(town: Town) -> None:
    chat = Chat(town, "riley")
    assert "Fill in the form" in await chat.say("activate")
    opened = await chat.press("Open the form")
    assert opened["shown"] == "dialog", opened
    (roles,) = [one for one in opened["card"]["body"] if one.get("id") == "role"]
    (mine,) = [one["value"] for one in roles["choices"] if one["title"] == "Application Administrator"]
    filled = {"role": mine, "duration": "soon", "reason": "an app", "ticket": "CHG-5"}
    sent = await town.remote.post("teams/dialog/submit", {"user": "riley", "inputs": filled})
    assert (sent["shown"], "I can't read that duration" in words(sent["card"])) == ("dialog", True)
    sent = await town.remote.post("teams/dialog/submit", {"user": "riley", "inputs": {"duration": "90m"}})
    assert sent["shown"] == "closed"
    request = (await requests_of(town, "riley"))[-1]
    assert request["scheduleInfo"]["expiration"]["duration"] == "PT1H30M"
    assert (request["justification"], request["ticketInfo"]["ticketNumber"]) == ("an app", "CHG-5")
    await chat.say("cancel")


@pytest.mark.asyncio(loop_scope="module")
async def test_membership_of_a_group_is_a_role_like_others(town: Town) -> None:
    chat = Chat(town, "riley")
    assert "Application Operators" in await chat.say("my roles")
    assert "Sent to PIM" in await chat.say("activate member of Application Operators 1h because an app broke")
    assert "Application Operators" in await chat.say("status")
    assert "Withdrawn" in await chat.say("cancel Application Operators")


@pytest.mark.asyncio(loop_scope="module")
async def test_nonsense_is_answered_with_the_nearest_command_and_one_click_runs_it(town: Town) -> None:
    chat = Chat(town, "riley")
    assert "Did you mean this?" in await chat.say("my rolls")
    assert "Your roles" in await chat.pressed("Do that")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_mention_in_a_channel_is_answered_in_ones_own_chat(town: Town) -> None:
    asked = {"user": "riley", "channel": "approvers", "text": "my roles", "mention": True}
    sent = await town.remote.post("teams/message", asked)
    shown = await town.remote.get("teams/activities", channel="approvers", since=sent["activity_id"])
    said = " ".join(words(one["card"]) for one in shown["activities"] if one["card"])
    assert "I answered in our own chat" in said
    assert "Security Administrator" not in said
    everything = await town.remote.get("teams/activities", since=sent["activity_id"])
    private = [one for one in everything["activities"] if one["conversation_id"].startswith("a:")]
    assert any("Security Administrator" in words(one["card"]) for one in private if one["card"])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "text",
    ["x" * 4000, "🔥" * 500, "\u202eactivate\u202c", "'; DROP TABLE x; --", "<b>**[x](y)**</b>", "\u200b"],
    ids=["long", "emoji", "bidirectional", "sql", "markup", "invisible"],
)
async def test_whatever_is_typed_is_answered(town: Town, text: str) -> None:
    assert await Chat(town, "riley").say(text)

"""People are answered in their own language; what many read is in the organisation's."""

from __future__ import annotations

import asyncio

import pytest

from bot.demo.remote import Json, words
from bot.demo.town import Town, in_channel

pytestmark = pytest.mark.long  # each plays on two processes of its own


async def say(town: Town, user: str, text: str) -> str:
    """What the bot answers in their chat."""
    since = await town.remote.position()
    await town.remote.post("teams/message", {"user": user, "personal": True, "text": text})
    posted = await town.remote.until("the answer", lambda line: line["event"] == "card_posted", since)
    return await chat(town, user, posted["activity_id"])


async def chat(town: Town, user: str, activity_id: str) -> str:
    seen: Json = await town.remote.get("teams/views", user=user, activity_id=activity_id)
    return words(seen["card"])


async def test_somebody_with_a_german_client_is_answered_in_german(town: Town) -> None:
    await town.remote.post("teams/settings", {"locale": "de-DE"})
    assert "Rollen" in await say(town, "riley", "my roles")
    request, card = await town.ask()
    # The channel's card is for everybody, the answer to a click for whoever clicked.
    everybodys = words(await town.remote.card(card))
    assert "Waiting for a decision" in everybodys
    answer = await town.click("blake", card)
    said = words(answer["body"]["value"])
    assert "berechtigt" in said
    assert "eligible" not in said
    assert not await town.patches(request)


async def test_the_living_card_is_in_the_requesters_language_to_the_end(town: Town) -> None:
    await town.remote.post("teams/settings", {"locale": "de-DE"})
    since = await town.remote.position()
    wish = {
        "user": "riley",
        "personal": True,
        "text": "activate Security Administrator 1h because ticket 1234",
    }
    await town.remote.post("teams/message", wish)
    posted = await town.remote.until("the approvers' card", in_channel("approvers"), since)
    await town.remote.post("teams/settings", {"locale": "en-GB"})
    await town.click("alex", posted["activity_id"])
    async with asyncio.timeout(30):
        while not any("Jetzt nutzbar" in said for said in await cards_of_all_chats(town)):
            await town.remote.get("log", since=await town.remote.position(), wait=1)


async def cards_of_all_chats(town: Town) -> list[str]:
    found: list[str] = []
    for one in (await town.remote.get("teams/conversations"))["conversations"]:
        shown = await town.remote.get(f"teams/conversations/{one['id']}/activities")
        found += [words(activity["card"]) for activity in shown["activities"] if activity.get("card")]
    return found

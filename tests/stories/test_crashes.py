"""The bot is killed with SIGKILL at the worst moments; nothing is lost, doubled or stuck."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
from stories.conftest import SETTINGS, Town, edited, in_channel, shown

from bot.demo.processes import DemoError, stage

SECURITY = "Security Administrator"


async def killed_while(town: Town, card: str, fault: str) -> None:
    """Alex clicks Approve, and the bot dies while its call is held by the fault."""
    clicking = asyncio.create_task(town.click("alex", card))
    await town.fault_met(fault)
    await town.bot.kill()
    with contextlib.suppress(DemoError):
        await clicking


async def test_killed_between_patch_and_edit_ends_in_one_decision_and_right_cards(town: Town) -> None:
    request, card = await town.ask()
    edit_held = await town.fault("connector", "PUT ", drop=True, delay_seconds=3)
    await killed_while(town, card, edit_held)
    assert "Approved" not in await town.card_says(card, SECURITY)

    await town.bot.start(town.stage.session)

    await town.card_says(card, "Approved", town.name_of("alex"))
    assert (await town.graph(request))["approval"]["reviewedBy"]["id"] == town.id_of("alex")
    assert [p["status"] for p in await town.patches(request)] == [204]


async def test_killed_before_the_patchs_answer_is_recovered_from_graph(town: Town) -> None:
    request, card = await town.ask()
    answer_held = await town.fault("graph", "PATCH ", drop=True, after=True, delay_seconds=3)
    await killed_while(town, card, answer_held)
    assert (await town.graph(request))["status"] == "Provisioned"

    await town.bot.start(town.stage.session)

    await town.card_says(card, "Approved", town.name_of("alex"))
    assert len(await town.patches(request)) <= 1, "the decision was sent again"
    late = await town.click("emery", card, "deny") if "Deny" in str(await town.remote.card(card)) else None
    assert late is None, "a decided request still offers buttons"


async def test_killed_between_claim_and_patch_is_decidable_again_within_a_minute(town: Town) -> None:
    request, card = await town.ask()
    never_arrives = await town.fault("graph", "PATCH ", drop=True, delay_seconds=3)
    await killed_while(town, card, never_arrives)
    assert (await town.graph(request))["status"].startswith("Pending")

    died = time.monotonic()
    await town.bot.start(town.stage.session)
    said = ""
    while "you denied" not in said:
        said = shown(await town.click("emery", card, "deny", "not this week"))
        assert time.monotonic() - died < 60, said
        await asyncio.sleep(0.05)

    assert (await town.graph(request))["approval"]["reviewedBy"]["id"] == town.id_of("emery")
    await town.card_says(card, "Denied", town.name_of("emery"))


async def test_a_decision_that_lands_after_its_claim_was_given_back_is_told_truly(town: Town) -> None:
    request, card = await town.ask()
    never_arrives = await town.fault("graph", "PATCH ", drop=True, delay_seconds=1)
    await killed_while(town, card, never_arrives)
    since = await town.remote.position()
    await town.bot.start(town.stage.session)
    await town.remote.until("the card after the release", edited(card), since)

    await town.decide_in_portal("alex", request, "Approve", "checked")

    said = await town.card_says(card, "Approved", town.name_of("alex"))
    assert "outside this channel" not in said


async def test_killed_while_posting_the_card_ends_with_a_card_that_works(town: Town) -> None:
    held = await town.fault("connector", "POST .*v3/conversations", drop=True, delay_seconds=3)
    wish = {"user": "riley", "role": SECURITY, "duration": "PT1H", "justification": "x", "ticket": "INC1"}
    request = (await town.remote.post("portal/activate", wish))["id"]
    await town.fault_met(held)
    await town.bot.kill()
    since = await town.remote.position()

    await town.bot.start(town.stage.session)

    card = (await town.remote.until("the card", in_channel("approvers"), since))["activity_id"]
    assert "you approved" in shown(await town.click("alex", card))
    assert (await town.graph(request))["status"] == "Provisioned"


@pytest.mark.long
async def test_killed_again_and_again_no_ping_is_lost(town: Town) -> None:
    await town.ask()
    for _ in range(3):
        await town.bot.kill()
        await town.bot.start(town.stage.session)
    await town.bot.kill()
    since = await town.remote.position()
    await town.remote.post("clock/advance", {"seconds": 300})
    await town.bot.start(town.stage.session)
    await town.remote.until("the ping", in_channel("ops"), since)
    # Each of the four kills can come between a post and its record. The card is then posted
    # again, once for a kill and never more; the latest is kept up to date.
    cards = (await town.remote.get("teams/activities", channel="approvers"))["activities"]
    assert 1 <= len(cards) <= 1 + 4
    await town.card_says(cards[-1]["id"], "Overdue")


@pytest.mark.long
async def test_on_postgresql_a_dead_replicas_claim_is_recovered_when_its_lease_is_over(
    tmp_path: Path, pg_url: str
) -> None:
    """A restart proves nothing there, since other replicas may be deciding: the lease does."""
    settings = {
        **SETTINGS,
        "SECONDKEY_DATABASE_URL": pg_url.replace("postgresql://", "postgresql+asyncpg://"),
    }
    async with stage(tmp_path, settings) as set_up:
        town = Town.of(set_up)
        await town.open()
        request, card = await town.ask()
        never_arrives = await town.fault("graph", "PATCH ", drop=True, delay_seconds=1)
        await killed_while(town, card, never_arrives)
        await town.bot.start(town.stage.session)
        assert "Yours was not sent" in shown(await town.click("emery", card)), (
            "somebody else's claim still counts"
        )

        since = await town.remote.position()
        await town.remote.post("clock/advance", {"seconds": 31})
        await town.remote.until("the card after the release", edited(card), since)

        assert "Recorded: you approved" in shown(await town.click("emery", card))
        assert (await town.graph(request))["approval"]["reviewedBy"]["id"] == town.id_of("emery")

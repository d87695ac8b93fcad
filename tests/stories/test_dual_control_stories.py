"""A role that takes two approvals, and one that takes a stronger sign-in for approving."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from test_sign_in import browse, link_of, reviewer

from bot.demo.processes import stage
from bot.demo.remote import words
from bot.demo.town import Town, in_channel

TOML = """
[roles."Security Administrator"]
quorum = 2

[roles."Application Administrator"]
approver_authentication_context = "c3"
"""


@pytest_asyncio.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Town]:
    async with stage(tmp_path, {"SECONDKEY_POLL_SECONDS": "1"}, toml=TOML) as set_up:
        town = Town.of(set_up)
        await town.open()
        yield town


async def test_two_approve_and_graph_is_told_both(strict: Town) -> None:
    request, card = await strict.ask()
    await strict.click("alex", card, reason="seen")
    assert not await strict.patches(request)
    await strict.card_says(card, "1 of 2 needed", strict.name_of("alex"))
    await strict.click("alex", card)
    assert not await strict.patches(request)
    await strict.click("emery", card, reason="checked")
    approval = (await strict.graph(request))["approval"]
    assert approval["reviewedBy"]["id"] == strict.id_of("emery")
    for wanted in (strict.id_of("alex"), strict.id_of("emery"), "seen", "checked"):
        assert wanted in approval["justification"]
    await strict.card_says(card, "Approved", strict.name_of("emery"))


async def test_an_approval_in_the_portal_before_the_quorum_alarms_ops(strict: Town) -> None:
    request, card = await strict.ask()
    await strict.click("alex", card)
    since = await strict.remote.position()
    await strict.decide_in_portal("dana", request, "Approve", "quicker")
    posted = await strict.remote.until("the alarm", in_channel("ops"), since)
    said = words(await strict.remote.card(posted["activity_id"]))
    assert "Approved elsewhere with 1 of 2 approvals" in said


async def test_approving_takes_the_roles_authentication_context(strict: Town) -> None:
    request, card = await strict.ask("Application Administrator")
    answer = await strict.click("alex", card)
    assert "stronger sign-in" in str(answer["body"])
    assert not await strict.patches(request)
    page = await browse(strict, "alex", link_of(answer))
    assert "you approved this request" in page["text"], page["text"]
    assert (await reviewer(strict, request))["id"] == strict.id_of("alex")
    (patch,) = await strict.patches(request)
    assert patch["token"]["oid"] == strict.id_of("alex")

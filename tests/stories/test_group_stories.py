"""Membership of a group asked for through PIM, over HTTP: the same cards, the same rules."""

from __future__ import annotations

import asyncio

import pytest
from stories.conftest import Town, in_channel, shown

from bot.demo.remote import words

pytestmark = pytest.mark.long  # each plays on two processes of its own

OPERATORS, VAULT = "Application Operators", "Finance Vault"


async def ask(town: Town, group: str = OPERATORS, why: str = "closing the books") -> tuple[str, str]:
    return await town.ask(group=group, why=why)


async def test_a_request_for_a_group_is_decided_by_its_stage_as_the_approver(town: Town) -> None:
    request, card = await ask(town)
    await town.card_says(card, "Member of Application Operators", "closing the books", "Riley Okafor")
    assert "Recorded: you approved" in shown(await town.click("alex", card))
    await town.card_says(card, "Approved", town.name_of("alex"))
    decided = await town.graph(request)
    assert decided["approval"]["reviewedBy"]["id"] == town.id_of("alex")
    assert (decided["status"], decided["approval"]["justification"]) == ("Provisioned", "checked")
    (patch,) = await town.patches(request)
    assert (
        f"/v1.0/identityGovernance/privilegedAccess/group/assignmentApprovals/{request}/stages/"
        in patch["path"]
    )
    assert (patch["status"], patch["token"]["oid"]) == (204, town.id_of("alex"))


async def test_a_group_that_brings_a_critical_role_is_shown_as_critical_and_a_plain_one_is_not(
    town: Town,
) -> None:
    _, card = await ask(town)
    assert "can take over the whole organisation" in words(await town.remote.card(card))
    _, card = await ask(town, VAULT)
    assert "can do more than an ordinary user" in words(await town.remote.card(card))


@pytest.mark.parametrize(
    ("group", "approver", "why"),
    [
        pytest.param(OPERATORS, "blake", "eligible", id="eligible-for-the-membership"),
        pytest.param(VAULT, "dana", "Technology", id="through-a-group-in-a-group-that-is-eligible"),
    ],
)
async def test_who_could_get_into_the_group_decides_on_nobody(
    town: Town, group: str, approver: str, why: str
) -> None:
    request, card = await ask(town, group)
    said = shown(await town.click(approver, card, force=True))
    assert "Nothing was sent to PIM" in said
    assert why in said
    assert await town.patches(request) == []
    assert "Recorded: you denied" in shown(await town.click("emery", card, "deny", "not today"))
    await town.card_says(card, "Denied", town.name_of("emery"))
    assert (await town.graph(request))["status"] == "Denied"


async def test_a_member_of_the_group_decides_on_nobody(town: Town) -> None:
    await town.remote.patch(f"groups/{VAULT}", {"members": ["alex"]})
    request, card = await ask(town, VAULT)
    assert "Nothing was sent to PIM" in shown(await town.click("alex", card, force=True))
    assert await town.patches(request) == []


async def test_an_owner_of_the_group_decides_on_nobody(town: Town) -> None:
    await town.remote.patch(f"groups/{VAULT}", {"owners": ["alex"]})
    _, card = await ask(town, VAULT)
    said = shown(await town.click("alex", card, force=True))
    assert "As an owner you could add yourself" in said


async def test_two_approvers_at_once_make_one_decision_and_each_is_told_the_truth(town: Town) -> None:
    request, card = await ask(town)
    approved, denied = await asyncio.gather(
        town.click("alex", card, "approve"), town.click("emery", card, "deny", "not now")
    )
    reviewer = (await town.graph(request))["approval"]["reviewedBy"]["id"]
    winner, loser = ("alex", "emery") if reviewer == town.id_of("alex") else ("emery", "alex")
    said = {"alex": shown(approved), "emery": shown(denied)}
    assert "Recorded: you" in said[winner]
    assert "Recorded: you" not in said[loser]
    await town.card_says(card, town.name_of(winner), "Approved" if winner == "alex" else "Denied")
    assert [one["status"] for one in await town.patches(request)].count(204) == 1


async def test_a_click_that_graph_answers_409_is_told_who_was_quicker(town: Town) -> None:
    request, card = await ask(town)
    held = await town.fault("graph", "PATCH .*/stages/", delay_seconds=1.5)
    click = asyncio.create_task(town.click("alex", card))
    await town.fault_met(held)
    decided = {"user": "emery", "request": request, "result": "Deny", "justification": "no"}
    await town.remote.post("portal/decide", decided)
    said = shown(await click)
    assert "Recorded: you" not in said
    assert town.name_of("emery") in said
    await town.card_says(card, "Denied", town.name_of("emery"))


async def test_a_decision_in_the_portal_reaches_the_card(town: Town) -> None:
    request, card = await ask(town)
    decided = {"user": "emery", "request": request, "result": "Deny", "justification": "no"}
    await town.remote.post("portal/decide", decided)
    await town.card_says(card, "Denied outside this channel")


async def test_a_withdrawal_in_the_portal_reaches_the_card(town: Town) -> None:
    request, card = await ask(town)
    await town.remote.post("portal/cancel", {"user": "riley", "request": request})
    await town.card_says(card, "Withdrawn")


async def test_a_day_without_an_answer_expires(town: Town) -> None:
    _, card = await ask(town)
    await town.remote.post("clock/advance", {"seconds": 24 * 3600})
    await town.card_says(card, "Lapsed")


async def test_without_named_approvers_ops_are_told_at_once(town: Town) -> None:
    await town.remote.patch(f"group-policies/{VAULT}/member", {"approver_users": []})
    since = await town.remote.position()
    await ask(town, VAULT)
    posted = await town.remote.until("the ping", in_channel("ops"), since)
    assert "nobody" in words(await town.remote.card(posted["activity_id"])).lower()


async def test_groups_that_can_not_be_read_hold_up_no_request_for_a_role(town: Town) -> None:
    await town.fault("graph", "GET .*/group/assignmentScheduleRequests", status=403, times=None)
    request, card = await town.ask()
    assert "Recorded: you approved" in shown(await town.click("alex", card))
    assert (await town.graph(request))["status"] == "Provisioned"

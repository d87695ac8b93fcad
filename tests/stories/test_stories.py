"""The main job and what can come in between, over HTTP against the sandbox."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from stories.conftest import Town, a_day_later, edited, in_channel, shown

from bot.demo.remote import words

CHALLENGED = "Conditional Access Administrator"


def test_the_demo_plays_unattended_and_every_step_happens() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--script"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(one["ok"] for one in steps)
    assert [one["step"] for one in steps] == [
        "sandbox-ready",
        "bot-ready",
        "card-appears",
        "conflict-refused",
        "conflict-refused",
        "approved",
        "graph-recorded",
        "cards-follow",
        "card-appears",
        "ops-pinged",
        "card-shows-breach",
        "note",
    ]


async def test_two_approvers_at_once_make_one_decision_and_each_is_told_the_truth(town: Town) -> None:
    request, card = await town.ask()
    approved, denied = await asyncio.gather(
        town.click("alex", card, "approve"), town.click("emery", card, "deny", "not now")
    )
    reviewer = (await town.graph(request))["approval"]["reviewedBy"]["id"]
    winner = "alex" if reviewer == town.id_of("alex") else "emery"
    said = {"alex": shown(approved), "emery": shown(denied)}
    assert "Recorded: you" in said[winner]
    assert "Recorded: you" not in said["emery" if winner == "alex" else "alex"]
    await town.card_says(card, town.name_of(winner), "Approved" if winner == "alex" else "Denied")
    assert [p["status"] for p in await town.patches(request)].count(204) == 1


async def test_one_click_delivered_twice_is_one_decision(town: Town) -> None:
    request, card = await town.ask()
    answers = await asyncio.gather(town.click("alex", card), town.click("alex", card))
    assert sum("Recorded: you approved" in shown(a) for a in answers) >= 1
    assert [p["status"] for p in await town.patches(request)].count(204) == 1


async def test_a_decision_in_the_portal_reaches_the_card(town: Town) -> None:
    request, card = await town.ask()
    await town.decide_in_portal("emery", request, "Deny", "no")
    await town.card_says(card, "Denied outside this channel")


async def test_a_withdrawal_in_the_portal_reaches_the_card(town: Town) -> None:
    request, card = await town.ask()
    await town.remote.post("portal/cancel", {"user": "riley", "request": request})
    await town.card_says(card, "Withdrawn")


async def test_a_day_without_an_answer_climbs_the_ladder_and_expires(town: Town) -> None:
    _, card = await town.ask()
    for seconds in (301, 600, 2700):
        since = await town.remote.position()
        await town.remote.post("clock/advance", {"seconds": seconds})
        await town.remote.until("a ping", in_channel("ops"), since)
    await town.remote.post("clock/advance", {"seconds": 24 * 3600})
    await town.card_says(card, "Lapsed")


async def test_nobody_able_in_the_pool_escalates_at_once(town: Town) -> None:
    since = await town.remote.position()
    await town.ask(CHALLENGED)
    posted = await town.remote.until("the ping", in_channel("ops"), since)
    assert "nobody" in words(await town.remote.card(posted["activity_id"])).lower()


FAULTS = [
    pytest.param([("graph", "PATCH ", {"status": 503})], id="patch-503-undone"),
    pytest.param([("graph", "PATCH ", {"status": 504, "after": True})], id="patch-504-done"),
    pytest.param([("graph", "PATCH ", {"status": 429, "retry_after": 1})], id="patch-429"),
    pytest.param([("graph", "PATCH ", {"drop": True})], id="patch-lost-undone"),
    pytest.param([("graph", "PATCH ", {"drop": True, "after": True})], id="patch-lost-done"),
    pytest.param([("graph", "GET ", {"status": 503, "times": 2})], id="graph-503-twice"),
    pytest.param([("graph", "GET ", {"status": 429, "retry_after": 1})], id="graph-429"),
    pytest.param([("login", "POST ", {"status": 503})], id="login-503"),
    pytest.param([("token", "GET ", {"status": 503})], id="token-service-503"),
    pytest.param([("connector", "PUT ", {"status": 429, "retry_after": 1})], id="edit-429"),
    pytest.param([("connector", "PUT ", {"drop": True})], id="edit-lost"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("faults", FAULTS)
async def test_one_decision_and_right_cards_through(
    lasting: Town, faults: list[tuple[str, str, dict[str, object]]]
) -> None:
    town = lasting
    await a_day_later(town)
    request, card = await town.ask()
    for service, match, how in faults:
        await town.fault(service, match, **how)
    said = shown(await town.click("alex", card))
    assert "Recorded: you approved" in said
    await town.card_says(card, "Approved", town.name_of("alex"))
    assert [p["status"] for p in await town.patches(request) if p["status"] == 204 or p.get("fault")] != []
    assert (await town.graph(request))["approval"]["reviewedBy"]["id"] == town.id_of("alex")


async def test_keys_rotate_and_tokens_expire_without_anybody_noticing(town: Town) -> None:
    _, card = await town.ask()
    await town.remote.post("keys/rotate", {"which": "channel", "retire": True})
    await town.remote.post("tokens/expire")
    assert "eligible" in shown(await town.click("blake", card))
    since = await town.remote.position()
    assert "Recorded: you approved" in shown(await town.click("alex", card))
    await town.remote.until("the edit", edited(card), since)


async def test_who_is_not_signed_in_gets_a_link_and_nothing_is_sent(town: Town) -> None:
    request, card = await town.ask()
    await town.remote.post("teams/signout", {"user": "alex"})
    answer = await town.click("alex", card)
    assert "Sign in" in shown(answer)
    assert await town.patches(request) == []
    await town.remote.post("teams/signin", {"user": "alex"})
    assert "Recorded: you approved" in shown(await town.click("alex", card))


async def test_looking_at_the_card_shows_each_approver_their_own(town: Town) -> None:
    _, card = await town.ask()
    conflicted = await town.remote.post("teams/refresh", {"user": "blake", "activity_id": card})
    assert "Approve" not in [a.get("title") for a in conflicted["body"]["value"].get("actions", [])]
    able = await town.remote.post("teams/refresh", {"user": "alex", "activity_id": card})
    assert "approve" in json.dumps(able["body"]["value"])


async def test_the_plain_submit_of_an_old_client_decides_as_well(town: Town) -> None:
    request, card = await town.ask()
    deed = {
        "user": "alex",
        "activity_id": card,
        "verb": "approve",
        "inputs": {"reason": "ok"},
        "as_submit": True,
    }
    assert (await town.remote.post("teams/click", deed))["status"] in {200, 201, 202}
    await town.card_says(card, "Approved", town.name_of("alex"))
    assert (await town.graph(request))["status"] == "Provisioned"


FORGED = [
    pytest.param({"authorization": None}, 401, id="no-token"),
    pytest.param({"authorization": "Bearer junk"}, 401, id="junk"),
    pytest.param({"token": {"alg": "none"}}, 401, id="unsigned"),
    pytest.param({"token": {"key": "unknown"}}, 401, id="foreign-key"),
    pytest.param({"token": {"claims": {"exp": 1}}}, 401, id="expired"),
    pytest.param({"token": {"claims": {"aud": "somebody-else"}}}, 401, id="foreign-audience"),
    pytest.param(
        {"token": {"claims": {"serviceurl": "https://evil.example/"}}}, 403, id="foreign-service-url"
    ),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("forgery", "status"), FORGED)
async def test_a_forged_token_is_refused_and_changes_nothing(
    lasting: Town, forgery: dict[str, object], status: int
) -> None:
    before = await lasting.remote.position()
    answer = await lasting.remote.post("teams/raw", forgery)
    assert answer["status"] == status
    lines = (await lasting.remote.get("log", since=before))["lines"]
    assert [one for one in lines if one["service"] == "graph" and one["method"] == "PATCH"] == []


async def test_a_subscription_that_is_removed_is_made_again(town: Town) -> None:
    lines = (await town.remote.get("log", since=0))["lines"]
    made = [
        one for one in lines if one.get("path", "").endswith("/subscriptions") and one["method"] == "POST"
    ]
    assert [one["status"] for one in made] == [201]
    state = await town.remote.get("state")
    subscription = state["subscriptions"][0]["id"]
    since = await town.remote.position()
    await town.remote.post(f"subscriptions/{subscription}/lifecycle", {"event": "subscriptionRemoved"})
    await town.remote.until(
        "the new subscription",
        lambda one: one.get("method") == "POST" and one.get("path", "").endswith("/subscriptions"),
        since,
    )


async def test_no_token_or_secret_is_in_the_bots_log(town: Town) -> None:
    _, card = await town.ask()
    await town.click("alex", card)
    await town.click("blake", card)
    await town.remote.post("teams/raw", {"token": {"key": "unknown"}})
    log = town.bot.log.read_text()
    assert "decision_recorded" in log
    assert "eyJ" not in log
    assert str(town.stage.sandbox["env"]["SECONDKEY_CLIENT_SECRET"]) not in log

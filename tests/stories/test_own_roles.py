"""An activation from the typed wish to its end, over HTTP: each stage of the living card, each answer of
PIM's, and what can come in between.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from stories.conftest import Town, in_channel

from bot.demo.remote import Json, words
from cards import text

pytestmark = pytest.mark.long  # each plays on two processes of its own

ASK = "activate Security Administrator 2h because ticket 1234"
FREE = "activate User Administrator 2h because one user"
"""Needs no approval."""


async def say(town: Town, wish: str, user: str = "riley") -> str:
    """Type it in one's own chat; what the bot answers at once."""
    sent = await town.remote.post("teams/message", {"user": user, "personal": True, "text": wish})
    assert sent["status"] == 201, sent
    listed = await town.remote.get(
        f"teams/conversations/{sent['conversation_id']}/activities", since=sent["activity_id"]
    )
    answers = [one for one in listed["activities"] if one["from"] == "bot" and one["card"]]
    return " ".join(words(one["card"]) for one in answers)


async def living(town: Town, since: int = 0) -> str:
    """The id of the newest living card, once there is one."""

    def in_a_chat(line: Json) -> bool:
        return line["event"] == "card_posted" and line.get("channel") is None

    while True:
        line = await town.remote.until("the living card", in_a_chat, since)
        card = str(line["activity_id"])
        if text.OWN_WHY in words(await town.remote.card(card)):
            return card
        since = line["seq"]


async def asked(town: Town, wish: str = ASK) -> tuple[str, str, str]:
    """Type a wish. The request's id, the approvers' card and the living card."""
    since = await town.remote.position()
    assert "Sent to PIM" in await say(town, wish)
    posted = await town.remote.until("the approvers' card", in_channel("approvers"), since)
    request = (await requests(town))[-1]["id"]
    return str(request), str(posted["activity_id"]), await living(town, since)


async def requests(town: Town, action: str = "selfActivate") -> list[Json]:
    every = (await town.remote.get("state"))["requests"]
    return [one for one in every if one["action"] == action]


async def advance(town: Town, seconds: float) -> None:
    await town.remote.post("clock/advance", {"seconds": seconds})


async def test_from_waiting_to_the_end_on_one_card(town: Town) -> None:
    await town.remote.patch("world", {"propagation_seconds": 30})
    _, channel, card = await asked(town)
    said = await town.card_says(card, "Waiting for an approval", "Alex Lindqvist", text.OPENS)
    assert "ticket 1234" in said
    await town.click("alex", channel, reason="agreed with the lead")
    await town.card_says(card, "Granted, and not usable yet", "Alex Lindqvist", "agreed with the lead")
    await town.card_says(channel, "Approved")
    await advance(town, 31)
    await town.card_says(card, "Usable now", "Sign out and in again", "until it worked")
    await town.card_says(channel, "✔ Active", text.USABLE_SINCE)
    await advance(town, 7200 - 590)
    await town.card_says(card, "Ending soon")
    await advance(town, 600)
    await town.card_says(card, "■ Ended", "Its time was over")
    await town.card_says(channel, "■ Ended")
    listed = (await town.remote.get("teams/activities"))["activities"]
    assert [one["id"] for one in listed if one["card"] and text.OWN_WHY in words(one["card"])] == [card]


async def test_a_denial_says_by_whom_and_why(town: Town) -> None:
    _, channel, card = await asked(town)
    await town.click("emery", channel, "deny", "not in the change window")
    await town.card_says(card, "✖ Denied", "Emery Castillo", "not in the change window")


async def test_what_is_decided_and_given_back_in_the_portal_reaches_the_card(town: Town) -> None:
    request, _, card = await asked(town)
    decided = {"user": "emery", "request": request, "result": "Approve", "justification": "by phone"}
    await town.remote.post("portal/decide", decided)
    await town.card_says(card, "Usable now")
    await advance(town, 301)
    back = {"user": "riley", "role": "Security Administrator", "action": "selfDeactivate"}
    await town.remote.post("portal/activate", back)
    await advance(town, 121)
    await town.card_says(card, "■ Ended", "before its time was over")


async def test_without_an_approval_it_is_usable_at_once_and_nobody_else_hears_of_it(town: Town) -> None:
    since = await town.remote.position()
    await say(town, FREE)
    card = await living(town, since)
    await town.card_says(card, "Usable now")
    lines = (await town.remote.get("log", since=since))["lines"]
    assert [one for one in lines if in_channel("approvers")(one)] == []


async def test_a_day_without_an_answer_is_told(town: Town) -> None:
    _, _, card = await asked(town)
    await advance(town, 24 * 3600 + 1)
    await town.card_says(card, "Lapsed without an answer")


async def test_withdrawn_by_its_button_both_cards_close(town: Town) -> None:
    request, channel, card = await asked(town)
    await town.remote.post("teams/click", {"user": "riley", "activity_id": card, "title": text.WITHDRAW})
    await town.card_says(channel, "Withdrawn")
    await town.card_says(card, "Withdrawn")
    assert (await town.graph(request))["status"] == "Canceled"


async def test_ask_again_asks_for_the_role_of_its_card_whatever_was_asked_for_since(town: Town) -> None:
    since = await town.remote.position()
    await say(town, FREE)
    card = await living(town, since)
    await town.card_says(card, "Usable now")
    await advance(town, 7200 + 1)
    await town.card_says(card, "■ Ended")
    await asked(town)
    since = await town.remote.position()
    await town.remote.post("teams/click", {"user": "riley", "activity_id": card, "title": text.ASK_AGAIN})
    again = await living(town, since)
    await town.card_says(again, "User Administrator", "Usable now", "one user")
    await town.card_says(card, "■ Ended")
    first, _, third = await requests(town)
    for told in ("justification", "ticketInfo", "roleDefinitionId", "directoryScopeId"):
        assert first[told] == third[told]


async def test_given_back_at_the_first_moment_pim_takes_it(town: Town) -> None:
    since = await town.remote.position()
    await say(town, FREE)
    card = await living(town, since)
    await town.card_says(card, "Usable now")
    await say(town, "deactivate User Administrator")
    newest = (await town.remote.get("teams/activities"))["activities"][-1]
    offered = [a["title"] for a in newest["card"]["actions"] if a["type"] == "Action.Execute"]
    await town.remote.post("teams/click", {"user": "riley", "activity_id": newest["id"], "title": offered[0]})
    await town.card_says(card, text.WILL_BE_GIVEN_BACK)
    await advance(town, 301)
    await town.card_says(card, "■ Ended", "before its time was over")
    assert [one["status"] for one in await requests(town, "selfDeactivate")] == ["Revoked"]


async def test_an_extension_is_confirmed_given_back_and_asked_for_again(town: Town) -> None:
    since = await town.remote.position()
    await say(town, FREE)
    card = await living(town, since)
    await town.card_says(card, "Usable now")
    await advance(town, 301)
    assert "giving it back first" in await say(town, "extend User Administrator 3h")
    assert len(await requests(town)) == 1
    newest = (await town.remote.get("teams/activities"))["activities"][-1]
    offered = [a["title"] for a in newest["card"]["actions"] if a["type"] == "Action.Execute"]
    since = await town.remote.position()
    await town.remote.post("teams/click", {"user": "riley", "activity_id": newest["id"], "title": offered[0]})
    again = await living(town, since)
    await town.card_says(again, "Usable now", "3 hours")
    await advance(town, 121)
    await town.card_says(card, "■ Ended")


async def test_where_the_tenant_takes_a_repetition_the_same_card_goes_on(town: Town) -> None:
    await town.remote.patch("world", {"reactivation_extends": True})
    since = await town.remote.position()
    await say(town, FREE)
    card = await living(town, since)
    await town.card_says(card, "Usable now")
    await advance(town, 7200 - 300)
    await town.card_says(card, "Ending soon")
    await say(town, "extend User Administrator 3h")
    await town.card_says(card, "Usable now")
    assert len(await requests(town)) == 2


ANSWERS = [
    pytest.param({"premium_licence": False}, None, "licen", id="licence"),
    pytest.param({"single_factor": ["riley"]}, None, "stronger sign-in", id="mfa"),
    pytest.param({}, {"code": "ResourceIsLocked"}, "just now", id="locked"),
    pytest.param({}, {"code": "RoleNotFound"}, "", id="role-gone"),
    pytest.param({}, {"code": "SomethingNew"}, "SomethingNew", id="unknown-code"),
    pytest.param(
        {},
        {
            "code": "RoleAssignmentRequestPolicyValidationFailed",
            "message": 'The following policy rules failed: ["ExpirationRule","TicketingRule"]',
        },
        "",
        id="policy-rules",
    ),
    pytest.param({"delegated_scopes": ["User.Read"]}, None, "", id="permission"),
    pytest.param({"consented": []}, None, "consent", id="consent"),
]


@pytest.mark.parametrize(("world", "fault", "words_of_it"), ANSWERS)
async def test_whatever_pim_answers_is_told_in_plain_words_and_nothing_is_asked_for(
    town: Town, world: dict[str, Any], fault: dict[str, Any] | None, words_of_it: str
) -> None:
    if world:
        await town.remote.patch("world", world)
    if fault is not None:
        await town.fault("graph", "POST .*/roleAssignmentScheduleRequests", status=400, **fault)
    said = await say(town, ASK)
    assert said
    assert words_of_it.lower() in said.lower(), said
    assert "Sent to PIM" not in said
    assert await requests(town) == []


async def link_in_chat(town: Town) -> str:
    """Where the sign-in button of the newest answer leads."""
    for one in reversed((await town.remote.get("teams/activities"))["activities"]):
        for action in (one["card"] or {}).get("actions", []):
            if "/signin?act=" in str(action.get("url")):
                return str(action["url"])
    raise AssertionError("no answer has a sign-in button")


async def test_an_authentication_context_is_stepped_up_to_for_exactly_this_activation(town: Town) -> None:
    await town.remote.patch("policies/security_administrator", {"authentication_context": "c1"})
    assert "stronger sign-in" in (await say(town, ASK)).lower()
    assert await requests(town) == []
    since, link = await town.remote.position(), await link_in_chat(town)
    other = await town.remote.post("browser", {"user": "riley", "url": link, "as": "alex"})
    assert other["status"] == 403
    assert await requests(town) == []
    page = await town.remote.post("browser", {"user": "riley", "url": link})
    assert (page["status"], "Sent to PIM" in page["text"]) == (200, True), page["text"]
    (request,) = await requests(town)
    assert request["justification"] == "ticket 1234"
    await town.remote.until("the approvers' card", in_channel("approvers"), since)
    await town.card_says(await living(town, since), "Waiting for an approval")
    again = await town.remote.post("browser", {"user": "riley", "url": link})
    assert again["status"] == 410
    assert len(await requests(town)) == 1


LOST = [
    pytest.param({"status": 504, "after": True}, id="done-504"),
    pytest.param({"drop": True, "after": True}, id="done-lost"),
    pytest.param({"drop": True}, id="undone-lost"),
    pytest.param({"status": 503}, id="undone-503"),
    pytest.param({"status": 429, "retry_after": 1}, id="429"),
]


@pytest.mark.parametrize("how", LOST)
async def test_one_request_comes_of_one_wish_through(town: Town, how: dict[str, Any]) -> None:
    await town.fault("graph", "POST .*/roleAssignmentScheduleRequests", **how)
    await asked(town)
    assert len(await requests(town)) == 1


async def test_the_bot_dies_with_the_request_sent_and_everybody_still_gets_their_card(town: Town) -> None:
    since = await town.remote.position()
    fault = await town.fault(
        "graph", "POST .*/roleAssignmentScheduleRequests", after=True, drop=True, delay_seconds=3
    )
    typed = asyncio.create_task(
        town.remote.post("teams/message", {"user": "riley", "personal": True, "text": ASK})
    )
    await town.fault_met(fault)
    await town.bot.kill()
    await asyncio.gather(typed, return_exceptions=True)
    await town.bot.start(town.stage.session)
    await town.remote.until("the approvers' card", in_channel("approvers"), since)
    assert "already" in await say(town, ASK)
    await town.card_says(await living(town, since), "Waiting for an approval")
    assert len(await requests(town)) == 1


async def test_without_the_app_installed_everything_happens_but_the_card(town: Town) -> None:
    since = await town.remote.position()
    await town.remote.post("teams/settings", {"not_installed_for": ["riley"]})
    await say(town, ASK)
    await town.remote.until("the approvers' card", in_channel("approvers"), since)


@pytest.mark.parametrize("sso", ["on", "off"])
async def test_what_was_typed_without_a_sign_in_is_done_once_signed_in(town: Town, sso: str) -> None:
    if sso == "off":
        await town.remote.post("teams/settings", {"sso": "off"})
    await town.remote.post("teams/signout", {"user": "riley"})
    since = await town.remote.position()
    await say(town, ASK)
    if sso == "off":
        assert await requests(town) == []
        page = await town.remote.post("browser", {"user": "riley", "url": await link_in_chat(town)})
        assert (page["status"], "Sent to PIM" in page["text"]) == (200, True), page["text"]
    await town.remote.until("the approvers' card", in_channel("approvers"), since)
    (request,) = await requests(town)
    assert request["justification"] == "ticket 1234"


async def test_membership_of_a_group_is_asked_for_decided_and_used_like_a_role(town: Town) -> None:
    since = await town.remote.position()
    wish = 'activate "Application Operators" 1h because on call, ticket 77'
    assert "Sent to PIM" in await say(town, wish)
    card = await living(town, since)
    await town.card_says(card, "Application Operators", "Waiting for an approval")
    posted = await town.remote.until("the approvers' card", in_channel("approvers"), since)
    await town.click("alex", str(posted["activity_id"]))
    await town.card_says(card, "Usable now", "Alex Lindqvist")
    await advance(town, 301)
    await say(town, 'deactivate "Application Operators"')
    await town.card_says(card, "■ Ended", "before its time was over")


async def test_a_typed_command_that_entra_wants_a_stronger_sign_in_for_is_done_after_it(town: Town) -> None:
    c1 = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
    await town.remote.patch("world", {"require_claims": {"riley": c1}})
    assert "stronger sign-in" in await say(town, ASK)
    assert await requests(town) == []
    newest = (await town.remote.get("teams/activities"))["activities"][-1]
    (link,) = [a["url"] for a in newest["card"]["actions"] if a["type"] == "Action.OpenUrl"]
    page = await town.remote.post("browser", {"user": "riley", "url": link})
    assert (page["status"], "Sent to PIM" in page["text"]) == (200, True), page["text"]
    assert len(await requests(town)) == 1


async def test_whoever_is_blocked_is_told_so_and_sent_to_no_sign_in(town: Town) -> None:
    await town.remote.patch("world", {"obo_refusals": {"riley": 53003}})
    assert "does not let you in" in await say(town, "my roles")
    newest = (await town.remote.get("teams/activities"))["activities"][-1]
    assert [a for a in newest["card"].get("actions", []) if a["type"] == "Action.OpenUrl"] == []

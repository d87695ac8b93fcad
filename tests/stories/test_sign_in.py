"""Signing in from a card: what was begun is carried out once, by whoever began it, and by nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.remote import Json
from bot.demo.town import Town

pytestmark = pytest.mark.long  # each plays on two processes of its own

C1 = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}


def link_of(answer: Json) -> str:
    """Where the sign-in button of a card leads."""
    actions: list[dict[str, Any]] = answer["body"]["value"]["actions"]
    (found,) = [a["url"] for a in actions if a["type"] == "Action.OpenUrl" and "/signin?act=" in a["url"]]
    return str(found)


async def browse(town: Town, user: str, url: str, **how: Any) -> Json:
    return await town.remote.post("browser", {"user": user, "url": url, **how})


async def reviewer(town: Town, request: str) -> Any:
    return ((await town.graph(request))["approval"] or {}).get("reviewedBy")


async def sso(town: Town, how: str) -> None:
    await town.remote.post("teams/settings", {"sso": how})


async def test_a_click_without_a_token_is_carried_out_after_signing_in_by_the_link(town: Town) -> None:
    await sso(town, "off")
    await town.remote.post("teams/signout", {"user": "alex"})
    request, card = await town.ask()
    answer = await town.click("alex", card, reason="seen with the SOC")
    assert "Sign in" in str(answer["body"])
    assert not await town.patches(request)
    page = await browse(town, "alex", link_of(answer))
    assert (page["status"], "you approved this request" in page["text"]) == (200, True), page["text"]
    assert (await reviewer(town, request))["id"] == town.id_of("alex")
    (patch,) = await town.patches(request)
    assert patch["token"]["oid"] == town.id_of("alex")
    await town.card_says(card, "Approved", town.name_of("alex"), "seen with the SOC")
    # The link counts once, and the sign-in is kept: the next click needs none.
    again = await browse(town, "alex", link_of(answer))
    assert (again["status"], "used" in again["text"]) == (410, True)
    other, second = await town.ask("Application Administrator")
    await town.click("alex", second)
    assert (await reviewer(town, other))["id"] == town.id_of("alex")


async def test_single_sign_on_in_the_chat_carries_out_the_click_by_itself(town: Town) -> None:
    await town.remote.post("teams/signout", {"user": "alex"})
    request, card = await town.ask()
    await town.click("alex", card)
    await town.card_says(card, "Approved", town.name_of("alex"))
    (patch,) = await town.patches(request)
    assert patch["token"]["oid"] == town.id_of("alex")


async def test_the_code_of_the_sign_in_button_carries_it_out_too_and_a_wrong_one_does_not(town: Town) -> None:
    await sso(town, "off")
    await town.remote.post("teams/signout", {"user": "alex"})
    request, card = await town.ask()
    await town.click("alex", card, verb="deny", reason="not now")
    wrong = await town.remote.post("teams/verify", {"user": "alex", "code": "000000"})
    assert wrong["status"] == 200
    assert not await town.patches(request)
    await town.remote.post("teams/verify", {"user": "alex"})
    await town.card_says(card, "Denied", town.name_of("alex"), "not now")
    assert len(await town.patches(request)) == 1


async def test_somebody_elses_sign_in_decides_nothing_and_is_audited(town: Town) -> None:
    await sso(town, "off")
    await town.remote.post("teams/signout", {"user": "alex"})
    request, card = await town.ask()
    link = link_of(await town.click("alex", card))
    page = await browse(town, "emery", link)
    assert (page["status"], "another account" in page["text"]) == (403, True)
    page = await browse(town, "alex", link, **{"as": "emery"})
    assert page["status"] == 403
    assert not await town.patches(request)
    # Still good for the one who clicked.
    assert (await browse(town, "alex", link))["status"] == 200
    assert (await reviewer(town, request))["id"] == town.id_of("alex")


async def test_an_answer_in_another_browser_or_a_second_time_counts_nothing(town: Town) -> None:
    await sso(town, "off")
    await town.remote.post("teams/signout", {"user": "alex"})
    request, card = await town.ask()
    link = link_of(await town.click("alex", card))
    stopped = await browse(town, "alex", link, stop_before="/signin/callback")
    elsewhere = await browse(town, "emery", stopped["url"])
    assert (elsewhere["status"], "another browser" in elsewhere["text"]) == (403, True)
    assert not await town.patches(request)
    assert (await browse(town, "alex", stopped["url"]))["status"] == 200
    assert (await browse(town, "alex", stopped["url"]))["status"] == 410
    assert len(await town.patches(request)) == 1


async def test_a_link_lives_ten_minutes(town: Town) -> None:
    await sso(town, "off")
    await town.remote.post("teams/signout", {"user": "alex"})
    request, card = await town.ask()
    link = link_of(await town.click("alex", card))
    await town.remote.post("clock/advance", {"seconds": 601})
    page = await browse(town, "alex", link)
    assert (page["status"], "ten minutes" in page["text"]) == (410, True)
    assert not await town.patches(request)


async def test_what_is_no_longer_theirs_to_decide_is_not_carried_out(town: Town) -> None:
    await sso(town, "off")
    await town.remote.post("teams/signout", {"user": "alex"})
    request, card = await town.ask()
    link = link_of(await town.click("alex", card))
    await town.remote.post("eligibilities", {"user": "alex", "role": "Security Administrator"})
    await town.remote.post("clock/advance", {"seconds": 30})
    page = await browse(town, "alex", link)
    assert "not accepted" in page["text"]
    assert not await town.patches(request)


async def test_a_claims_challenge_is_met_by_a_stronger_sign_in_for_exactly_that_decision(town: Town) -> None:
    await town.remote.patch("world", {"require_claims": {"alex": C1}})
    request, card = await town.ask()
    answer = await town.click("alex", card)
    assert "stronger sign-in" in str(answer["body"])
    page = await browse(town, "alex", link_of(answer))
    assert "you approved this request" in page["text"], page["text"]
    assert (await reviewer(town, request))["id"] == town.id_of("alex")


async def test_who_fails_the_stronger_sign_in_decides_nothing(town: Town) -> None:
    await town.remote.patch("world", {"require_claims": {"alex": C1}, "no_step_up": ["alex"]})
    request, card = await town.ask()
    page = await browse(town, "alex", link_of(await town.click("alex", card)))
    assert (page["status"], "did not succeed" in page["text"]) == (403, True)
    assert not await town.patches(request)


async def test_consent_is_asked_for_given_and_the_decision_carried_out(town: Town) -> None:
    await town.remote.patch("world", {"consented": []})
    request, card = await town.ask()
    link = link_of(await town.click("alex", card))
    declined = await browse(town, "alex", link, consent="cancel")
    assert "did not consent" in declined["text"]
    assert not await town.patches(request)
    page = await browse(town, "alex", link)
    assert "you approved this request" in page["text"], page["text"]
    assert (await reviewer(town, request))["id"] == town.id_of("alex")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        pytest.param(50173, "revoked", id="revoked"),
        pytest.param(700082, "expired", id="expired"),
        pytest.param(50058, "sign in again", id="interaction-required"),
    ],
)
async def test_a_sign_in_that_has_ended_is_said_plainly_and_renewed_by_the_link(
    town: Town, number: int, said: str
) -> None:
    await sso(town, "off")
    await town.remote.patch("world", {"obo_refusals": {"alex": number}})
    request, card = await town.ask()
    answer = await town.click("alex", card)
    assert said in str(answer["body"])
    assert "you approved this request" in (await browse(town, "alex", link_of(answer)))["text"]
    assert (await reviewer(town, request))["id"] == town.id_of("alex")


async def test_a_client_that_sends_anothers_token_is_refused_and_nothing_is_kept(town: Town) -> None:
    await town.remote.post("teams/settings", {"sso": "silent", "sso_as": "emery"})
    await town.remote.post("teams/signout", {"user": "alex"})
    request, card = await town.ask()
    since = await town.remote.position()
    await town.click("alex", card)
    invoke = await town.remote.until("the exchange", lambda line: line.get("event") == "invoke", since)
    assert (invoke["name"], invoke["status"]) == ("signin/tokenExchange", 412)
    assert not await town.patches(request)


# Universal Actions in the personal chat --------------------------------------------------------


async def shown_in_chat(town: Town, user: str) -> str:
    """They ask what waits, and have it shown. Returns the activity that the card is on."""
    since = await town.remote.position()
    await town.remote.post("teams/message", {"user": user, "personal": True, "text": "pending"})
    posted = await town.remote.until("the list", lambda line: line["event"] == "card_posted", since)
    shown = {"user": user, "activity_id": posted["activity_id"], "title": "Show"}
    await town.remote.post("teams/click", shown)
    return str(posted["activity_id"])


async def test_in_the_chat_the_client_signs_in_by_itself_and_sends_the_click_again(town: Town) -> None:
    request, card = await town.ask()
    in_chat = await shown_in_chat(town, "alex")
    await town.remote.post("teams/signout", {"user": "alex"})
    answer = await town.click("alex", in_chat, reason="from the chat")
    assert (answer["shown"], "you approved this request" in str(answer["body"])) == ("card", True)
    (patch,) = await town.patches(request)
    assert patch["token"]["oid"] == town.id_of("alex")
    await town.card_says(card, "Approved", town.name_of("alex"), "from the chat")


async def test_where_it_can_not_the_button_and_its_code_do(town: Town) -> None:
    request, _ = await town.ask()
    in_chat = await shown_in_chat(town, "alex")
    await town.remote.post("teams/signout", {"user": "alex"})
    await sso(town, "off")
    answer = await town.click("alex", in_chat)
    assert (answer["shown"], answer["body"]["statusCode"]) == ("sign-in", 401)
    assert not await town.patches(request)
    code = (await town.remote.post("teams/signin", {"user": "alex", "code": True}))["code"]
    answer = await town.click("alex", in_chat, code=code)
    assert "you approved this request" in str(answer["body"])
    assert (await reviewer(town, request))["id"] == town.id_of("alex")


async def test_a_client_with_anothers_token_decides_nothing_in_the_chat_either(town: Town) -> None:
    request, _ = await town.ask()
    in_chat = await shown_in_chat(town, "alex")
    await town.remote.post("teams/signout", {"user": "alex"})
    await town.remote.post("teams/settings", {"sso_as": "emery"})
    answer = await town.click("alex", in_chat)
    assert "another account" in str(answer["body"])
    assert not await town.patches(request)

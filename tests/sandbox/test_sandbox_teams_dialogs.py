"""Buttons that open a dialog or write for the user, as the Teams client treats them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from teams_house import ADAPTIVE_CARD, House, teams

FETCH = {"msteams": {"type": "task/fetch"}, "verb": "form"}
FORM = {
    "type": "AdaptiveCard",
    "version": "1.5",
    "body": [{"type": "Input.Text", "id": "why", "isRequired": True, "errorMessage": "Say why."}],
    "actions": [{"type": "Action.Submit", "title": "Send", "data": {"verb": "form"}}],
}


def card(data: dict[str, Any]) -> dict[str, Any]:
    action = {"type": "Action.Submit", "title": "Open", "data": data}
    return {"type": "AdaptiveCard", "version": "1.5", "body": [], "actions": [action]}


def goes_on(content: Any = FORM, **value: Any) -> Any:
    attachment = {"contentType": ADAPTIVE_CARD, "content": content}
    return {"task": {"type": "continue", "value": {"title": "Form", "card": attachment, **value}}}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with teams() as opened:
        yield opened


async def press(house: House, data: dict[str, Any]) -> tuple[int, Any]:
    posted = await house.post_card(card(data))
    return await house.control(
        "POST", "click", {"user": "alex", "activity_id": posted["activityId"], "title": "Open"}
    )


async def open_form(house: House) -> None:
    house.bot.answer = lambda _activity: web.json_response(goes_on())
    _, opened = await press(house, FETCH)
    assert opened["shown"] == "dialog"


async def submit(house: House, **body: Any) -> tuple[int, Any]:
    return await house.control("POST", "dialog/submit", {"user": "alex", **body})


async def test_a_button_that_opens_a_dialog_asks_the_bot_for_it(house: House) -> None:
    house.bot.answer = lambda _activity: web.json_response(goes_on())
    status, opened = await press(house, FETCH)
    assert (status, opened["shown"], opened["card"]) == (200, "dialog", FORM)
    (activity,) = house.bot.received
    assert (activity["type"], activity["name"]) == ("invoke", "task/fetch")
    assert activity["value"] == {"data": FETCH, "context": {"theme": "default"}}


@pytest.mark.parametrize(
    "answer",
    [
        {"task": {"type": "continue", "value": {"card": {"contentType": "text/plain", "content": FORM}}}},
        {"task": {"type": "continue", "value": {"title": "no card"}}},
        {"task": {"type": "continue", "value": "card"}},
        goes_on({"type": "Container"}),
        goes_on(height="huge"),
        {"task": {"type": "message", "value": {"not": "text"}}},
        {"task": {"type": "other"}},
        {"task": "x"},
        {"statusCode": 200, "type": ADAPTIVE_CARD, "value": FORM},
    ],
)
async def test_only_a_well_formed_answer_opens_a_dialog(house: House, answer: Any) -> None:
    house.bot.answer = lambda _activity: web.json_response(answer)
    _, opened = await press(house, FETCH)
    assert (opened["shown"], opened["card"]) == ("error", None)
    assert (await submit(house))[0] == 409


async def test_a_dialog_is_sent_with_its_inputs_and_closes_when_the_bot_says_nothing(house: House) -> None:
    await open_form(house)
    house.bot.answer = lambda _activity: web.Response()
    _, sent = await submit(house, inputs={"why": "because"})
    assert sent["shown"] == "closed"
    activity = house.bot.received[-1]
    assert activity["name"] == "task/submit"
    assert activity["value"]["data"] == {"verb": "form", "why": "because"}
    assert (await submit(house, inputs={"why": "again"}))[0] == 409


async def test_a_dialog_is_validated_by_the_client_before_it_is_sent(house: House) -> None:
    await open_form(house)
    assert await submit(house) == (422, {"error": "Say why."})
    assert (await submit(house, inputs={"other": "x"}))[0] == 409
    assert (await submit(house, inputs=["x"]))[0] == 400
    assert len(house.bot.received) == 1


async def test_a_dialog_may_be_answered_with_another_or_with_a_message(house: House) -> None:
    await open_form(house)
    _, sent = await submit(house, inputs={"why": "x"})
    assert sent["shown"] == "dialog"
    house.bot.answer = lambda _activity: web.json_response({"task": {"type": "message", "value": "done"}})
    _, sent = await submit(house, inputs={"why": "x"})
    assert sent["shown"] == "message"
    assert (await submit(house, inputs={"why": "x"}))[0] == 409


async def test_a_dialog_that_fails_stays_open(house: House) -> None:
    await open_form(house)
    house.bot.answer = lambda _activity: web.Response(status=500)
    _, sent = await submit(house, inputs={"why": "x"})
    assert sent["shown"] == "error"
    house.bot.answer = lambda _activity: web.Response()
    assert (await submit(house, inputs={"why": "x"}))[1]["shown"] == "closed"


async def test_a_dialog_that_is_closed_is_told_to_nobody(house: House) -> None:
    await open_form(house)
    assert await house.control("POST", "dialog/close", {"user": "alex"}) == (200, {"closed": True})
    assert await house.control("POST", "dialog/close", {"user": "alex"}) == (200, {"closed": False})
    assert len(house.bot.received) == 1


async def test_im_back_writes_as_if_the_user_had_typed_it(house: House) -> None:
    _, pressed = await press(house, {"msteams": {"type": "imBack", "value": "my roles"}})
    assert pressed["shown"] == "message"
    (activity,) = house.bot.received
    assert (activity["type"], activity["text"]) == ("message", "my roles")
    assert activity["from"]["name"] == "Alex Lindqvist"
    assert (await press(house, {"msteams": {"type": "imBack"}}))[0] == 409


async def test_any_other_submit_button_sends_its_data(house: House) -> None:
    await press(house, {"msteams": {"type": "messageBack"}, "a": "1"})
    (activity,) = house.bot.received
    assert activity["value"] == {"msteams": {"type": "messageBack"}, "a": "1"}

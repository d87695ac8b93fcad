"""How the sandbox's Teams client reads a card."""

from __future__ import annotations

import pytest

from bot.sandbox import teams_cards
from bot.sandbox.teams_cards import InputRefusedError, NoSuchActionError


def execute(verb: str, **more) -> dict:
    return {"type": "Action.Execute", "verb": verb, "title": verb.title(), **more}


def text(name: str, **more) -> dict:
    return {"type": "Input.Text", "id": name, **more}


def data(card: dict, verb: str, **given) -> dict:
    return teams_cards.data_of(teams_cards.find(card, verb=verb, title=None), given)


@pytest.mark.parametrize(
    "card",
    [
        pytest.param({"actions": [execute("go")]}, id="at-the-foot"),
        pytest.param({"body": [{"type": "ActionSet", "actions": [execute("go")]}]}, id="action-set"),
        pytest.param({"body": [{"type": "Container", "selectAction": execute("go")}]}, id="select-action"),
        pytest.param({"body": [text("a", inlineAction=execute("go"))]}, id="inline-action"),
        pytest.param({"selectAction": execute("go")}, id="the-whole-card"),
        pytest.param(
            {"body": [{"type": "ColumnSet", "columns": [{"items": [{"actions": [execute("go")]}]}]}]},
            id="in-a-column",
        ),
        pytest.param(
            {"body": [{"type": "Table", "rows": [{"cells": [{"selectAction": execute("go")}]}]}]},
            id="in-a-table",
        ),
        pytest.param(
            {"actions": [{"type": "Action.ShowCard", "card": {"actions": [execute("go")]}}]}, id="show-card"
        ),
    ],
)
def test_buttons_are_found_wherever_a_card_can_hold_them(card):
    assert teams_cards.find(card, verb="go", title="Go").action["verb"] == "go"


def test_a_hidden_button_can_be_pressed_only_if_something_shows_it():
    hidden = {"type": "ActionSet", "id": "more", "isVisible": False, "actions": [execute("go")]}
    toggle = {"type": "Action.ToggleVisibility", "targetElements": ["more"]}

    with pytest.raises(NoSuchActionError):
        teams_cards.find({"body": [hidden]}, verb="go", title=None)
    assert teams_cards.find({"body": [hidden], "actions": [toggle]}, verb="go", title=None)


def test_two_buttons_of_one_name_are_told_apart_by_nobody():
    with pytest.raises(NoSuchActionError, match="2 such actions"):
        teams_cards.find({"actions": [execute("go"), execute("go")]}, verb="go", title=None)


def test_inputs_win_over_the_data_of_the_action():
    card = {
        "body": [text("reason", value="as before")],
        "actions": [execute("go", data={"reason": "x", "n": 1})],
    }

    assert data(card, "go") == {"reason": "as before", "n": 1}
    assert data(card, "go", reason="new") == {"reason": "new", "n": 1}


def test_values_are_sent_as_text_and_empty_ones_not_at_all():
    card = {
        "body": [
            text("empty"),
            {"type": "Input.Number", "id": "hours"},
            {"type": "Input.Toggle", "id": "sure"},
            {"type": "Input.Toggle", "id": "loud", "valueOn": "1", "valueOff": "0"},
        ],
        "actions": [execute("go", data="text data is dropped")],
    }

    assert data(card, "go", hours=2, sure=True) == {"hours": "2", "sure": "true", "loud": "0"}


def test_an_action_can_leave_the_inputs_behind():
    card = {"body": [text("reason", isRequired=True)], "actions": [execute("go", associatedInputs="none")]}

    assert data(card, "go") == {}


def test_a_show_card_sends_its_parent_s_inputs_and_never_the_other_way_round():
    inner = {"body": [text("inner")], "actions": [execute("deny")]}
    card = {
        "body": [text("outer")],
        "actions": [{"type": "Action.ShowCard", "card": inner}, execute("approve")],
    }

    assert data(card, "deny", inner="i", outer="o") == {"inner": "i", "outer": "o"}
    with pytest.raises(NoSuchActionError, match="inner"):
        data(card, "approve", inner="i")


@pytest.mark.parametrize(
    ("element", "value"),
    [
        pytest.param(text("x", isRequired=True), "", id="empty"),
        pytest.param(text("x", maxLength=3), "four", id="too-long"),
        pytest.param(text("x", regex="^[0-9]+$"), "four", id="pattern"),
        pytest.param({"type": "Input.Toggle", "id": "x", "isRequired": True}, False, id="not-ticked"),
        pytest.param(
            {"type": "Input.ChoiceSet", "id": "x", "choices": [{"value": "a"}]}, "b", id="no-such-choice"
        ),
    ],
)
def test_inputs_are_checked_before_they_are_sent(element, value):
    card = {"body": [element], "actions": [execute("go")]}

    with pytest.raises(InputRefusedError):
        data(card, "go", x=value)


@pytest.mark.parametrize(
    ("element", "value", "sent"),
    [
        pytest.param(text("x", isRequired=True, maxLength=4, regex="^f"), "four", "four", id="text"),
        pytest.param({"type": "Input.Toggle", "id": "x", "isRequired": True}, True, "true", id="ticked"),
        pytest.param({"type": "Input.Date", "id": "x"}, "2026-01-02", "2026-01-02", id="date"),
        pytest.param(
            {
                "type": "Input.ChoiceSet",
                "id": "x",
                "isMultiSelect": True,
                "choices": [{"value": "a"}, {"value": "b"}],
            },
            "a,b",
            "a,b",
            id="choices",
        ),
    ],
)
def test_good_inputs_are_sent(element, value, sent):
    assert data({"body": [element], "actions": [execute("go")]}, "go", x=value) == {"x": sent}


@pytest.mark.parametrize(
    "refresh",
    [
        pytest.param(None, id="none"),
        pytest.param({"userIds": ["29:1"]}, id="no-action"),
        pytest.param({"action": {"type": "Action.Submit"}, "userIds": ["29:1"]}, id="not-execute"),
        pytest.param({"action": execute("look")}, id="no-user-ids"),
    ],
)
def test_a_card_without_a_usable_refresh_is_not_refreshed(refresh):
    with pytest.raises(NoSuchActionError):
        teams_cards.refresh_action({"refresh": refresh}, "29:1")

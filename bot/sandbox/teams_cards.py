"""How a Teams client reads an Adaptive Card: which buttons there are and what a click sends.

Pure functions on card JSON. Rules from the Adaptive Cards 1.5 schema and its JavaScript renderer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MAX_REFRESH_USERS = 60
"""Teams documentation, "User Specific Views": at most 60 ids in ``refresh.userIds``."""
_CHILDREN = ("body", "items", "columns", "rows", "cells")
_SINGLE_ACTIONS = ("selectAction", "inlineAction")


class NoSuchActionError(Exception):
    """The card has no such button, or it can't be pressed."""


class InputRefusedError(Exception):
    """The client won't send these inputs; the message is what it shows."""


@dataclass(frozen=True, slots=True)
class Button:
    """An action a user can press, with the inputs that go along."""

    action: dict[str, Any]
    inputs: tuple[dict[str, Any], ...]


def _elements(node: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every element below, except the cards behind Action.ShowCard."""
    for key in _CHILDREN:
        for child in node.get(key) or ():
            if isinstance(child, dict):
                yield child
                yield from _elements(child)


def _shown(node: Mapping[str, Any], revealed: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    """The node and every element below that is visible, or that a toggle can show."""
    if node.get("isVisible") is False and node.get("id") not in revealed:
        return
    yield node
    for key in _CHILDREN:
        for child in node.get(key) or ():
            if isinstance(child, dict):
                yield from _shown(child, revealed)


def _own_actions(node: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for action in node.get("actions") or ():
        if isinstance(action, dict):
            yield action
    for key in _SINGLE_ACTIONS:
        if isinstance(node.get(key), dict):
            yield node[key]


def _toggled(node: Any) -> Iterator[str]:
    """Ids that some Action.ToggleVisibility can show."""
    if isinstance(node, list):
        for item in node:
            yield from _toggled(item)
    elif isinstance(node, dict):
        for target in node.get("targetElements") or ():
            yield str(target.get("elementId")) if isinstance(target, dict) else str(target)
        for item in node.values():
            yield from _toggled(item)


def buttons(card: Mapping[str, Any]) -> list[Button]:
    """Every action of the card, those behind Action.ShowCard included."""
    return list(_buttons(card, (), frozenset(_toggled(card))))


def _buttons(
    card: Mapping[str, Any], inherited: tuple[dict[str, Any], ...], revealed: frozenset[str]
) -> Iterator[Button]:
    # Hidden inputs are sent along like all others; hidden buttons can't be pressed.
    own = (e for e in _elements(card) if str(e.get("type", "")).startswith("Input.") and e.get("id"))
    inputs = (*inherited, *own)
    for element in _shown(card, revealed):
        for action in _own_actions(element):
            if action.get("type") == "Action.ShowCard":
                yield from _buttons(action.get("card") or {}, inputs, revealed)
            else:
                yield Button(action, () if action.get("associatedInputs") == "none" else inputs)


def find(card: Mapping[str, Any], *, verb: str | None, title: str | None) -> Button:
    """The one button with this verb and (or) title.

    Raises ``NoSuchActionError`` when there is none, more than one, or it is disabled.
    """
    if verb is None and title is None:
        raise NoSuchActionError("name the action by verb or title")
    every = buttons(card)
    found = [
        b
        for b in every
        if (verb is None or b.action.get("verb") == verb)
        and (title is None or b.action.get("title") == title)
    ]
    if len(found) != 1:
        offered = [{k: b.action.get(k) for k in ("type", "verb", "title")} for b in every]
        raise NoSuchActionError(f"{len(found)} such actions on the card; it offers {offered}")
    if found[0].action.get("isEnabled") is False:
        raise NoSuchActionError("the action is disabled")
    return found[0]


def typed(button: Button, text: Any) -> dict[str, Any]:
    """What a person types before pressing the button, in the last text field that goes with it."""
    if text is None:
        return {}
    fields = [str(e["id"]) for e in button.inputs if e.get("type") == "Input.Text"]
    if not fields:
        raise NoSuchActionError("there is no text field to type into")
    return {fields[-1]: text}


def data_of(button: Button, given: Mapping[str, Any], *, force: bool = False) -> dict[str, Any]:
    """The action's data with its inputs merged over it; empty inputs are left out.

    Values become strings, as every client sends them. ``force`` skips validation. Raises
    ``NoSuchActionError`` for an input the card has not, ``InputRefusedError`` as Teams does.
    """
    known = {str(element["id"]) for element in button.inputs}
    if unknown := sorted(set(given) - known):
        raise NoSuchActionError(f"the card has no inputs {unknown} for this action; it has {sorted(known)}")
    own = button.action.get("data")
    data: dict[str, Any] = dict(own) if isinstance(own, dict) else {}
    for element in button.inputs:
        value = _text(given.get(str(element["id"]), element.get("value")))
        if element.get("type") == "Input.Toggle" and not value:
            value = str(element.get("valueOff", "false"))
        if not force:
            _validate(element, value)
        if value:
            data[str(element["id"])] = value
    return data


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _validate(element: Mapping[str, Any], value: str) -> None:
    if _invalid(element, value):
        message = element.get("errorMessage") or f"input {element['id']!r} is not valid"
        raise InputRefusedError(str(message))


def _invalid(element: Mapping[str, Any], value: str) -> bool:
    kind = element.get("type")
    if not value.strip():
        return element.get("isRequired") is True
    if kind == "Input.Toggle":
        return element.get("isRequired") is True and value != str(element.get("valueOn", "true"))
    if kind == "Input.Text":
        return _invalid_text(element, value)
    if kind == "Input.ChoiceSet":
        choices = {str(choice.get("value")) for choice in element.get("choices") or ()}
        return not set(value.split(",") if element.get("isMultiSelect") else [value]) <= choices
    return False


def _invalid_text(element: Mapping[str, Any], value: str) -> bool:
    limit, pattern = element.get("maxLength"), element.get("regex")
    if isinstance(limit, int) and len(value) > limit:
        return True
    return isinstance(pattern, str) and re.search(pattern, value) is None


def submit_fallback(button: Button) -> Button:
    """The Action.Submit an old client shows in place of an Action.Execute.

    Raises ``NoSuchActionError`` when the card offers none.
    """
    if button.action.get("type") == "Action.Submit":
        return button
    fallback = button.action.get("fallback")
    if not isinstance(fallback, dict) or fallback.get("type") != "Action.Submit":
        raise NoSuchActionError("the action has no Action.Submit fallback")
    return Button(fallback, () if fallback.get("associatedInputs") == "none" else button.inputs)


def execute_value(action: Mapping[str, Any], data: Mapping[str, Any], trigger: str) -> dict[str, Any]:
    """The ``value`` of an ``adaptiveCard/action`` invoke; ``trigger``: manual or automatic."""
    sent = {"type": "Action.Execute", "id": action.get("id"), "verb": action.get("verb"), "data": data}
    return {"action": {k: v for k, v in sent.items() if v is not None}, "trigger": trigger}


def refresh_action(card: Mapping[str, Any], teams_id: str) -> dict[str, Any]:
    """The action a client runs by itself when this user sees the card.

    Raises ``NoSuchActionError`` when it would not.
    """
    refresh = card.get("refresh")
    if not isinstance(refresh, dict) or not isinstance(refresh.get("action"), dict):
        raise NoSuchActionError("the card has no refresh action")
    action: dict[str, Any] = refresh["action"]
    if action.get("type") != "Action.Execute":
        raise NoSuchActionError("the refresh action is no Action.Execute")
    users = refresh.get("userIds") or []
    if len(users) > MAX_REFRESH_USERS:
        raise NoSuchActionError(f"more than {MAX_REFRESH_USERS} userIds: Teams refreshes for nobody")
    if teams_id not in users:
        raise NoSuchActionError("the user is not among the card's refresh.userIds")
    return action

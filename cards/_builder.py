"""adaptivecardbuilder, wrapped once.

What 0.0.9 does not know (``Action.Execute``, refresh) is added, and its traps are walked round:
``to_dict`` is async, destroys the card, says version 1.2 and writes ``schema`` for ``$schema``;
``add`` takes strings as cursor movements, so trees are built from lists and ``add`` is never called.

``words`` makes a ``TextBlock``, which renders Markdown: for our own text and date functions.
``run`` makes a ``TextRun``, which does not: the only element that may hold a stranger's text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import adaptivecardbuilder as acb

SCHEMA: Final = "http://adaptivecards.io/schemas/adaptive-card.json"
VERSION: Final = "1.5"
"""The newest version Teams renders."""

MAX_REFRESH_USERS: Final = 60
"""Teams ignores the refresh of a card that lists more (Teams docs, "User specific views")."""

Element: TypeAlias = Any


class _Execute(acb.AdaptiveObject):  # type: ignore[misc]  # untyped library
    def __init__(self, verb: str, data: Mapping[str, str], **more: Any) -> None:
        super().__init__()
        self.type = "Action.Execute"
        self.verb = verb
        self.data = dict(data)
        self.__dict__.update(more)


def words(text: str, **style: Any) -> Element:
    """A wrapping ``TextBlock`` of our own words (Markdown is rendered)."""
    return acb.TextBlock(text, wrap=True, **style)


def run(text: str, **style: Any) -> Element:
    """A ``TextRun``: shown letter for letter."""
    return acb.TextRun(text, **style)


def rich(*runs: Element, **style: Any) -> Element:
    return acb.RichTextBlock(inlines=list(runs), **style)


def box(items: Iterable[Element], **style: Any) -> Element:
    return acb.Container(items=list(items), **style)


def columns(*each: Element, **style: Any) -> Element:
    return acb.ColumnSet(columns=list(each), **style)


def column(items: Iterable[Element], width: str, **style: Any) -> Element:
    return acb.Column(items=list(items), width=width, **style)


def text_input(name: str, **more: Any) -> Element:
    return acb.InputText(name, **more)


def choice_input(name: str, choices: Iterable[tuple[str, str]], **more: Any) -> Element:
    """A drop-down; ``choices``: value and title of each."""
    listed = [{"title": title, "value": value} for value, title in choices]
    return acb.InputChoiceSet(name, choices=listed, style="compact", **more)


def buttons(actions: Iterable[Element], **style: Any) -> Element:
    """Buttons in the body of a card."""
    return acb.ActionSet(actions=list(actions), **style)


def submit(title: str, data: Mapping[str, Any], **more: Any) -> Element:
    """``Action.Submit``: sends a dialog, or opens one."""
    return acb.ActionSubmit(title=title, data=dict(data), **more)


def execute(verb: str, data: Mapping[str, str], **more: Any) -> Element:
    """``Action.Execute``, with ``Action.Submit`` for clients older than Adaptive Cards 1.4."""
    return _Execute(verb, data, fallback=acb.ActionSubmit(data=dict(data), **more), **more)


def show_card(title: str, body: Iterable[Element], actions: Iterable[Element], **more: Any) -> Element:
    """A button that opens a card within the card."""
    inner = {"type": "AdaptiveCard", "body": list(body), "actions": list(actions)}
    return acb.ActionShowCard(title=title, card=inner, **more)


def open_url(url: str, title: str) -> Element:
    return acb.ActionOpenUrl(url, title=title)


def refresh(verb: str, data: Mapping[str, str], user_ids: Sequence[str]) -> Element:
    """The ``refresh`` property: these users' clients ask for a card of their own."""
    action = _Execute(verb, data, associatedInputs="none")
    return {"action": action, "userIds": list(user_ids[:MAX_REFRESH_USERS])}


def card(
    body: Iterable[Element], actions: Iterable[Element], *, fallback_text: str, speak: str, **more: Any
) -> dict[str, Any]:
    """The finished card as plain JSON values; ``more`` are further top-level properties."""
    built = acb.AdaptiveCard(
        version=VERSION,
        body=list(body),
        actions=list(actions),
        fallbackText=fallback_text,
        speak=speak,
        _pointer=None,  # a cursor for ``add``: on the card itself, only the garbage collector would end it
        **more,
    )
    values = _values(built)
    del values["schema"]
    return {"$schema": SCHEMA, **values}


def _values(value: Any) -> Any:
    """Without the library's own bookkeeping, whose names start with an underscore."""
    if isinstance(value, str):  # most of a card
        return value
    if isinstance(value, (acb.AdaptiveObject, acb.AdaptiveCard)):
        return {key: _values(item) for key, item in vars(value).items() if not key.startswith("_")}
    if isinstance(value, dict):
        return {key: _values(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_values(item) for item in value]
    return value

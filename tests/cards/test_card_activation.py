from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from card_variants import ACTIVATION, HOSTILE_TEXT, OWN, USABLE, own

import cards
from bot.domain.content import ActivationCard
from bot.domain.following import Stage
from cards import text


def buttons(content: Any) -> dict[str, Any]:
    return {one["title"]: one for one in cards.render(content)["actions"]}


def said(content: Any) -> str:
    return json.dumps(cards.render(content), ensure_ascii=False)


@pytest.mark.parametrize(
    ("stage", "commands"),
    [
        (Stage.WAITING, ["cancel Global Administrator"]),
        (Stage.USABLE, ["extend Global Administrator 120m", "deactivate Global Administrator"]),
        (Stage.ENDING, ["extend Global Administrator 120m", "deactivate Global Administrator"]),
        (Stage.GRANTED, []),
        (Stage.DENIED, []),
        (Stage.WITHDRAWN, []),
        (Stage.EXPIRED, ["again"]),
        (Stage.ENDED, ["again"]),
    ],
)
def test_each_button_sends_what_could_be_typed(stage: Stage, commands: list[str]) -> None:
    sent = [
        one["data"]["msteams"]["value"]
        for one in buttons(own(stage)).values()
        if one["type"] == "Action.Submit"
    ]
    assert sent == commands


def test_every_stage_has_words_and_an_example() -> None:
    assert set(text.STAGES) == set(text.STAGE_NOTES) == set(Stage)
    assert {content.stage for content in OWN.values() if isinstance(content, ActivationCard)} == set(Stage)


def test_usable_is_said_only_of_what_graph_was_seen_to_show() -> None:
    for name, content in OWN.items():
        assert isinstance(content, ActivationCard)
        assert (text.STAGES[Stage.USABLE] in said(content)) == (content.stage is Stage.USABLE), name


def test_usable_comes_with_the_end_the_time_it_took_and_the_hint_about_tokens() -> None:
    words = said(own(Stage.USABLE, USABLE))
    assert "{{TIME(2026-11-23T11:18:10Z)}}" in words
    assert "42 seconds" in words
    assert "Sign out and in again" in words


def test_a_hostile_role_name_does_nothing_in_a_command() -> None:
    hostile = replace(ACTIVATION, role_name=HOSTILE_TEXT)
    drawn = said(own(Stage.WAITING, hostile))
    for active in ("**", "](", "<at>", "${role}", "\u202e", "https://evil"):
        assert active not in drawn


def test_an_unknown_hitch_is_told_without_a_cause() -> None:
    assert text.HITCH_FALLBACK in said(own(Stage.USABLE, replace(USABLE, hitch="news")))

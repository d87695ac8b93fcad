from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from card_variants import ACTIVATION, ASKED, HOSTILE_TEXT, OWN, USABLE, own
from hypothesis import example, given
from hypothesis import strategies as st

import cards
from bot.domain import letters
from bot.domain.content import ActivationCard
from bot.domain.following import Stage
from bot.domain.grammar import parse
from bot.domain.model import Ticket
from bot.domain.said import Chosen, Said
from bot.domain.typed import Activate, Cancel, Command, Deactivate, Extend, Span
from bot.inbound import sayings
from cards import text

ROLE = ACTIVATION.role_name
UNIT = "/administrativeUnits/11111111-0000-4000-8000-000000000001"
UTC = ZoneInfo("UTC")
HOURS = Span(duration=timedelta(hours=2))
AGAIN = Activate(ROLE, None, HOURS, None, ACTIVATION.reason, Ticket("CHG0042"))


def submits(content: Any) -> list[dict[str, Any]]:
    return [one for one in buttons(content).values() if one["type"] == "Action.Submit"]


def press(button: dict[str, Any]) -> dict[str, Any]:
    """What Teams sends when it is pressed."""
    return {"type": "message", "value": button["data"]}


def read(said: Said) -> Any:
    return parse(said.text, ASKED, UTC)


def buttons(content: Any) -> dict[str, Any]:
    return {one["title"]: one for one in cards.render(content)["actions"]}


def said(content: Any) -> str:
    return json.dumps(cards.render(content), ensure_ascii=False)


@pytest.mark.parametrize(
    ("stage", "commands"),
    [
        (Stage.WAITING, [Cancel(ROLE)]),
        (Stage.USABLE, [Extend(ROLE, HOURS), Deactivate(ROLE)]),
        (Stage.ENDING, [Extend(ROLE, HOURS), Deactivate(ROLE)]),
        (Stage.GRANTED, []),
        (Stage.DENIED, []),
        (Stage.WITHDRAWN, []),
        (Stage.EXPIRED, [AGAIN]),
        (Stage.FAILED, [AGAIN]),
        (Stage.ENDED, [AGAIN]),
    ],
)
@pytest.mark.parametrize("name", ["Tier 1 On-call 24h", "Reason: finance", "Global Administrator"])
def test_each_button_says_what_could_be_typed_and_what_it_is_about(
    stage: Stage, commands: list[Command], name: str
) -> None:
    """At one scope of several, with a name that would be read as something else."""
    activation = replace(ACTIVATION, role_name=name, scope=UNIT)
    pressed = [sayings.pressed(press(one), UTC) for one in submits(own(stage, activation))]
    assert [read(one) for one in pressed] == [replace(one, role_text=name) for one in commands]
    about = Chosen(ACTIVATION.request_id) if stage is Stage.WAITING else Chosen(ACTIVATION.key, UNIT)
    assert [one.chosen for one in pressed] == [about] * len(commands)


@pytest.mark.parametrize("span", [None, timedelta(seconds=5)])
def test_without_a_duration_that_can_be_said_none_is_said(span: timedelta | None) -> None:
    again, *_ = submits(own(Stage.ENDED, replace(ACTIVATION, duration=span)))
    assert read(sayings.pressed(press(again), UTC)) == replace(AGAIN, span=Span())


@given(st.text(max_size=80), st.text(max_size=900), st.none() | st.text(min_size=1, max_size=64))
@example("", ":", None)
@example("", ", : and so on", None)
def test_ask_again_says_all_of_it_or_opens_the_form(name: str, reason: str, ticket: str | None) -> None:
    number = None if ticket is None else Ticket(ticket)
    (again,) = submits(own(Stage.ENDED, replace(ACTIVATION, role_name=name, reason=reason, ticket=number)))
    if again["data"]["verb"] == sayings.COMMAND_VERB:
        said = sayings.pressed(press(again), UTC)
        command = read(said)
        assert isinstance(command, Activate)
        assert command.reason == letters.prose(reason).strip()
        assert ticket is None or (command.ticket and command.ticket.number == ticket)
    else:
        said = sayings.form_asked_for({"value": {"data": again["data"]}}, UTC)
        command = read(said)
    assert isinstance(command, Activate)
    assert (command.span, command.starts_at) == (HOURS, None)
    assert said.chosen == Chosen(ACTIVATION.key, "/")


@pytest.mark.parametrize(
    ("reason", "ticket", "kept"),
    [("x" * 900, Ticket("7"), ""), ("why", Ticket("CHG 12, second try"), "why")],
    ids=["too long", "no number"],
)
def test_what_no_button_can_say_is_filled_into_the_form(reason: str, ticket: Ticket, kept: str) -> None:
    (again,) = submits(own(Stage.ENDED, replace(ACTIVATION, reason=reason, ticket=ticket)))
    assert again["data"]["msteams"] == {"type": "task/fetch"}
    assert read(sayings.form_asked_for({"value": {"data": again["data"]}}, UTC)) == Activate(
        ROLE, None, HOURS, None, kept
    )


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

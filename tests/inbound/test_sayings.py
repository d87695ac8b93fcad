"""What comes from buttons and forms is read as a client may have forged it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from channel_samples import activity, click
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import InboundError
from bot.domain.said import MAX_TEXT, Chosen, Filled, Said
from bot.inbound import sayings

UTC = ZoneInfo("UTC")
OSLO = ZoneInfo("Europe/Oslo")


def press(trigger: str = "manual", **data: Any) -> dict[str, Any]:
    data = {"verb": "command", "text": "status"} | data
    action = {"type": "Action.Execute", "verb": "command", "data": data}
    return activity(
        "invoke", name="adaptiveCard/action", value={"action": action, "trigger": trigger}, text=None
    )


def sent(**data: Any) -> dict[str, Any]:
    return activity("invoke", name="task/submit", value={"data": {"verb": "form"} | data}, text=None)


def test_a_message_is_read_without_the_mention_of_the_bot() -> None:
    bot = activity()["recipient"]
    mention = {"type": "mention", "mentioned": bot, "text": "<at>Second Key</at>"}
    said = sayings.typed(activity(text="<at>Second Key</at>\u00a0my roles ", entities=[mention]), UTC)
    assert said == Said("my roles", UTC)


def test_somebody_else_who_is_mentioned_is_named() -> None:
    bob = {"type": "mention", "mentioned": {"id": "29:bob"}, "text": '<at id="1">Bob Ray</at>'}
    odd = {"type": "mention", "mentioned": {"id": "29:x"}, "text": 7}
    sample = activity(text='activate SA 2h because <at id="1">Bob Ray</at> asked', entities=[bob, odd])
    assert sayings.typed(sample, UTC).text == "activate SA 2h because Bob Ray asked"


def test_a_message_of_any_length_is_cut_where_no_command_is_that_long() -> None:
    assert len(sayings.typed(activity(text="x" * 100_000), UTC).text) == MAX_TEXT + 1


@pytest.mark.parametrize(
    ("more", "zone"),
    [
        ({"localTimezone": "Europe/Oslo"}, OSLO),
        (
            {"entities": [{"type": "clientInfo", "timezone": "Europe/Oslo"}], "localTimezone": "Asia/Tokyo"},
            OSLO,
        ),
        ({"entities": [{"type": "clientInfo"}], "localTimezone": "Europe/Oslo"}, OSLO),
        ({}, UTC),
        ({"localTimezone": "../../etc/passwd"}, UTC),
        ({"localTimezone": "/etc/passwd"}, UTC),
        ({"localTimezone": "No/Where"}, UTC),
        ({"localTimezone": "Europe"}, UTC),
        ({"localTimezone": ""}, UTC),
        ({"localTimezone": "x" * 65}, UTC),
        ({"localTimezone": 7}, UTC),
        ({"localTimezone": "a\x00b"}, UTC),
    ],
)
def test_the_zone_is_the_clients_if_it_is_one(more: dict[str, Any], zone: ZoneInfo) -> None:
    assert sayings.zone_of(activity(**more), UTC) == zone


def test_a_button_says_a_command_with_what_was_chosen() -> None:
    sample = press(text="activate SA 2h", key="r1", scope="/", confirmed="yes")
    assert sayings.is_command_click(sample)
    assert sayings.pressed(sample, UTC) == Said("activate SA 2h", UTC, Chosen("r1", "/"), confirmed=True)
    assert sayings.pressed(press(), UTC) == Said("status", UTC)
    assert sayings.pressed(press(confirmed="perhaps"), UTC).confirmed is False


def test_an_old_client_sends_the_same_as_a_message() -> None:
    sample = activity(value={"verb": "command", "text": "status"}, text=None)
    assert sayings.is_command_click(sample)
    assert sayings.pressed(sample, UTC) == Said("status", UTC)


@pytest.mark.parametrize(
    "sample",
    [
        activity(),
        click("approve"),
        click("approve", verb="command"),
        activity("invoke", value={"action": {"verb": "command"}}),
        activity("invoke", value={"action": "command"}),
        activity("invoke", value=["command"]),
    ],
)
def test_another_button_is_no_command(sample: dict[str, Any]) -> None:
    assert not sayings.is_command_click(sample)


@pytest.mark.parametrize(
    ("sample", "cause"),
    [
        (press("automatic"), "command-without-click"),
        (press(text=7), "bad-text"),
        (press(text="x" * (MAX_TEXT + 1)), "bad-text"),
        (press(key="r1"), "bad-choice"),
        (press(key=None, scope="/"), "bad-choice"),
        (press(key="", scope="/"), "bad-choice"),
        (press(key="x" * 513, scope="/"), "bad-choice"),
        (press(key="r1", scope={"a": 1}), "bad-choice"),
    ],
)
def test_what_no_button_of_ours_sends_is_refused(sample: dict[str, Any], cause: str) -> None:
    with pytest.raises(InboundError) as refused:
        sayings.pressed(sample, UTC)
    assert refused.value.cause == cause


def test_the_form_is_asked_for_with_what_was_typed() -> None:
    sample = sent(text="activate SA 2h", key="r1", scope="/")
    assert sayings.form_asked_for(sample, UTC) == Said("activate SA 2h", UTC, Chosen("r1", "/"))
    assert sayings.form_asked_for(sent(), UTC) == Said("", UTC)


def test_the_form_is_read_as_it_was_filled() -> None:
    filled = sayings.form_filled(sent(role="r1 /", duration=" 2h ", reason="a\n\x00b", ticket="7"))
    assert filled == Filled("r1 /", "2h", "a\nb", "7")
    assert sayings.form_filled(sent()) == Filled()


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (None, "bad-form"),
        ({"data": None}, "bad-form"),
        ({"data": {"verb": "command"}}, "bad-form"),
        ({"data": {"verb": "form", "role": 7}}, "bad-role"),
        ({"data": {"verb": "form", "reason": "x" * 4001}}, "bad-reason"),
        ({"data": {"verb": "form", "ticket": ["7"]}}, "bad-ticket"),
    ],
)
def test_what_no_form_of_ours_sends_is_refused(value: Any, cause: str) -> None:
    with pytest.raises(InboundError) as refused:
        sayings.form_filled(activity("invoke", name="task/submit", value=value))
    assert refused.value.cause == cause


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(["verb", "text", "key", "scope", "confirmed", "role", "duration", "data", "action"])


@given(_JSON | st.dictionaries(_NAMES, _JSON), st.sampled_from(["message", "invoke"]))
def test_no_value_makes_anything_else_raise(value: Any, kind: str) -> None:
    sample = activity(kind, value=value)
    for read in (
        lambda: sayings.is_command_click(sample),
        lambda: sayings.pressed(sample, UTC),
        lambda: sayings.form_asked_for(sample, UTC),
        lambda: sayings.form_filled(sample),
    ):
        try:
            read()
        except InboundError:
            continue

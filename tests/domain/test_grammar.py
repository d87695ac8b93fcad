"""What somebody typed, read into commands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain import letters
from bot.domain.commands import COMMANDS, CommandInfo, CommandName
from bot.domain.grammar import NAMES, VERBS, Options, parse, render
from bot.domain.model import Ticket
from bot.domain.tickets import TicketPatterns
from bot.domain.typed import (
    NO_SPAN,
    Activate,
    Again,
    Cancel,
    Command,
    Deactivate,
    Extend,
    Help,
    MyRoles,
    Pending,
    SignIn,
    SignOut,
    Span,
    Status,
    Unparsed,
    Unread,
    WhoCanApprove,
)

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
"""10:00 there."""
TWO_HOURS = Span(duration=timedelta(hours=2))


def read(text: str) -> Command | Unparsed:
    return parse(text, AT, ZONE)


def hours(n: float) -> Span:
    return Span(duration=timedelta(hours=n))


def until(day: int, hour: int, minute: int = 0) -> Span:
    return Span(until=datetime(2026, 11, day, hour, minute, tzinfo=UTC))


# Every command -----------------------------------------------------------------------------------


@pytest.mark.parametrize("info", COMMANDS, ids=lambda info: info.name)
def test_every_example_of_the_table_is_a_command_of_that_name(info: CommandInfo) -> None:
    command = read(info.example)
    assert not isinstance(command, Unparsed)
    assert render(command).startswith(info.name)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("my roles", MyRoles()),
        ("My  Roles?", MyRoles()),
        ("roles please", MyRoles()),
        ("status", Status()),
        ("my requests", Status()),
        ("PENDING!", Pending()),
        ("again", Again()),
        ("please repeat", Again()),
        ("again now", Again()),
        ("help", Help()),
        ("", Help()),
        ("?", Help()),
        ("because", Help()),
        ("\u200b\u00a0", Help()),
        ("hello", Help()),
        ("sign in", SignIn()),
        ("log\u00a0in", SignIn()),
        ("sign out", SignOut()),
        ("cancel", Cancel()),
        ("cancel Security Administrator", Cancel("Security Administrator")),
        ("deactivate SA", Deactivate("SA")),
        ("give back SA please", Deactivate("SA")),
        ("who can approve SA?", WhoCanApprove("SA")),
        ("who approves Security Administrator", WhoCanApprove("Security Administrator")),
        ("extend SA 1h", Extend("SA", hours(1))),
        ("extend SA by 90m because it takes longer", Extend("SA", hours(1.5), "it takes longer")),
        ("extend SA until 17:00", Extend("SA", until(25, 16))),
        ("extend 1h SA", Extend("SA", hours(1))),
        ("extend SA", Extend("SA")),
    ],
)
def test_commands_are_read_however_they_are_capitalised_or_ended(text: str, command: Command) -> None:
    assert read(text) == command


def test_every_command_has_its_name() -> None:
    assert set(NAMES) == set(get_args(Command))
    assert sorted(NAMES.values()) == sorted(CommandName)


# activate ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "activate SA 2h because x",
        "Activate SA for 2 hours because x",
        "activate 2h SA because x",
        "activate for 2h SA because x",
        "please activate SA, 2h, because x",
        "ACTIVATE SA 2H BECAUSE x",
        "activate SA 2h now because: x",
        "activate SA from now 2h because x",
        "activate SA 2h reason: x",
        "activate\u00a0SA\u200b 2h because\u00a0x",
        "\u200factivate SA 2h because x",
        "elevate SA 2h\nbecause x",
        'activate "SA" 2h because x',
        "activate “SA” PT2H because x",
        "ａｃｔｉｖａｔｅ SA 2h because x",
    ],
)
def test_one_activation_in_many_spellings(text: str) -> None:
    assert read(text) == Activate("SA", span=TWO_HOURS, reason="x")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("activate", Activate("")),
        ("activate SA", Activate("SA")),
        ("activate 2h", Activate("", span=TWO_HOURS)),
        ("activate SA because x", Activate("SA", reason="x")),
        ("activate SA 2h because", Activate("SA", span=TWO_HOURS)),
        ("activate SA on Berlin 2h because x", Activate("SA", "Berlin", TWO_HOURS, reason="x")),
        ("activate SA 2h on Berlin because x", Activate("SA", "Berlin", TWO_HOURS, reason="x")),
        ("activate 2h on Berlin SA because x", Activate("", "Berlin SA", TWO_HOURS, reason="x")),
        ("activate A on B on C", Activate("A on B", "C")),
        ("activate SA until 17:00 because x", Activate("SA", span=until(25, 16), reason="x")),
        ("activate SA until 9:00 because x", Activate("SA", span=until(26, 8), reason="x")),
        ("activate SA until tomorrow 9:00", Activate("SA", span=until(26, 8))),
        (
            "activate SA from 14:00 to 16:00",
            Activate("SA", span=until(25, 15), starts_at=datetime(2026, 11, 25, 13, tzinfo=UTC)),
        ),
        (
            "activate SA from tomorrow 9:00 for 2h",
            Activate("SA", span=TWO_HOURS, starts_at=datetime(2026, 11, 26, 8, tzinfo=UTC)),
        ),
        (
            "activate SA starting at 18:00 until 8:00",
            Activate("SA", span=until(26, 7), starts_at=datetime(2026, 11, 25, 17, tzinfo=UTC)),
        ),
        (
            "activate Windows 365 Administrator 1h30 because x",
            Activate("Windows 365 Administrator", span=hours(1.5), reason="x"),
        ),
        (
            'activate "SRE on call until 9" 2h because x',
            Activate("SRE on call until 9", span=TWO_HOURS, reason="x"),
        ),
        ('activate "Because Team" 2h because x', Activate("Because Team", span=TWO_HOURS, reason="x")),
        ("activate member of Tier 0 2h", Activate("member of Tier 0", span=TWO_HOURS)),
    ],
)
def test_what_is_said_is_read_and_what_is_not_said_stays_open(text: str, command: Activate) -> None:
    assert read(text) == command


@pytest.mark.parametrize(
    ("text", "ticket", "reason"),
    [
        ("activate SA 2h because ticket 1234", Ticket("1234"), "ticket 1234"),
        ("activate SA 2h because of INC0012345", Ticket("INC0012345", "ServiceNow"), "of INC0012345"),
        (
            "activate SA 2h because patching ticket JIRA-77",
            Ticket("JIRA-77", "Jira"),
            "patching ticket JIRA-77",
        ),
        ("activate SA 2h ticket 1234 because patching", Ticket("1234"), "patching"),
        ("activate SA 2h ticket 1 because ticket 2", Ticket("1"), "ticket 2"),
        ("activate SA 2h because patching", None, "patching"),
    ],
)
def test_a_ticket_is_found_and_the_reason_stays_whole(text: str, ticket: Ticket | None, reason: str) -> None:
    command = read(text)
    assert isinstance(command, Activate)
    assert (command.ticket, command.reason, command.role_text) == (ticket, reason, "SA")


def test_administrators_say_what_a_ticket_looks_like() -> None:
    options = Options(TicketPatterns.of({"Help desk": r"HD\d+"}))
    command = parse("activate SA 2h because HD12 INC0012345", AT, ZONE, options)
    assert isinstance(command, Activate)
    assert command.ticket == Ticket("HD12", "Help desk")


@pytest.mark.parametrize(
    "reason",
    [
        "because because 2h until 17:00",
        "'; DROP TABLE requests; --",
        "<script>alert(1)</script> **bold** [x](javascript:1)",
        "שלום \u200fעולם",
        "👩\u200d💻 🔥",
        'he said "because"',
        "a\nb",
        "x" * 4000,
    ],
)
def test_nothing_in_a_reason_is_read_or_changed(reason: str) -> None:
    assert read(f"activate SA 2h because {reason}") == Activate("SA", span=TWO_HOURS, reason=reason)


# What is no command ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why", "suggestion"),
    [
        ("activate SA 2h patching servers", Unread.LEFT_OVER, "activate SA 2h because patching servers"),
        ("activate SA 2h GA because x", Unread.LEFT_OVER, "activate SA 2h because x"),
        ("activate SA 2h until 17:00 because x", Unread.TWO_DURATIONS, "activate SA 2h because x"),
        ("activate SA 2h for 3h because x", Unread.TWO_DURATIONS, "activate SA 2h because x"),
        ("activate SA 2h from 9:00 to 12:00", Unread.TWO_DURATIONS, "activate SA 2h"),
        ("activate SA 0h because x", Unread.BAD_DURATION, "activate SA 2h because x"),
        ("activate SA 2h 3h because x", Unread.BAD_DURATION, "activate SA 2h because x"),
        ("activate SA until 5 because x", Unread.BAD_TIME, "activate SA 2h because x"),
        ("activate SA until tonight because x", Unread.BAD_TIME, "activate SA 2h because x"),
        ("activate SA from today 9:00 2h because x", Unread.BAD_TIME, "activate SA 2h because x"),
        ("activate SA now GA 2h", Unread.LEFT_OVER, "activate SA 2h because GA"),
        ("activate until because x", Unread.BAD_TIME, "activate 2h because x"),
        ("extend SA 0m", Unread.BAD_DURATION, "extend SA 2h"),
        ("extend SA from 17:00 1h", Unread.LEFT_OVER, "extend SA 2h"),
        ("extend until", Unread.BAD_TIME, "extend 2h"),
        ("status of everything", Unread.LEFT_OVER, "status"),
        ("actvate SA 2h because x", Unread.NO_COMMAND, "activate SA 2h because x"),
        ("deativate SA", Unread.NO_COMMAND, "deactivate SA"),
        ("sgin in", Unread.NO_COMMAND, "sign in"),
        ("helpp", Unread.NO_COMMAND, "help"),
        ("could you activate SA 2h because x", Unread.NO_COMMAND, "activate SA 2h because x"),
        ("I need SA for 2h because fire", Unread.NO_COMMAND, "activate SA for 2h because fire"),
        ("SELECT * FROM roles", Unread.NO_COMMAND, "roles"),
        ("SELECT * FROM users", Unread.NO_COMMAND, "help"),
        ("🎉", Unread.NO_COMMAND, "help"),
    ],
)
def test_what_can_not_be_read_is_answered_with_the_nearest_command(
    text: str, why: Unread, suggestion: str
) -> None:
    assert read(text) == Unparsed(why, suggestion)


# For any text ------------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [
        *VERBS, "because", "reason:", "on", "for", "by", "until", "till", "from", "to", "starting at", "now",
        "please", "2h", "90m", "1h30", "half an hour", "0h", "17:00", "tomorrow 9:00", "5", "today", "ticket",
        "ticket 1234", "INC0012345", "SA", "Security Administrator", '"', '"SRE on call"', "“x”", "«",
        "Tier 0", "\u200b", "\u200f", "\u00a0", "\n", ",", "?", ".", "\x00", "\x000\x00", "🔥", "<b>",
        "' OR 1=1 --", "2026-11-27T08:00Z", "and", "a half", "1", "d", "ｂｅｃａｕｓｅ", "…", "½",
    ]
)  # fmt: skip
_LINES = st.lists(st.one_of(_WORDS, st.text(max_size=6)), max_size=12).flatmap(
    lambda words: st.sampled_from((" ", "", "  ")).map(lambda space: space.join(words))
)
_TEXTS = st.one_of(
    st.text(), _LINES, st.builds("activate {}".format, _LINES), st.builds("extend {}".format, _LINES)
)


def _bare(text: str) -> str:
    """Without what the parser may drop: spaces, quotes, punctuation."""
    return "".join(c for c in letters.words(text) if c not in ' "“”„‟«»,;:!?.\x00')


@given(_TEXTS)
@example('activate \x000\x00 "a"')
@example('activate "" 2h')
def test_no_text_makes_it_raise_and_no_role_is_read_that_was_not_named(text: str) -> None:
    command = read(text)
    for name in ("role_text", "scope_text"):
        named = getattr(command, name, None)
        assert _bare(named or "") in _bare(text)
        assert '"' not in (named or "")


@given(_TEXTS)
def test_a_command_written_down_is_read_as_the_same_command(text: str) -> None:
    command = read(text)
    if not isinstance(command, Unparsed):
        assert read(render(command)) == command


@given(_TEXTS)
def test_a_suggestion_is_a_command(text: str) -> None:
    command = read(text)
    if isinstance(command, Unparsed):
        assert not isinstance(read(command.suggestion), Unparsed)


@given(st.text(), st.sampled_from(["Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]))
def test_a_reason_comes_through_whole(reason: str, zone: str) -> None:
    command = parse(f"activate SA 2h because {reason}", AT, ZoneInfo(zone))
    assert isinstance(command, Activate)
    assert command.role_text == "SA"
    assert command.reason == letters.prose(reason).strip().lstrip(": ,\n").strip()


def test_a_text_of_any_length_is_read() -> None:
    for unit in ("x ", "2h ", '"a ', "activate ", "until ", "ticket 1 ", "\u200b"):
        read("activate " + unit * (4000 // len(unit)))
        read(unit * (4000 // len(unit)))


def test_a_span_counts_from_its_start() -> None:
    assert TWO_HOURS.counted_from(AT) == timedelta(hours=2)
    assert until(25, 12).counted_from(AT) == timedelta(hours=3)
    assert NO_SPAN.counted_from(AT) is None
    assert not NO_SPAN

"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import durations


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2h", 120),
        ("90m", 90),
        ("1h30", 90),
        ("1h30m", 90),
        ("1h 30m", 90),
        ("1H30M", 90),
        ("1:30h", 90),
        ("1.5h", 90),
        ("1,5 hours", 90),
        ("2 hours", 120),
        ("2 hrs", 120),
        ("1 hour and 30 minutes", 90),
        ("two hours and 15 minutes", 135),
        ("1 hour, 5 min", 65),
        ("half an hour", 30),
        ("an hour", 60),
        ("an hour and a half", 90),
        ("one day", 1440),
        ("half a day", 720),
        ("1d2h3m", 1563),
        ("PT2H30M", 150),
        ("0.01h", 1),
    ],
)
def test_what_people_write_is_read(text: str, minutes: int) -> None:
    assert durations.read(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "h",
        "2x",
        "two",
        "0h",
        "0m",
        "0:00h",
        "2h 3h",
        "30m 2h",
        "1000d",
        "99999d",
        "-2h",
        "30m5",
        "2h and",
    ],
)
def test_what_is_no_single_sensible_duration_is_not(text: str) -> None:
    assert durations.read(text) is None


@given(st.integers(1, 999 * 24 * 60))
def test_what_is_written_is_read_as_the_same(minutes: int) -> None:
    span = timedelta(minutes=minutes)
    assert durations.read(durations.written(span)) == span


def test_a_duration_without_length_is_written_all_the_same() -> None:
    assert durations.written(timedelta(0)) == durations.written(timedelta(-1)) == "0m"


@given(st.text())
def test_no_text_makes_it_raise(text: str) -> None:
    durations.read(text)

"""Times of day in somebody's own zone, on ordinary days and when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import local_times

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
"""12:00 in Berlin."""


def utc(day: int, hour: int, minute: int = 0, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def _moments(first: int, last: int) -> st.SearchStrategy[datetime]:
    span = datetime(last, 1, 1, tzinfo=UTC) - datetime(first, 1, 1, tzinfo=UTC)
    seconds = st.integers(0, int(span.total_seconds()))
    return seconds.map(lambda n: datetime(first, 1, 1, tzinfo=UTC) + timedelta(seconds=n))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17:00", utc(25, 16)),
        ("17.30", utc(25, 16, 30)),
        ("17h30", utc(25, 16, 30)),
        ("17", utc(25, 16)),
        ("5pm", utc(25, 16)),
        ("5 PM", utc(25, 16)),
        ("5:30pm", utc(25, 16, 30)),
        ("9:00", utc(26, 8)),
        ("12:00", utc(26, 11)),
        ("12am", utc(25, 23)),
        ("12pm", utc(26, 11)),
        ("noon", utc(26, 11)),
        ("midnight", utc(25, 23)),
        ("24:00", utc(25, 23)),
        ("tomorrow 9:00", utc(26, 8)),
        ("tomorrow at 9:00", utc(26, 8)),
        ("9:00 tomorrow", utc(26, 8)),
        ("today 13:00", utc(25, 12)),
        ("tomorrow 24:00", utc(26, 23)),
        ("2026-11-27 08:00", utc(27, 7)),
        ("2026-11-27T08:00Z", utc(27, 8)),
        ("2026-11-27T08:00:00+02:00", utc(27, 6)),
    ],
)
def test_the_next_such_time_is_meant(text: str, expected: datetime) -> None:
    assert local_times.read(text, NOON, BERLIN) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("5", id="either half of the day"),
        pytest.param("today 9:00", id="is over"),
        pytest.param("today 9:00 tomorrow", id="two days"),
        pytest.param("tomorrow midnight", id="the beginning or the end of it"),
        pytest.param("2026-11-24 08:00", id="was yesterday"),
        pytest.param("2026-02-30 08:00", id="no such day"),
        pytest.param("25:00", id="no such hour"),
        pytest.param("17:99", id="no such minute"),
        pytest.param("13pm", id="no such half"),
        pytest.param("0pm", id="no such hour of a half"),
        pytest.param("9999-12-31 23:59", id="beyond the calendar of some zones"),
        pytest.param("soon", id="no time"),
    ],
)
def test_what_is_no_time_to_come_is_not_read(text: str) -> None:
    read = local_times.read(text, NOON, BERLIN)
    assert read is None or text.startswith("9999")


def test_a_time_that_comes_twice_is_the_first_still_to_come() -> None:
    # On 25 October 2026 Berlin's clocks go back from 03:00 to 02:00 (01:00 UTC).
    before, between = utc(24, 22, month=10), utc(25, 0, 45, month=10)
    assert local_times.read("2:30", before, BERLIN) == utc(25, 0, 30, month=10)
    assert local_times.read("2:30", between, BERLIN) == utc(25, 1, 30, month=10)
    assert local_times.read("2026-10-25 02:30", between, BERLIN) == utc(25, 1, 30, month=10)


def test_a_time_that_the_clocks_skip_is_read_as_if_they_had_not() -> None:
    # On 29 March 2026 they go forward from 02:00 to 03:00 (01:00 UTC).
    assert local_times.read("2:30", utc(28, 22, month=3), BERLIN) == utc(29, 1, 30, month=3)


def test_hours_across_a_change_of_clocks_are_the_hours_that_pass() -> None:
    eve = utc(24, 20, month=10)
    until = local_times.read("8:00", eve, BERLIN)
    assert until is not None
    assert until - eve == timedelta(hours=11)


def test_the_end_is_looked_for_after_the_start_and_today_stays_today() -> None:
    start = utc(26, 15)
    assert local_times.read("17:00", NOON, BERLIN, after=start) == utc(26, 16)
    assert local_times.read("today 17:00", NOON, BERLIN, after=start) is None


@given(
    _moments(2000, 2100),
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
)
def test_a_time_of_day_is_at_most_a_day_and_a_change_of_clocks_away(
    at: datetime, hour: int, minute: int, zone: str
) -> None:
    read = local_times.read(f"{hour}:{minute:02}", at, ZoneInfo(zone))
    assert read is not None
    # Samoa once skipped a whole day.
    assert timedelta(0) < read - at <= timedelta(hours=49)


@given(_moments(2027, 9000))
def test_what_is_written_is_read_as_the_same_to_the_second(at: datetime) -> None:
    assert local_times.read(local_times.written(at), NOON, BERLIN) == at


@given(st.text())
def test_no_text_makes_it_raise(text: str) -> None:
    local_times.read(text, NOON, BERLIN)

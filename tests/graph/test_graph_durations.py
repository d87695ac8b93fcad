from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.graph.durations import iso_duration, parse_iso_duration


@pytest.mark.parametrize(
    ("span", "text"),
    [
        pytest.param(timedelta(hours=2), "PT2H", id="hours"),
        pytest.param(timedelta(hours=5, minutes=30), "PT5H30M", id="the one Kiota writes as 5:30:00"),
        pytest.param(timedelta(minutes=90), "PT1H30M", id="minutes carried over"),
        pytest.param(timedelta(days=1), "P1D", id="a day"),
        pytest.param(timedelta(days=1, seconds=5), "P1DT5S", id="a day and seconds"),
    ],
)
def test_a_duration_goes_out_as_iso_and_comes_back(span: timedelta, text: str) -> None:
    assert iso_duration(span) == text
    assert parse_iso_duration(text) == span


@given(st.integers(min_value=1, max_value=10**8))
def test_any_whole_seconds_survive_the_round_trip(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert parse_iso_duration(iso_duration(span)) == span


@pytest.mark.parametrize(
    "span",
    [
        pytest.param(timedelta(0), id="zero"),
        pytest.param(timedelta(hours=-1), id="negative"),
        pytest.param(timedelta(milliseconds=1500), id="fraction of a second"),
    ],
)
def test_a_duration_pim_would_not_understand_is_refused(span: timedelta) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        iso_duration(span)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        pytest.param("P2W", timedelta(weeks=2), id="weeks"),
        pytest.param("pt8h", timedelta(hours=8), id="lower case"),
        pytest.param("PT0.5S", timedelta(seconds=0.5), id="fraction"),
        pytest.param("PT0S", timedelta(0), id="nothing"),
    ],
)
def test_what_graph_may_send_is_read(text: str, span: timedelta) -> None:
    assert parse_iso_duration(text) == span


@pytest.mark.parametrize("text", ["", "P", "PT", "P1Y", "P1M", "5:30:00", "1 day, 0:00:00", "-PT1H", "P1DT"])
def test_what_is_no_duration_of_fixed_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an ISO 8601 duration"):
        parse_iso_duration(text)

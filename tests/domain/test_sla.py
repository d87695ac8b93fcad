from __future__ import annotations

from datetime import timedelta

import pytest
from fakes.values import NOW
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import sla
from bot.domain.model import SlaPlan

MINUTE = timedelta(minutes=1)
LADDER = sla.plan(5 * MINUTE, (15 * MINUTE, 60 * MINUTE), 60 * MINUTE)
END = NOW + timedelta(hours=24)
minutes = st.integers(1, 2000).map(lambda n: n * MINUTE)
ladders = st.builds(sla.plan, minutes, st.lists(minutes, max_size=5).map(tuple), st.none() | minutes)


def next_rung(fired: int, after: timedelta, ladder: SlaPlan = LADDER) -> tuple[int, timedelta] | None:
    rung = sla.next_rung(ladder, fired, NOW, END, NOW + after)
    return rung and (rung.number, rung.due_at - NOW)


def test_the_first_rung_is_five_minutes_after_the_request() -> None:
    assert next_rung(0, 1 * MINUTE) == (1, 5 * MINUTE)


def test_rungs_follow_each_other_and_then_repeat() -> None:
    assert next_rung(1, 5 * MINUTE) == (2, 15 * MINUTE)
    assert next_rung(2, 15 * MINUTE) == (3, 60 * MINUTE)
    assert next_rung(3, 60 * MINUTE) == (4, 120 * MINUTE)
    assert next_rung(9, 420 * MINUTE) == (10, 480 * MINUTE)


def test_rungs_missed_while_nobody_watched_are_not_fired_one_by_one() -> None:
    assert next_rung(0, 70 * MINUTE) == (3, 60 * MINUTE)


def test_nothing_is_due_once_the_request_has_ended() -> None:
    assert next_rung(25, timedelta(hours=23)) is None


def test_a_ladder_without_repetition_ends() -> None:
    assert next_rung(2, 20 * MINUTE, sla.plan(5 * MINUTE, (15 * MINUTE,))) is None


@pytest.mark.parametrize("bad", [0 * MINUTE, -MINUTE], ids=["zero", "negative"])
def test_a_rung_comes_after_the_request(bad: timedelta) -> None:
    for make in (lambda: sla.plan(bad), lambda: sla.plan(MINUTE, (bad,)), lambda: sla.plan(MINUTE, (), bad)):
        with pytest.raises(ValueError, match="after the request"):
            make()


@given(ladders, st.integers(0, 2000).map(lambda n: n * MINUTE))
def test_climbing_terminates_with_every_number_once_and_times_in_order(
    ladder: SlaPlan, start: timedelta
) -> None:
    fired, at, seen = 0, NOW + start, []
    while (rung := sla.next_rung(ladder, fired, NOW, END, at)) is not None:
        seen.append(rung)
        fired, at = rung.number, max(at, rung.due_at)
    assert [r.number for r in seen] == sorted({r.number for r in seen})
    assert [r.due_at for r in seen] == sorted({r.due_at for r in seen})
    assert all(NOW < r.due_at < END for r in seen)
    assert sum(r.due_at <= NOW + start for r in seen) <= 1


@given(ladders)
def test_watching_all_along_fires_every_rung_there_is(ladder: SlaPlan) -> None:
    fired, at, numbers = 0, NOW, []
    while (rung := sla.next_rung(ladder, fired, NOW, END, at)) is not None:
        numbers.append(rung.number)
        fired, at = rung.number, rung.due_at
    assert numbers == list(range(1, len(numbers) + 1))

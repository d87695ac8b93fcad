"""Five tries in ten minutes are reported, once in ten minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.conduct import Limit, to_report

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
LIMIT = Limit()


def at(*minutes: float) -> list[datetime]:
    return [NOW + timedelta(minutes=m) for m in minutes]


@pytest.mark.parametrize(
    ("minutes", "reported"),
    [
        pytest.param((), (), id="none"),
        pytest.param((0, 1, 2, 3), (), id="four"),
        pytest.param((0, 1, 2, 3, 4), (0, 1, 2, 3, 4), id="five"),
        pytest.param((0, 1, 2, 3, 10), (0, 1, 2, 3, 10), id="five in just ten minutes"),
        pytest.param((0, 1, 2, 3, 10.01), (), id="five in a little more"),
        pytest.param((0, 8, 9, 10, 11, 12), (8, 9, 10, 11, 12), id="an older one left out"),
        pytest.param((0, 1, 2, 3, 4, 30), (0, 1, 2, 3, 4), id="noticed late"),
        pytest.param((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), id="at one instant"),
    ],
)
def test_what_is_reported(minutes: tuple[float, ...], reported: tuple[float, ...]) -> None:
    assert to_report(at(*minutes), None, LIMIT) == tuple(at(*reported))


@pytest.mark.parametrize(
    ("minutes", "reported"),
    [
        pytest.param((5, 6, 7, 8, 9), (), id="within the window of the last report"),
        pytest.param((5, 6, 7, 8, 14), (), id="just within"),
        pytest.param((5, 6, 7, 8, 14.01), (5, 6, 7, 8, 14.01), id="just after"),
        pytest.param((15, 16, 17, 18), (), id="too few after"),
    ],
)
def test_after_a_report_ops_have_ten_minutes_rest(
    minutes: tuple[float, ...], reported: tuple[float, ...]
) -> None:
    assert to_report(at(*minutes), at(4)[0], LIMIT) == tuple(at(*reported))


Times = st.lists(st.integers(0, 3600), max_size=30).map(
    lambda seconds: [NOW + timedelta(seconds=s) for s in sorted(seconds)]
)


@given(Times)
def test_it_agrees_with_trying_every_five(tries: list[datetime]) -> None:
    within = [five for five in combinations(tries, 5) if five[-1] - five[0] <= LIMIT.window]
    assert bool(to_report(tries, None, LIMIT)) == bool(within)


@given(Times)
def test_checked_after_each_try_no_two_reports_are_within_ten_minutes(tries: list[datetime]) -> None:
    ends: list[datetime] = []
    for n in range(1, len(tries) + 1):
        found = to_report(tries[:n], ends[-1] if ends else None, LIMIT)
        if found:
            assert found[-1] - found[0] <= LIMIT.window
            assert len(found) >= LIMIT.tries
            ends.append(found[-1])
    assert all(later - earlier > LIMIT.window for earlier, later in pairwise(ends))


@given(Times)
def test_whoever_is_not_reported_never_tried_five_times_unseen(tries: list[datetime]) -> None:
    """Every five within the window end in a report, or within the window that one covers."""
    end: datetime | None = None
    for n in range(1, len(tries) + 1):
        found = to_report(tries[:n], end, LIMIT)
        end = found[-1] if found else end
        enough = n >= LIMIT.tries and tries[n - 1] - tries[n - LIMIT.tries] <= LIMIT.window
        if enough:
            assert end is not None
            assert tries[n - 1] - end <= LIMIT.window

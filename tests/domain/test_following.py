from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.values import NOW, RILEY, ROLE, a_decision, a_pim_request, a_request, person
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import following as f
from bot.domain.activation import ActiveRole
from bot.domain.model import Choice, PimStatus, State

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def pending(**changes: object) -> f.Activation:
    made = f.of_pim(a_pim_request(**changes), person(RILEY), "Security Administrator", "29:riley", NOW)
    assert made.granted_at is None
    return made


def granted(**changes: object) -> f.Activation:
    return f.granted(pending(**changes), NOW)


def held(until_in: timedelta | None = 2 * HOUR) -> ActiveRole:
    return ActiveRole(
        ROLE, "Security Administrator", "/", NOW, None if until_in is None else NOW + until_in, "r"
    )


def usable(until_in: timedelta = 2 * HOUR) -> f.Activation:
    return f.seen(granted(), held(until_in), None, NOW + timedelta(seconds=4))


def test_a_request_that_graph_granted_at_once_is_granted_now() -> None:
    made = f.of_pim(a_pim_request(status=PimStatus.GRANTED), person(RILEY), "SA", None, NOW)
    assert made.granted_at == NOW
    assert f.stage(made, None) is f.Stage.GRANTED


@pytest.mark.parametrize("status", [PimStatus.GRANTED, PimStatus.IN_TRANSIT, PimStatus.UNKNOWN])
def test_whatever_neither_waits_nor_is_over_is_looked_for(status: PimStatus) -> None:
    made = f.of_pim(a_pim_request(status=status), person(RILEY), "SA", None, NOW)
    assert f.next_look(made, NOW) is not None


@pytest.mark.parametrize("status", [PimStatus.FAILED, PimStatus.DENIED, PimStatus.EXPIRED])
def test_what_was_refused_in_the_answer_itself_is_over(status: PimStatus) -> None:
    made = f.of_pim(a_pim_request(status=status), person(RILEY), "SA", None, NOW)
    assert f.stage(made, None) is f.Stage.FAILED
    assert f.next_look(made, NOW) is None


def test_what_is_pending_is_waited_for_and_not_looked_for() -> None:
    assert f.next_look(pending(), NOW) is None
    assert f.seen(pending(), held(), None, NOW) == pending()
    assert f.stage(pending(), a_request()) is f.Stage.WAITING
    assert f.stage(pending(), None) is f.Stage.WAITING


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        (State.PENDING, f.Stage.WAITING),
        (State.DECIDING, f.Stage.WAITING),
        (State.DENIED, f.Stage.DENIED),
        (State.WITHDRAWN, f.Stage.WITHDRAWN),
        (State.EXPIRED, f.Stage.EXPIRED),
        (State.FAILED, f.Stage.FAILED),
    ],
)
def test_until_it_is_granted_the_request_says_the_stage(state: State, stage: f.Stage) -> None:
    assert f.stage(pending(), a_request(state=state)) is stage


def test_a_denial_elsewhere_is_a_denial_and_grants_nothing() -> None:
    denied = a_request(state=State.DECIDED_ELSEWHERE, decision=a_decision(Choice.DENY))
    assert f.stage(pending(), denied) is f.Stage.DENIED
    assert f.granted_at(denied) is None


@pytest.mark.parametrize("state", [State.APPROVED, State.DECIDED_ELSEWHERE])
def test_an_approval_grants_at_the_time_of_the_decision(state: State) -> None:
    request = a_request(state=state, decision=a_decision())
    assert f.granted_at(request) == a_decision().at
    followed = f.of_request(request)
    assert (followed.granted_at, followed.channel_user_id) == (a_decision().at, None)


def test_the_first_word_about_a_grant_and_a_requester_counts() -> None:
    once = f.granted(pending(), NOW)
    assert f.granted(once, NOW + HOUR) == once
    told = f.told_here(replace(pending(), channel_user_id=None), "29:x")
    assert told.channel_user_id == "29:x"
    assert f.told_here(told, "29:y") == told


def test_an_assignment_that_is_really_there_makes_it_usable_and_tells_how_long_that_took() -> None:
    now = usable()
    assert (now.usable_at, now.until) == (NOW + timedelta(seconds=4), NOW + 2 * HOUR)
    assert now.propagation == timedelta(seconds=4)
    assert f.stage(now, None) is f.Stage.USABLE


def test_waiting_for_a_start_to_come_is_not_counted_as_propagation() -> None:
    later = granted(starts_at=NOW + HOUR)
    assert f.next_look(later, NOW) == NOW + HOUR
    now = f.seen(later, held(), None, NOW + HOUR + timedelta(seconds=3))
    assert now.propagation == timedelta(seconds=3)


def test_nothing_new_is_no_change() -> None:
    now = usable()
    assert f.seen(now, held(), None, NOW + MINUTE) is now
    assert f.seen(granted(), None, PimStatus.GRANTED, NOW + MINUTE) == granted()
    assert f.seen(granted(), None, None, NOW + MINUTE) == granted()


def test_the_longer_it_takes_the_less_often_is_looked() -> None:
    moments = [timedelta(seconds=s) for s in (0, 9, 10, 59, 60, 600, 3600)]
    pauses = [f.next_look(granted(), NOW + m) - (NOW + m) for m in moments]  # type: ignore[operator]
    assert [p.total_seconds() for p in pauses] == [1, 1, 3, 3, 15, 60, 300]


def test_ten_minutes_before_its_end_it_is_ending() -> None:
    now = usable()
    at = NOW + 2 * HOUR - 10 * MINUTE
    assert f.next_look(now, at - MINUTE) == at
    ending = f.seen(now, held(), None, at)
    assert f.stage(ending, None) is f.Stage.ENDING
    assert f.next_look(ending, at + 9 * MINUTE) == NOW + 2 * HOUR


def test_an_end_that_has_moved_is_no_longer_near() -> None:
    ending = f.seen(usable(), held(), None, NOW + 115 * MINUTE)
    longer = f.seen(ending, held(4 * HOUR), None, NOW + 116 * MINUTE)
    assert (longer.until, f.stage(longer, None)) == (NOW + 4 * HOUR, f.Stage.USABLE)


def test_an_activation_of_later_is_another_one() -> None:
    now, later = usable(), NOW + 20 * MINUTE
    other = ActiveRole(ROLE, "Security Administrator", "/", later, later + HOUR, "r-new")
    missing = f.seen(now, other, PimStatus.GRANTED, later)
    assert (missing.until, missing.missing_since) == (now.until, later)
    extended = f.seen(f.renewed(now, "r-new"), other, None, later)
    assert (extended.until, extended.missing_since) == (later + HOUR, None)
    started_before = replace(other, since=NOW)
    assert f.seen(now, started_before, None, later).until == later + HOUR


def test_given_back_is_final() -> None:
    over = f.given_back(usable(), NOW + MINUTE)
    assert (over.how_ended, over.ended_at) == (f.HowEnded.GIVEN_BACK, NOW + MINUTE)
    assert f.given_back(over, NOW + HOUR) is over


def test_without_an_end_it_is_looked_after_all_the_same() -> None:
    now = f.seen(granted(), held(None), None, NOW)
    assert now.until is None
    assert f.next_look(now, NOW) == NOW + 2 * MINUTE


@pytest.mark.parametrize("status", [None, PimStatus.GRANTED, PimStatus.REVOKED])
def test_when_its_time_is_over_it_has_lapsed(status: PimStatus | None) -> None:
    over = f.seen(usable(), None, status, NOW + 2 * HOUR + timedelta(seconds=1))
    assert (over.how_ended, over.ended_at) == (f.HowEnded.LAPSED, NOW + 2 * HOUR)
    assert f.stage(over, None) is f.Stage.ENDED
    assert f.next_look(over, NOW + 3 * HOUR) is None
    assert f.seen(over, held(), None, NOW + 3 * HOUR) is over


def test_what_graph_calls_revoked_before_its_time_was_given_back() -> None:
    over = f.seen(usable(), None, PimStatus.REVOKED, NOW + MINUTE)
    assert (over.how_ended, over.ended_at) == (f.HowEnded.GIVEN_BACK, NOW + MINUTE)


def test_an_assignment_missing_for_a_moment_is_not_gone() -> None:
    missing = f.seen(usable(), None, PimStatus.GRANTED, NOW + MINUTE)
    assert f.stage(missing, None) is f.Stage.USABLE
    again = f.next_look(missing, NOW + MINUTE)
    assert again == NOW + MINUTE + timedelta(seconds=20)
    assert f.seen(missing, None, None, NOW + MINUTE + timedelta(seconds=5)) == missing
    back = f.seen(missing, held(), None, again)
    assert (back.missing_since, f.stage(back, None)) == (None, f.Stage.USABLE)
    gone = f.seen(missing, None, None, again)
    assert (gone.how_ended, gone.ended_at) == (f.HowEnded.GIVEN_BACK, NOW + MINUTE)


@pytest.mark.parametrize(
    ("status", "how", "stage"),
    [
        (PimStatus.REVOKED, f.HowEnded.GIVEN_BACK, f.Stage.ENDED),
        (PimStatus.WITHDRAWN, f.HowEnded.CANCELLED, f.Stage.ENDED),
        (PimStatus.FAILED, f.HowEnded.FAILED, f.Stage.FAILED),
    ],
)
def test_what_ends_before_it_was_usable_says_why(status: PimStatus, how: f.HowEnded, stage: f.Stage) -> None:
    over = f.seen(granted(), None, status, NOW + MINUTE)
    assert (over.how_ended, f.stage(over, None)) == (how, stage)


def test_what_never_appeared_in_its_time_is_over_when_that_is() -> None:
    late = granted(starts_at=NOW + HOUR)
    assert f.seen(late, None, PimStatus.GRANTED, NOW + 3 * HOUR - MINUTE).ended_at is None
    over = f.seen(late, None, PimStatus.GRANTED, NOW + 3 * HOUR)
    assert (over.how_ended, over.ended_at) == (f.HowEnded.NEVER_SEEN, NOW + 3 * HOUR)


@given(
    st.lists(
        st.tuples(
            st.timedeltas(min_value=timedelta(0), max_value=timedelta(minutes=30)),
            st.none() | st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=5)),
            st.sampled_from([None, *PimStatus]),
        ),
        max_size=25,
    )
)
def test_whatever_is_seen_versions_grow_with_changes_and_an_end_is_final(
    looks: list[tuple[timedelta, timedelta | None, PimStatus | None]],
) -> None:
    now, at = granted(), NOW
    for wait, until_in, status in looks:
        at += wait
        role = None if until_in is None else held(until_in)
        after = f.seen(now, role, status, at)
        assert after.version == now.version + (after != now)
        if now.ended_at is not None:
            assert after is now
        if now.usable_at is not None:
            assert after.usable_at == now.usable_at
        again = f.next_look(after, at)
        assert (again is None) == (after.ended_at is not None)
        now = after

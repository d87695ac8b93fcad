"""Every state meets every event, and what a change does to a request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.values import NOW, a_claim, a_decision, a_request, person
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import lifecycle
from bot.domain.errors import IllegalEventError
from bot.domain.lifecycle import OPEN, TABLE, Event
from bot.domain.model import Choice, Decision, PimStatus, Pool, State, Unreadable

EXPECTED = {
    (State.PENDING, Event.CLAIM): State.DECIDING,
    (State.PENDING, Event.CONFIRM_APPROVAL): State.APPROVED,
    (State.PENDING, Event.CONFIRM_DENIAL): State.DENIED,
    (State.PENDING, Event.WITHDRAW): State.WITHDRAWN,
    (State.PENDING, Event.EXPIRE): State.EXPIRED,
    (State.PENDING, Event.DECIDE_ELSEWHERE): State.DECIDED_ELSEWHERE,
    (State.PENDING, Event.FAIL): State.FAILED,
    (State.DECIDING, Event.RELEASE): State.PENDING,
    (State.DECIDING, Event.CONFIRM_APPROVAL): State.APPROVED,
    (State.DECIDING, Event.CONFIRM_DENIAL): State.DENIED,
    (State.DECIDING, Event.WITHDRAW): State.WITHDRAWN,
    (State.DECIDING, Event.EXPIRE): State.EXPIRED,
    (State.DECIDING, Event.DECIDE_ELSEWHERE): State.DECIDED_ELSEWHERE,
    (State.DECIDING, Event.FAIL): State.FAILED,
    (State.APPROVED, Event.BECOME_USABLE): State.ACTIVE,
    (State.APPROVED, Event.LAPSE): State.ENDED,
    (State.APPROVED, Event.FAIL): State.FAILED,
    (State.ACTIVE, Event.LAPSE): State.ENDED,
    (State.DECIDED_ELSEWHERE, Event.BECOME_USABLE): State.ACTIVE,
    (State.DECIDED_ELSEWHERE, Event.LAPSE): State.ENDED,
}
EVERY = [(state, event) for state in State for event in Event]


@pytest.mark.parametrize(("state", "event"), EVERY, ids=[f"{s}-{e}" for s, e in EVERY])
def test_every_state_meets_every_event(state: State, event: Event) -> None:
    if (state, event) in EXPECTED:
        assert lifecycle.advance(state, event) is EXPECTED[state, event]
    else:
        with pytest.raises(IllegalEventError, match=event.value):
            lifecycle.advance(state, event)


def test_the_table_speaks_of_every_state() -> None:
    assert set(TABLE) == set(State)


@given(st.lists(st.sampled_from(Event), max_size=12))
def test_no_walk_leaves_a_final_state_or_approves_twice(events: list[Event]) -> None:
    state, approvals = State.PENDING, 0
    for event in events:
        try:
            after = lifecycle.advance(state, event)
        except IllegalEventError:
            continue
        assert TABLE[state], f"{state} is final"
        approvals += after is State.APPROVED
        state = after
    assert approvals <= 1


def test_a_claim_moves_the_version_and_is_kept() -> None:
    claimed = lifecycle.claim(a_request(), a_claim())
    assert (claimed.state, claimed.version, claimed.claim) == (State.DECIDING, 2, a_claim())


def test_a_release_keeps_the_claim_for_attribution() -> None:
    released = lifecycle.release(lifecycle.claim(a_request(), a_claim()))
    assert (released.state, released.version, released.claim) == (State.PENDING, 3, a_claim())


@pytest.mark.parametrize(
    ("choice", "state"),
    [(Choice.APPROVE, State.APPROVED), (Choice.DENY, State.DENIED)],
    ids=["approve", "deny"],
)
def test_a_confirmed_decision_is_kept_with_its_time(choice: Choice, state: State) -> None:
    decision = a_decision(choice)
    confirmed = lifecycle.confirm(lifecycle.claim(a_request(), a_claim(choice)), decision)
    assert (confirmed.state, confirmed.decision, confirmed.ended_at) == (state, decision, decision.at)


def test_a_decision_made_elsewhere_may_name_nobody() -> None:
    decision = Decision(Choice.APPROVE, None, "", NOW)
    settled = lifecycle.decided_elsewhere(a_request(), decision)
    assert (settled.state, settled.decision) == (State.DECIDED_ELSEWHERE, decision)


@pytest.mark.parametrize("event", [Event.WITHDRAW, Event.EXPIRE, Event.FAIL], ids=str)
def test_a_request_closed_from_outside_remembers_when(event: Event) -> None:
    closed = lifecycle.closed(a_request(), event, NOW)
    assert (closed.state, closed.ended_at) == (EXPECTED[State.PENDING, event], NOW)


def test_an_illegal_change_raises_and_changes_nothing() -> None:
    withdrawn = lifecycle.closed(a_request(), Event.WITHDRAW, NOW)
    before = replace(withdrawn)
    with pytest.raises(IllegalEventError):
        lifecycle.claim(withdrawn, a_claim())
    assert withdrawn == before


def test_rungs_only_climb() -> None:
    request = lifecycle.rung_fired(lifecycle.rung_fired(a_request(), 2), 1)
    assert (request.rung, request.version) == (2, 3)


@pytest.mark.parametrize("state", sorted(set(State) - OPEN), ids=str)
def test_nothing_is_escalated_once_it_is_over(state: State) -> None:
    with pytest.raises(IllegalEventError, match="escalated"):
        lifecycle.rung_fired(replace(a_request(), state=state), 1)


INCOMPLETE = [
    pytest.param({"pool": Unreadable("approver policy", "503")}, id="no-policy"),
    pytest.param({"pool": Pool((), unreadable=Unreadable("eligibility", "503"))}, id="no-eligibility"),
    pytest.param({"requester": person("11111111-1111-1111-1111-111111111111", name=None)}, id="no-name"),
]


@pytest.mark.parametrize("changes", INCOMPLETE)
def test_an_incomplete_forecast_can_be_made_again_until_it_is_whole(changes: dict[str, object]) -> None:
    request = replace(a_request(), **changes)
    assert lifecycle.is_incomplete(request)
    whole = a_request()
    made = lifecycle.reforecast(
        request, requester=whole.requester, role=whole.role, pool=whole.pool, quorum=2
    )
    assert not lifecycle.is_incomplete(made)
    with pytest.raises(IllegalEventError, match="frozen"):
        lifecycle.reforecast(made, requester=whole.requester, role=whole.role, pool=whole.pool, quorum=1)


def test_a_role_without_a_name_is_incomplete() -> None:
    request = a_request()
    nameless = replace(request.role, display_name=request.role.definition_id)
    assert lifecycle.is_incomplete(replace(request, role=nameless))


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (PimStatus.GRANTED, Event.DECIDE_ELSEWHERE),
        (PimStatus.REVOKED, Event.DECIDE_ELSEWHERE),
        (PimStatus.DENIED, Event.DECIDE_ELSEWHERE),
        (PimStatus.WITHDRAWN, Event.WITHDRAW),
        (PimStatus.EXPIRED, Event.EXPIRE),
        (PimStatus.FAILED, Event.FAIL),
        (PimStatus.AWAITING_APPROVAL, None),
        (PimStatus.IN_TRANSIT, None),
        (PimStatus.UNKNOWN, None),
    ],
    ids=str,
)
def test_how_graphs_status_ends_a_request(status: PimStatus, event: Event | None) -> None:
    assert lifecycle.ending(status) is event


def test_the_diagram_shows_every_transition_and_every_end() -> None:
    diagram = lifecycle.mermaid()
    for (before, event), after in EXPECTED.items():
        assert f"{before.name} --> {after.name}: {event}" in diagram
    assert "DENIED --> [*]" in diagram
    assert diagram.count("-->") == len(EXPECTED) + 1 + 5


def test_only_activations_with_an_approval_can_be_decided_here() -> None:
    assert a_request().decidable_here
    assert not replace(a_request(), action="selfExtend").decidable_here
    assert not replace(a_request(), approval_id=None).decidable_here


def test_waiting_is_counted_from_the_request() -> None:
    assert a_request().expires_at - a_request().requested_at == timedelta(hours=24)


def test_what_was_approved_becomes_usable_and_lapses() -> None:
    approved = a_request(state=State.APPROVED, decision=a_decision())
    until = NOW + timedelta(hours=2)
    active = lifecycle.usable(approved, NOW, until)
    assert (active.state, active.usable_at, active.usable_until) == (State.ACTIVE, NOW, until)
    longer = lifecycle.prolonged(active, until + timedelta(hours=1))
    assert (longer.usable_until, longer.version) == (until + timedelta(hours=1), active.version + 1)
    over = lifecycle.lapsed(longer, until)
    assert (over.state, over.ended_at) == (State.ENDED, until)


def test_what_was_denied_elsewhere_does_not_become_usable() -> None:
    denied = a_request(state=State.DECIDED_ELSEWHERE, decision=a_decision(Choice.DENY))
    with pytest.raises(IllegalEventError):
        lifecycle.usable(denied, NOW, None)


def test_only_what_is_active_is_prolonged() -> None:
    with pytest.raises(IllegalEventError):
        lifecycle.prolonged(a_request(state=State.APPROVED), NOW)

"""Dual control: several people approve, PIM hears the last of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.values import ALEX, BLAKE, NOW, RILEY, TENANT, a_decision, a_request, person
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import quorum
from bot.domain.errors import IllegalEventError
from bot.domain.model import ApprovalRequest, Choice, Claim, Identity, State, Vote


def vote(who: str = ALEX, why: str = "looks right") -> Vote:
    return Vote(person(who), why, NOW)


def asking(n: int = 2, *votes: Vote, **changes: object) -> ApprovalRequest:
    return replace(a_request(), quorum=n, votes=votes, **changes)  # type: ignore[arg-type]


def identity(who: str) -> Identity:
    return Identity(TENANT, who)


def test_a_vote_is_added_and_nothing_else_changes() -> None:
    before = asking()
    after = quorum.voted(before, vote())
    assert after == replace(before, votes=(vote(),), version=before.version + 1)


def test_one_person_is_one_vote() -> None:
    once = quorum.voted(asking(), vote())
    assert quorum.has_voted(once, identity(ALEX))
    with pytest.raises(IllegalEventError):
        quorum.voted(once, vote(why="again"))


@pytest.mark.parametrize("state", [state for state in State if state is not State.PENDING])
def test_nobody_votes_on_what_is_not_pending(state: State) -> None:
    with pytest.raises(IllegalEventError):
        quorum.voted(asking(state=state), vote())
    with pytest.raises(IllegalEventError):
        quorum.without(asking(2, vote(), state=state), [identity(ALEX)])


def test_the_last_approval_is_the_one_that_makes_as_many_people_as_asked_for() -> None:
    assert quorum.is_last(asking(1), identity(ALEX))
    assert not quorum.is_last(asking(2), identity(ALEX))
    assert quorum.is_last(asking(2, vote(BLAKE)), identity(ALEX))
    assert not quorum.is_last(asking(2, vote(ALEX)), identity(ALEX))
    assert not quorum.is_last(asking(3, vote(BLAKE)), identity(ALEX))


def test_votes_of_people_who_may_not_decide_any_more_are_taken_out() -> None:
    left = quorum.without(asking(3, vote(ALEX), vote(BLAKE)), [identity(ALEX)])
    assert [v.by.identity for v in left.votes] == [identity(BLAKE)]


def test_graph_is_told_everybodys_name_and_reason() -> None:
    told = quorum.joint_justification(asking(2, vote(BLAKE, "seen")), vote(ALEX, "checked"), 500)
    assert told.startswith("Approved by 2 people: ")
    for wanted in (BLAKE, ALEX, person(BLAKE).display_name, person(ALEX).display_name, "seen / checked"):
        assert wanted in told


@given(st.text(max_size=900), st.text(max_size=900), st.integers(250, 500))
def test_names_are_never_cut_for_the_sake_of_reasons(first: str, second: str, limit: int) -> None:
    told = quorum.joint_justification(asking(2, vote(BLAKE, first)), vote(ALEX, second), limit)
    assert len(told) <= limit
    assert BLAKE in told
    assert ALEX in told


@pytest.mark.parametrize(
    ("request_", "choice", "expected"),
    [
        pytest.param(asking(2), Choice.APPROVE, True, id="nobody-had-voted"),
        pytest.param(asking(2, vote(RILEY)), Choice.APPROVE, True, id="one-of-two"),
        pytest.param(asking(2), Choice.DENY, False, id="a-denial-needs-nobody-else"),
        pytest.param(asking(1), Choice.APPROVE, False, id="no-quorum"),
    ],
)
def test_an_approval_elsewhere_before_the_quorum_is_a_bypass(
    request_: ApprovalRequest, choice: Choice, expected: bool
) -> None:
    assert quorum.bypassed(request_, replace(a_decision(), choice=choice)) is expected


@pytest.mark.parametrize(
    ("choice", "state", "words", "expected"),
    [
        pytest.param(Choice.APPROVE, State.DECIDING, "", False, id="under-way"),
        pytest.param(Choice.APPROVE, State.PENDING, "joint", False, id="given-back-but-in-its-very-words"),
        pytest.param(Choice.APPROVE, State.PENDING, "other", True, id="given-back-and-made-anew"),
        pytest.param(Choice.DENY, State.DECIDING, "", True, id="a-denial-under-way"),
    ],
)
def test_what_may_be_our_own_approval_is_no_bypass(
    choice: Choice, state: State, words: str, expected: bool
) -> None:
    claim = Claim("c1", person(ALEX), "29:alex", choice, "joint", NOW - timedelta(minutes=1))
    decision = replace(a_decision(), justification=words)
    assert quorum.bypassed(asking(2, claim=claim, state=state), decision) is expected


def test_a_name_can_not_pass_for_another_approver() -> None:
    sly = replace(vote(ALEX), by=replace(person(ALEX), display_name="Al (x), Emery (0000) / " + "y" * 90))
    told = quorum.joint_justification(asking(2, vote(BLAKE)), sly, 500)
    assert told.count("(") == told.count(")") == 2
    assert len(told) <= 500


def test_many_long_names_give_way_to_object_ids() -> None:
    votes = tuple(
        replace(vote(), by=person(f"00000000-0000-4000-8000-{n:012d}", "Anna-Lena Meier-Schmidt"))
        for n in range(6)
    )
    told = quorum.joint_justification(asking(7, *votes), vote(ALEX), 500)
    assert len(told) <= 500
    assert all(v.by.identity.object_id in told for v in votes)

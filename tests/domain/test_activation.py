from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import activation as a
from bot.domain.model import Ticket

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROLE = a.EligibleRole("194ae4cb-b126-40b2-bd5b-6091b380977d", "Security Administrator", "/")


def a_wish(**changes: object) -> a.Wish:
    values: dict[str, object] = {
        "role": ROLE,
        "duration": 2 * HOUR,
        "starts_at": None,
        "reason": "patching",
        "ticket": Ticket("1234", "ServiceNow"),
    }
    return a.Wish(**{**values, **changes})  # type: ignore[arg-type]


def a_policy(**changes: object) -> a.ActivationPolicy:
    values: dict[str, object] = {
        "longest": 4 * HOUR,
        "reason_required": True,
        "ticket_required": True,
        "mfa_required": True,
        "authentication_context": None,
        "approval_required": True,
    }
    return a.ActivationPolicy(**{**values, **changes})  # type: ignore[arg-type]


def test_a_wish_within_the_policy_is_fine() -> None:
    assert a.check(a_wish(), a_policy()) == a.Fine()
    assert a.check(a_wish(duration=4 * HOUR), a_policy()) == a.Fine()


@pytest.mark.parametrize(
    ("wish", "policy", "problem"),
    [
        pytest.param({"duration": 5 * HOUR}, {}, a.TooLong(4 * HOUR), id="too-long"),
        pytest.param({"duration": timedelta(0)}, {}, a.TooShort(), id="nothing"),
        pytest.param({"duration": -HOUR}, {}, a.TooShort(), id="negative"),
        pytest.param({"duration": timedelta(microseconds=1_500_000)}, {}, a.TooShort(), id="split-seconds"),
        pytest.param({"reason": "  "}, {}, a.ReasonMissing(), id="no-reason"),
        pytest.param({"reason": "x" * 501}, {}, a.ReasonTooLong(500), id="endless-reason"),
        pytest.param({"ticket": None}, {}, a.TicketMissing(), id="no-ticket"),
        pytest.param({"ticket": Ticket(" ", "Jira")}, {}, a.TicketMissing(), id="ticket-without-number"),
    ],
)
def test_each_thing_that_pim_would_refuse_is_told_beforehand(
    wish: dict[str, object], policy: dict[str, object], problem: a.Problem
) -> None:
    assert a.check(a_wish(**wish), a_policy(**policy)) == (problem,)


def test_what_the_policy_does_not_ask_for_may_be_missing() -> None:
    lenient = a_policy(longest=None, reason_required=False, ticket_required=False)
    assert a.check(a_wish(duration=99 * HOUR, reason="", ticket=None), lenient) == a.Fine()


def test_several_problems_are_told_together() -> None:
    found = a.check(a_wish(duration=9 * HOUR, reason="", ticket=None), a_policy())
    assert found == (a.TooLong(4 * HOUR), a.ReasonMissing(), a.TicketMissing())


def test_a_start_that_outlasts_the_eligibility_says_what_would_fit() -> None:
    role = a.EligibleRole(ROLE.key, ROLE.display_name, "/", ends_at=NOW + 3 * HOUR)
    wish = a_wish(role=role, starts_at=NOW + 2 * HOUR)
    found = a.check(wish, a_policy())
    assert found == (a.OutlastsEligibility(NOW + 3 * HOUR, HOUR),)
    assert isinstance(found, tuple)
    instead = a.shortened(wish, found)
    assert instead is not None
    assert instead.duration == HOUR


def test_a_start_after_the_end_of_the_eligibility_can_not_be_mended() -> None:
    role = a.EligibleRole(ROLE.key, ROLE.display_name, "/", ends_at=NOW)
    wish = a_wish(role=role, starts_at=NOW + HOUR)
    found = a.check(wish, a_policy())
    assert found == (a.OutlastsEligibility(NOW, None),)
    assert isinstance(found, tuple)
    assert a.shortened(wish, found) is None


def test_one_click_is_offered_only_when_the_length_alone_is_wrong() -> None:
    wish = a_wish(duration=9 * HOUR)
    assert a.shortened(wish, (a.TooLong(4 * HOUR),)) == a_wish(duration=4 * HOUR)
    assert a.shortened(wish, (a.TooLong(4 * HOUR), a.ReasonMissing())) is None
    assert a.shortened(wish, (a.TicketMissing(),)) is None
    assert a.shortened(wish, ()) is None


@given(
    duration=st.timedeltas(min_value=timedelta(seconds=-5), max_value=timedelta(days=3)),
    longest=st.none() | st.timedeltas(min_value=timedelta(minutes=30), max_value=timedelta(days=1)),
    reason=st.text(max_size=600),
    number=st.none() | st.text(max_size=5),
    asked=st.tuples(st.booleans(), st.booleans()),
)
def test_what_is_fine_keeps_every_rule_and_what_one_click_offers_is_fine(
    duration: timedelta,
    longest: timedelta | None,
    reason: str,
    number: str | None,
    asked: tuple[bool, bool],
) -> None:
    policy = a_policy(
        longest=longest and timedelta(seconds=int(longest.total_seconds())),
        reason_required=asked[0],
        ticket_required=asked[1],
    )
    wish = a_wish(duration=duration, reason=reason, ticket=None if number is None else Ticket(number))
    found = a.check(wish, policy)
    if isinstance(found, a.Fine):
        assert timedelta(0) < duration <= (policy.longest or duration)
        assert reason.strip() or not asked[0]
        assert (number or "").strip() or not asked[1]
    elif (instead := a.shortened(wish, found)) is not None:
        assert a.check(instead, policy) == a.Fine()

"""Tickets in reasons, and patterns that can't be abused."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Ticket
from bot.domain.tickets import DEFAULT, MAX_PATTERN, TicketPatternError, TicketPatterns, checked


@pytest.mark.parametrize(
    ("reason", "ticket"),
    [
        ("ticket 1234", Ticket("1234")),
        ("Ticket #1234.", Ticket("1234")),
        ("see ticket no. 77/3, urgent", Ticket("77/3")),
        ("ticket: ABC-12", Ticket("ABC-12", "Jira")),
        ("INC0012345 broke", Ticket("INC0012345", "ServiceNow")),
        ("JIRA-77 then OPS-1", Ticket("JIRA-77", "Jira")),
        ("OPS-1, and INC0012345", Ticket("OPS-1", "Jira")),
        ("INC0012345, ticket 9", Ticket("9")),
        ("SHA-256 certificates for OPS-3", Ticket("OPS-3", "Jira")),
        ("rotate SHA-256", None),
        ("the ticket queue is full", None),
        ("inc0012345", None),
        ("XINC00123456789012", None),
        ("", None),
    ],
)
def test_a_ticket_is_found_and_nothing_else(reason: str, ticket: Ticket | None) -> None:
    assert DEFAULT.find(reason) == ticket


def test_administrators_say_what_a_ticket_looks_like() -> None:
    patterns = TicketPatterns.of({"Help desk": r"HD-\d{4}", "Changes": "CHG [0-9]+"})
    assert patterns.find("for HD-1234") == Ticket("HD-1234", "Help desk")
    assert patterns.find("CHG 5 and HD-1234") == Ticket("CHG 5", "Changes")
    assert patterns.find("HD-12345") is None
    assert patterns.named("HD-1234") == Ticket("HD-1234", "Help desk")
    assert patterns.named("else") == Ticket("else")


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "A" * (MAX_PATTERN + 1),
        "(a+)+",
        "a*",
        "a+b+c+",
        "a?b?c?",
        "a|b",
        "^a",
        "(?=a)",
        r"\1",
        "a{33}",
        "a{3,2}",
        "a{1,99}",
        "[",
        "[z-a]",
        "a\nb",
        "é",
    ],
)
def test_a_pattern_that_could_take_long_or_mean_anything_else_is_refused(pattern: str) -> None:
    with pytest.raises(TicketPatternError):
        checked(pattern)


def test_the_slowest_pattern_there_can_be_is_done_in_no_time() -> None:
    patterns = TicketPatterns.of({"": "A+A+A?A?#"})
    began = perf_counter()
    assert patterns.find("A" * 4000) is None
    assert perf_counter() - began < 1


@given(st.text(alphabet="Aa0\\d[]{},?+-.()|*^$ ", max_size=30))
def test_a_pattern_that_is_accepted_works(pattern: str) -> None:
    try:
        patterns = TicketPatterns.of({"any": pattern})
    except TicketPatternError:
        return
    patterns.find("A0 aa-00 " * 50)


@given(st.text())
def test_a_ticket_is_always_taken_from_the_reason(reason: str) -> None:
    ticket = DEFAULT.find(reason)
    assert ticket is None or ticket.number in reason

"""Which role is meant: one that fits by a stated rule, and never a guess."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import letters
from bot.domain.role_names import Candidate, NoneFits, One, Rule, Several, resolve, slips

ROLES = (
    Candidate("sec-admin", ("Security Administrator", "secadm")),
    Candidate("sec-reader", ("Security Reader",)),
    Candidate("sp-admin", ("SharePoint Administrator",)),
    Candidate("global", ("Global Administrator", "Company Administrator")),
    Candidate("reader", ("Global Reader",)),
    Candidate("w365", ("Windows 365 Administrator",)),
    Candidate("eu", ("member of Tier-0 EU-1 Operators", "Tier-0 EU-1 Operators")),
    Candidate("us", ("member of Tier-0 US-2 Operators", "Tier-0 US-2 Operators")),
    Candidate("fire", ("🔥",)),
)


@pytest.mark.parametrize(
    ("typed", "key", "rule"),
    [
        ("Security Administrator", "sec-admin", Rule.WHOLE),
        ("security  ADMINISTRATOR", "sec-admin", Rule.WHOLE),
        ("Security\u00a0Admin\u200bistrator", "sec-admin", Rule.WHOLE),
        ("SecurityAdministrator", "sec-admin", Rule.WHOLE),
        ("secadm", "sec-admin", Rule.WHOLE),
        ("company administrator", "global", Rule.WHOLE),
        ("security a", "sec-admin", Rule.BEGUN),
        ("sec admin", "sec-admin", Rule.BEGUN),
        ("GA", "global", Rule.BEGUN),
        ("gr", "reader", Rule.BEGUN),
        ("W3A", "w365", Rule.BEGUN),
        ("Secuirty Administrator", "sec-admin", Rule.MISSPELLED),
        ("Securty Admin", "sec-admin", Rule.MISSPELLED),
        ("Sharepiont Adminstrator", "sp-admin", Rule.MISSPELLED),
        ("member of tier 0 EU 1 operatosr", "eu", Rule.MISSPELLED),
        ("🔥", "fire", Rule.WHOLE),
    ],
)
def test_the_one_that_fits_is_found(typed: str, key: str, rule: Rule) -> None:
    assert resolve(typed, ROLES) == One(key, rule)


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("SA", ("sec-admin", "sp-admin")),
        ("security", ("sec-admin", "sec-reader")),
        ("s admin", ("sec-admin", "sp-admin")),
        ("tier", ("eu", "us")),
        ("Securtiy", ("sec-admin", "sec-reader")),
    ],
)
def test_when_two_fit_neither_is_chosen(typed: str, keys: tuple[str, ...]) -> None:
    found = resolve(typed, ROLES)
    assert isinstance(found, Several)
    assert found.keys == keys


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        ".",
        "Exchange Administrator",
        "Administrator",
        "Security Administrator of everything",
        pytest.param("Tier-0 EU-2 Operators", id="numbers have to be right"),
        pytest.param("Tier-0 UK-2 Operators", id="short words have to be right"),
        pytest.param("Tecurity Administrator", id="the first letter has to be right"),
        pytest.param("Windows 356 Administrator", id="and so has every digit"),
        "💧",
        "S" * 201,
    ],
)
def test_what_fits_none_is_none(typed: str) -> None:
    assert resolve(typed, ROLES) == NoneFits()


def test_one_role_twice_is_one_role() -> None:
    assert resolve("sec", (ROLES[0], ROLES[0])) == One("sec-admin", Rule.BEGUN)


def test_nobody_is_given_a_role_that_they_may_not_ask_for() -> None:
    assert resolve("Security Administrator", ()) == NoneFits()


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", letters.words(letters.words(text).casefold()))


def _fits(typed: str, name: str) -> set[Rule]:
    """The rules of ``role_names``, said once more and in the plainest way."""
    words, wanted = _words(name), _words(typed)
    if not wanted:
        same = letters.words(letters.words(typed).casefold()) == letters.words(letters.words(name).casefold())
        return {Rule.WHOLE} if same and typed.strip() else set()
    rules = set()
    if "".join(words) == "".join(wanted):
        rules.add(Rule.WHOLE)
    in_place = len(wanted) <= len(words)
    begun = in_place and all(word.startswith(one) for one, word in zip(wanted, words, strict=False))
    initials = len(words) > 1 and "".join(wanted) == "".join(word[0] for word in words)
    if begun or initials or "".join(words).startswith("".join(wanted)):
        rules.add(Rule.BEGUN)
    if in_place and all(_is_close(one, word) for one, word in zip(wanted, words, strict=False)):
        rules.add(Rule.MISSPELLED)
    return rules


def _is_close(typed: str, word: str) -> bool:
    if word.startswith(typed):
        return True
    allowed = 0 if len(word) < 5 or not word.isalpha() else 1 if len(word) < 8 else 2
    return typed[0] == word[0] and slips(typed, word) <= allowed


_NAME = st.lists(
    st.sampled_from(
        ["Security", "Secure", "Service", "Reader", "Readers", "Admin", "Tier", "1", "2", "EU", "🔥"]
    ),
    min_size=1,
    max_size=3,
).map(" ".join)
_TYPED = _NAME | st.text(alphabet="securitydamn 12", max_size=12) | st.text(max_size=20)


@given(_TYPED, st.lists(_NAME, max_size=5))
def test_exactly_those_are_found_that_fit_by_the_first_rule_that_any_fits(
    typed: str, names: list[str]
) -> None:
    found = resolve(typed, [Candidate(str(number), (name,)) for number, name in enumerate(names)])
    for rule in Rule:
        fitting = tuple(str(n) for n, name in enumerate(names) if rule in _fits(typed, name))
        if fitting:
            expected = One(fitting[0], rule) if len(fitting) == 1 else Several(fitting, rule)
            assert found == expected
            return
    assert found == NoneFits()


@given(st.text(alphabet="abcd", max_size=8), st.text(alphabet="abcd", max_size=8))
def test_slips_are_counted_alike_both_ways(one: str, other: str) -> None:
    assert slips(one, other) == slips(other, one) <= max(len(one), len(other))
    assert (slips(one, other) == 0) == (one == other)


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("abc", "acb", 1), ("abc", "ab", 1), ("abc", "abxc", 1), ("abc", "axc", 1), ("ca", "abc", 3)],
)
def test_a_swap_is_one_slip(one: str, other: str, count: int) -> None:
    assert slips(one, other) == count

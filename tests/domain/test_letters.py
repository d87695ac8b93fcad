"""What is invisible goes, and what people write stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import letters


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("a\u00a0b", "a b"),
        ("a\u200bb\ufeff", "ab"),
        ("\u202ea\u202c b", "a b"),
        ("a\r\nb\tc", "a\nb c"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("\u200fשלום", "\u200fשלום"),
        ("a\x00\x1bb", "ab"),
        ("\U000e0041a", "a"),
        ("٣ ½", "٣ ½"),
    ],
)
def test_prose_keeps_what_is_seen(typed: str, read: str) -> None:
    assert letters.prose(typed) == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [("  a\n b\u3000c ", "a b c"), ("ａｃｔ", "act"), ("a\u200d\u200eb", "ab"), ("ﬁ", "fi")],
)
def test_words_are_on_one_line_in_plain_letters(typed: str, read: str) -> None:
    assert letters.words(typed) == read


@given(st.text())
def test_applying_it_twice_changes_nothing(text: str) -> None:
    assert letters.prose(letters.prose(text)) == letters.prose(text)
    assert letters.words(letters.words(text)) == letters.words(text)

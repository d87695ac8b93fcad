"""Strangers' text can't do anything on a card, and harmless text stays as it was typed."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml

from cards._safe import ELLIPSIS, address, plain

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

HARMLESS = [
    "ticket 1234",
    "ticket #1234",
    "O'Brien",
    "back-up_job 10%",
    "snake_case_name and kebab-case",
    "10:30, 1.5 h, 3 + 4 = 7 (approx.)",
    "CONTOSO\\alex",
    "Zoë Müller-Lüdenscheidt",
    "fix the key 🔑 now! ✔️",
    "יוסי כהן",
    "محمد علي",
    "Nguyễn Văn Á",
    "[PROD] R&D, Q&A, a/b",
    "-5 degrees",
]

ATTACKS = [
    pytest.param("**Approved** by __Adele__ and *her* _team_", id="emphasis"),
    pytest.param("[open the ticket](https://evil.example)", id="link"),
    pytest.param("![x](https://evil.example/x.png)", id="image"),
    pytest.param("[a]: https://evil.example 'x'", id="link definition"),
    pytest.param("<https://evil.example>", id="autolink"),
    pytest.param("<at>Ops</at>", id="mention"),
    pytest.param("<script>alert(1)</script><!-- x -->", id="html"),
    pytest.param("&lt;at&gt; &#x202E; &amp;", id="entities"),
    pytest.param("`code` ``more``", id="code"),
    pytest.param("# Approved", id="heading"),
    pytest.param("#", id="empty heading"),
    pytest.param("> quoted", id="quote"),
    pytest.param("- item", id="bullet"),
    pytest.param("+ item", id="plus bullet"),
    pytest.param("1. item", id="numbered"),
    pytest.param("2) item", id="numbered with a bracket"),
    pytest.param("- - -", id="rule of hyphens"),
    pytest.param("___", id="rule of underscores"),
    pytest.param("~~struck~~", id="strikethrough"),
    pytest.param("\\*escaped\\*", id="escapes"),
    pytest.param("line\\\nbreak", id="hard break"),
    pytest.param("    indented code", id="indented code"),
    pytest.param("fine\n\n# Approved\n\n- Adele", id="new paragraphs"),
    pytest.param("a | b\n|---|---|\nc | d", id="table"),
    pytest.param("===", id="underline of the line above"),
]


def literal(text: str) -> bool:
    """Whether a CommonMark renderer shows ``text`` as it is, alone and under a line of ours."""
    shown = escapeHtml(text)
    alone = f"<p>{shown}</p>\n" if text else ""
    below = f"<p>Our line\n{shown}</p>\n" if text else "<p>Our line</p>\n"
    return MARKDOWN.render(text) == alone and MARKDOWN.render(f"Our line\n{text}") == below


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_stays_as_it_was_typed(text: str) -> None:
    assert plain(text, 100) == text


@pytest.mark.parametrize("attack", ATTACKS)
def test_markdown_is_active_before_and_inert_after(attack: str) -> None:
    assert not literal(attack)
    assert literal(plain(attack, 200))


NASTY = st.text(
    st.one_of(
        st.sampled_from("*_`~#>-+=.()[]!|\\<&;:/@{}$ \n\t0aA1w\u202e\u200b\u2066\u0301\u0338"),
        st.characters(),
    ),
    max_size=60,
)


@given(NASTY)
@example("*\u0338a*")
@example("[x\u200b](y)")
def test_nothing_is_ever_active(text: str) -> None:
    assert literal(plain(text, 80))


@given(NASTY, st.integers(2, 70))
@example("a_ b", 2)
def test_it_is_one_line_within_its_limit_and_settled(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert len(shown) <= limit
    assert shown == " ".join(shown.split())
    assert plain(shown, limit) == shown
    shown.encode()


@given(NASTY)
def test_no_character_is_invisible_or_moves_others(text: str) -> None:
    kinds = {unicodedata.category(char) for char in plain(text, 80)}
    assert not kinds & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@given(NASTY)
def test_no_function_tag_or_address_survives(text: str) -> None:
    shown = plain(text, 80)
    assert not re.search(r"\{\{|\$\{|<|>|//|[A-Za-z]:\S|&#?\w+;", shown)
    assert not re.search(r"\w\.[a-z]", shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("{{DATE(2026-01-01T00:00:00Z)}}", "❴{DATE(2026-01-01T00:00:00Z)}}", id="date function"),
        pytest.param("${requester}", "$❴requester}", id="template"),
        pytest.param("see https://evil.example/a", "see https∶∕∕evil․example/a", id="address"),
        pytest.param("www.1.example mailto:a@b", "www․1․example mailto∶a@b", id="bare domain and mailto"),
        pytest.param(
            "abc\u202edef\u2066\u200f\u061c\u200b\u00adghi", "abcdefghi", id="bidirectional and zero-width"
        ),
        pytest.param("a\x00b\x1b[31mc\u2028d\u2029e\r\nf", "a b [31mc d e f", id="control and line breaks"),
        pytest.param("\ud800x\ue000y", "xy", id="lone surrogate and private use"),
        pytest.param("\u3164\u2800", "", id="letters without ink"),
        pytest.param("e" + "\u0323\u0300\u0301\u0302" * 9, "ẹ\u0323\u0323\u0323", id="stacked accents"),
        pytest.param("a\ufe00b🔑\ufe0f", "ab🔑\ufe0f", id="variation selectors"),
    ],
)
def test_what_a_text_run_would_honour_is_neutralised(text: str, shown: str) -> None:
    assert plain(text, 100) == shown


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert plain("word " * 200, 20) == "word word word word" + ELLIPSIS


@pytest.mark.parametrize(
    ("upn", "shown"),
    [
        pytest.param("alex_w@contoso.com", "alex_w@contoso.com", id="as it is, to be copied"),
        pytest.param("x_evil.com#EXT#@contoso.com", "x_evil.com#EXT#@contoso.com", id="guest"),
        pytest.param("<at>x</at>@contoso.com", "‹at›x‹/at›@contoso․com", id="not a principal name"),
        pytest.param("a" * 60 + "@contoso.com", "a" * 49 + ELLIPSIS, id="too long"),
    ],
)
def test_a_principal_name_is_shown_letter_for_letter_only_when_it_is_one(upn: str, shown: str) -> None:
    assert address(upn, 50) == shown

"""Cards speak the language of whoever reads them; German is complete."""

from __future__ import annotations

import json
import re
from collections import Counter
from io import BytesIO
from string import Formatter

import pytest
from babel.messages.pofile import read_po
from card_variants import VARIANTS, card, own
from hypothesis import given
from hypothesis import strategies as st

import cards
from bot.domain.content import Note, Viewer
from bot.domain.following import Stage
from cards import catalog, text
from cards.language import LANGUAGES, LOCALE, negotiated, speaking, spoken, translated
from cards.localised import text as localised

OTHERS = [language for language in LANGUAGES if language != "en"]
EVERY = [
    pytest.param(language, message, id=f"{language}-{n}")
    for language in OTHERS
    for n, message in enumerate(catalog.messages())
]


def of(language: str) -> dict[str, str]:
    held = read_po(BytesIO((LOCALE / f"{language}.po").read_bytes()), locale=language)
    return {str(message.id): str(message.string) for message in held if message.id}


HELD = {language: of(language) for language in OTHERS}


def places(template: str) -> Counter[str]:
    return Counter(name for _, name, _, _ in Formatter().parse(template) if name)


# Completeness --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", OTHERS)
def test_the_file_of_a_language_is_in_step_with_the_english(language: str) -> None:
    path = LOCALE / f"{language}.po"
    assert path.read_bytes() == catalog.updated(language, path), "make catalog"


@pytest.mark.parametrize(("language", "message"), EVERY)
def test_every_message_is_translated_with_the_same_places_and_glyph(language: str, message: str) -> None:
    said = HELD[language][message]
    assert said.strip(), "not translated"
    assert places(said) == places(message)
    if not message[0].isascii() and not message[0].isalpha():
        assert said[0] == message[0]
    assert (said[0].isspace(), said[-1].isspace()) == (message[0].isspace(), message[-1].isspace())


def test_what_the_catalog_knows_is_what_the_modules_say() -> None:
    known = catalog.messages()
    for wanted in (text.APPROVE, text.OVERDUE_NOTE, text.UNITS[1][2], text.MESSAGES["error"][1]):
        assert wanted in known
    assert text.COMMA not in known


# Speaking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_every_card_in_german_has_the_same_shape_and_none_of_our_english(name: str) -> None:
    english = cards.render(VARIANTS[name])
    with speaking("de"):
        german = cards.render(VARIANTS[name])
    assert shape(german) == shape(english)
    left = [w for w in words(german) if w in HELD["de"] and HELD["de"][w] != w]
    assert not left


def shape(value: object) -> object:
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items() if k not in {"text", "title", "label", "placeholder"}}
    return [shape(item) for item in value] if isinstance(value, list) else type(value)


def words(value: object) -> list[str]:
    found = re.findall(
        r'"(?:text|title|label|placeholder|errorMessage)": ("(?:[^"\\]|\\.)*")', json.dumps(value)
    )
    return [json.loads(one) for one in found]


def test_a_living_card_speaks_its_readers_language_whoever_draws_it() -> None:
    content = own(Stage.USABLE)
    theirs = cards.render(type(content)(**{**fields(content), "activation": german(content.activation)}))
    with speaking("de"):
        assert theirs == cards.render(content)
    assert theirs != cards.render(content)


def fields(content: object) -> dict[str, object]:
    return {name: getattr(content, name) for name in content.__slots__}  # type: ignore[attr-defined]


def german(activation: object) -> object:
    from dataclasses import replace  # noqa: PLC0415

    return replace(activation, language="de-AT")  # type: ignore[type-var]


def test_the_language_ends_with_its_block_and_what_is_not_known_changes_nothing() -> None:
    assert spoken() == "en"
    with speaking("de"):
        assert spoken() == "de"
        with speaking(None):
            assert spoken() == "de"
        with speaking("tlh"):
            assert spoken() == "de"
        assert cards.summary(Note("signed-in")) != "You are signed in"
    assert spoken() == "en"
    assert cards.summary(Note("signed-in")) == "You are signed in"


def test_what_is_not_translated_stays_english() -> None:
    with speaking("de"):
        assert translated("nobody ever wrote this") == "nobody ever wrote this"
        assert translated("") == ""


def test_tables_and_tuples_are_translated_as_they_are_read() -> None:
    with speaking("de"):
        assert localised.MESSAGES["signed-in"][0] == HELD["de"][text.MESSAGES["signed-in"][0]]
        assert localised.UNITS[1][0] == 3600
        assert len(localised.MESSAGES) == len(text.MESSAGES)
        assert "no-such" not in localised.NOTICES
    with pytest.raises(AttributeError):
        _ = localised.NO_SUCH_NAME


# Which ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param("de", "de", id="plain"),
        pytest.param("de-AT", "de", id="region"),
        pytest.param("de_CH", "de", id="underscore"),
        pytest.param("DE-de", "de", id="case"),
        pytest.param("en-GB", "en", id="english"),
        pytest.param("fr-FR, de;q=0.8, en;q=0.5", "de", id="header"),
        pytest.param("en;q=0.4, de;q=0.9", "de", id="by-quality"),
        pytest.param("de;q=0, en", "en", id="not-wanted"),
        pytest.param("fr", None, id="unknown"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="none"),
        pytest.param("*", None, id="any"),
        pytest.param("../../etc/passwd", None, id="a-path"),
    ],
)
def test_the_best_known_language_is_chosen(wanted: str | None, expected: str | None) -> None:
    assert negotiated(wanted) == expected


@given(st.text(max_size=2000))
def test_whatever_a_stranger_writes_is_no_error(header: str) -> None:
    assert negotiated(header) in {None, *LANGUAGES}


def test_an_approvers_own_view_is_in_the_approvers_language() -> None:
    with speaking(negotiated("de-DE")):
        mine = cards.render(card(viewer=Viewer.ABLE))
    assert HELD["de"][text.APPROVE] in words(mine)

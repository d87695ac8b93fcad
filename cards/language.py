"""In which language cards speak: English, or a translation of it.

``text`` and ``text_commands`` hold the English; ``locale/*.po`` the translations, read with Babel and
looked up by gettext's rules: what is not translated falls back to English. The language is that of
the context (``speaking``): of whoever is answered, of whoever's chat it is, or of the organisation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

ENGLISH: Final = "en"
LANGUAGES: Final = (ENGLISH, "de")
LOCALE: Final = Path(__file__).parent / "locale"
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_MOST_TAGS: Final = 16

_spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)


def spoken() -> str:
    """The language of this context, one of ``LANGUAGES``."""
    return _spoken.get()


@contextmanager
def speaking(language: str | None) -> Iterator[None]:
    """Speak this language until the block ends; None, or one that is not known: as before."""
    if language not in LANGUAGES:
        yield
        return
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def negotiated(wanted: str | None) -> str | None:
    """The best of ``LANGUAGES`` for a BCP 47 tag (``de-AT``) or an ``Accept-Language`` header (RFC
    9110 §12.5.4); None when there is none. Never raises: strangers write it.
    """
    ranked = sorted(_tags(wanted or ""), key=lambda tag: -tag[1])
    return negotiate_locale([tag for tag, quality in ranked if quality > 0], LANGUAGES, sep="-")


def _tags(header: str) -> Iterator[tuple[str, float]]:
    for part in header[:1024].split(",")[:_MOST_TAGS]:
        tag, _, parameter = part.strip().partition(";")
        if _TAG.fullmatch(tag.strip()):
            yield tag.strip().replace("_", "-").lower(), _quality(parameter)


def _quality(parameter: str) -> float:
    found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", parameter)
    return float(found.group(1)) if found else 1.0


def translated(english: str) -> str:
    """The text in the language of this context."""
    language = spoken()
    if language == ENGLISH or not english:
        return english
    return _catalog(language).gettext(english)


@cache
def _catalog(language: str) -> NullTranslations:
    compiled = BytesIO()
    with (LOCALE / f"{language}.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return Translations(compiled)

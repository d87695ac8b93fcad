"""Strangers' text, made fit to stand on a card.

Justifications, tickets and names are written by the person who wants the role. They are shown in
``TextRun``s, which render no Markdown (Adaptive Cards schema, "TextRun"). ``plain`` is what they
go through first: against what a ``TextRun`` does honour (date functions, bidirectional controls),
and against Markdown all the same, because ``fallbackText`` "may contain markdown", notifications
follow no published rules, and an older client may not know the difference.

Active characters are exchanged for look-alikes, one for one, and not escaped: a backslash would
be shown wherever Markdown is *not* read. They are exchanged only where they would do something,
so ``ticket #1234``, ``O'Brien`` and ``back-up_job 10%`` stay as they were typed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

ELLIPSIS: Final = "…"

_MAX_MARKS: Final = 3
"""Combining marks in a row; Vietnamese and Hebrew need two or three, "Zalgo" text dozens."""

_INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks without ink: a name made of them would look like no name."""

_EVERYWHERE: Final = str.maketrans(
    {"*": "\u2217", "`": "\u02cb", "~": "\u223c", "|": "\u2223", "<": "\u2039", ">": "\u203a"}
)

_IN_CONTEXT: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<!\w)_+(?!_)|(?<=[^\W_])_+(?!\w)", "\u02cd"),  # emphasis; inert between letters
        (r"\\(?=[!-/:-@\[-`{-~]|$)", "\u2216"),  # escapes and hard breaks
        (r"\](?=[(\[:])", "\u2773"),  # links, images, footnotes, definitions
        (r"&(?=#?\w+;)", "\uff06"),  # entities, which could spell out anything removed here
        (r"/(?=/)|(?<=/)/", "\u2215"),  # https://…
        (r"(?<=[A-Za-z0-9+-]):(?=[^\s\d])", "\u2236"),  # mailto:…, tel+…, msteams:…
        (r"(?<=[A-Za-z]):(?=\d)", "\u2236"),
        (r"(?<=[^\s.])\.(?=[^\W\d_])|(?<=\b[Ww]{3})\.", "\u2024"),  # bare domains and e-mail
        (r"\{(?=\{)|(?<=\$)\{", "\u2774"),  # {{DATE(…)}}, ${template}
        (r"^#(?=#*(?:\s|$))", "\u266f"),  # headings
        (r"^-(?=[\s+=-]|$)", "\u2010"),  # lists, rules, underlines of the line above
        (r"^\+(?=\s|$)", "\u207a"),
        (r"^=(?=[\s=]|$)", "\u2550"),
        (r"(?<=^)(\d{1,9})\.(?=\s|$)", "\\1\u2024"),  # numbered lists
        (r"(?<=^)(\d{1,9})\)(?=\s|$)", "\\1\u2769"),
    )
)


def plain(text: str, limit: int) -> str:
    """``text`` on one line, at most ``limit`` characters, with nothing active in it.

    In: any string at all, lone surrogates included. Out: no control, bidirectional, zero-width
    or private-use characters; no Markdown, link, tag, entity or template function; whitespace
    (line breaks included) collapsed to single spaces; cut with an ellipsis. Applying it twice
    changes nothing more.
    """
    shown = " ".join("".join(_visible(unicodedata.normalize("NFC", text))).split())
    if len(shown) > limit:
        shown = shown[: limit - 1].rstrip() + ELLIPSIS
    shown = shown.translate(_EVERYWHERE)
    for pattern, replacement in _IN_CONTEXT:
        shown = pattern.sub(replacement, shown)
    return unicodedata.normalize("NFC", shown)


_ADDRESS: Final = re.compile(r"[A-Za-z0-9.'_+#-]{1,64}@[A-Za-z0-9.-]{1,48}")


def address(upn: str, limit: int) -> str:
    """A user principal name, for a ``TextRun`` only: letter for letter when it is made of the
    characters Entra allows, so that it can be copied and looked up; otherwise as ``plain``.
    """
    return upn if len(upn) <= limit and _ADDRESS.fullmatch(upn) else plain(upn, limit)


def _visible(text: str) -> Iterator[str]:
    marks = 0
    for char in text:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in {"Mn", "Me"} else 0
        if char.isspace() or char in _INVISIBLE or kind == "Cc":
            yield " "
        elif marks <= _MAX_MARKS and kind not in {"Cf", "Cs", "Co"} and not _selects_a_variant(char):
            yield char


def _selects_a_variant(char: str) -> bool:
    """Variation selectors are zero-width; only the two that make emoji are worth keeping."""
    return "\ufe00" <= char <= "\ufe0d" or "\U000e0100" <= char <= "\U000e01ef"

"""Typed text, before it is read: what is invisible goes, what looks like a space is one.

Text comes from chat clients, web pages and ticket systems, with no-break spaces, zero-width
characters and direction marks that nobody typed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import chain
from typing import Final


def _all(*spans: tuple[int, int]) -> Iterable[int]:
    return chain.from_iterable(range(first, last + 1) for first, last in spans)


_INVISIBLE: Final = (
    *_all((0x00, 0x08), (0x0E, 0x1F), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD)),  # controls
    *_all((0x180E, 0x180E), (0x200B, 0x200B), (0x2060, 0x2065), (0xFEFF, 0xFEFF)),  # without width
    *_all((0x202A, 0x202E), (0x2066, 0x206F)),  # bidirectional overrides and isolates
    *_all((0xFFF9, 0xFFFB), (0xE0000, 0xE007F)),  # annotations and tags, which spell hidden text
)
_SPACES: Final = (0x09, *_all((0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)), 0x202F, 0x205F, 0x3000)
_BREAKS: Final = (*_all((0x0A, 0x0D)), 0x85, 0x2028, 0x2029)
_PROSE: Final[dict[int, str | None]] = {
    **dict.fromkeys(_INVISIBLE),
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(_BREAKS, "\n"),
}

_JOINERS: Final[dict[int, None]] = dict.fromkeys(
    # Emoji, Persian words and right-to-left prose are made with them; names are found without.
    (0x034F, 0x061C, *_all((0x200C, 0x200F), (0xFE00, 0xFE0F)))
)


def prose(text: str) -> str:
    """What people read: as typed, without what is invisible. Applying it twice changes nothing."""
    return text.replace("\r\n", "\n").translate(_PROSE)


def words(text: str) -> str:
    """What is looked up: on one line, single spaces, compatibility forms as the plain ones.
    Applying it twice changes nothing.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_PROSE).translate(_JOINERS))
    return " ".join(text.translate(_PROSE).split())

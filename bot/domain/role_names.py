"""Which role somebody means, among the roles that they may ask for. Never guessed when two fit.

What is typed fits a name when it is

1. the whole name, or one of its aliases; or else
2. the beginning of the name, or of each of its words (``sec admin``), or its initials (``SA``); or else
3. each of its words, begun or misspelled: the same first letter, one slip in a word of five to
   seven letters, two in a longer one. Shorter words and numbers have to be right, since groups
   are called ``EU-1`` and ``US-2``.

Capitals, punctuation and invisible characters make no difference. Each of the three is tried only
when the one before fits nothing, so that ``Security Reader`` typed in full is never ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from bot.domain import letters

_WORD: Final = re.compile(r"[^\W_]+")
_MAX_TYPED: Final = 200
"""Characters: no role or group name is longer (Entra: 256 with an alias of 64)."""
_ONE_SLIP, _TWO_SLIPS = 5, 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """A role somebody may mean. ``names``: what it is called, the name shown first."""

    key: str
    names: tuple[str, ...]


class Rule(StrEnum):
    """What a name fitted by."""

    WHOLE = "whole"
    BEGUN = "begun"
    MISSPELLED = "misspelled"


@dataclass(frozen=True, slots=True)
class One:
    key: str
    rule: Rule

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,)


@dataclass(frozen=True, slots=True)
class Several:
    """In the order of the candidates."""

    keys: tuple[str, ...]
    rule: Rule


@dataclass(frozen=True, slots=True)
class NoneFits:
    keys: tuple[str, ...] = ()


Resolution = One | Several | NoneFits


@dataclass(frozen=True, slots=True)
class _Name:
    """A name or what was typed, ready to be compared."""

    whole: str
    words: tuple[str, ...]
    joined: str
    initials: str


@lru_cache(maxsize=4096)
def _name(text: str) -> _Name:
    whole = letters.words(letters.words(text).casefold())
    words = tuple(_WORD.findall(whole))
    return _Name(whole, words, "".join(words), "".join(word[0] for word in words))


def resolve(typed: str, candidates: Sequence[Candidate]) -> Resolution:
    """The one that fits, or the several, by the first rule of the module's docstring that fits any."""
    wanted = _name(typed[: _MAX_TYPED + 1])
    if not wanted.whole or len(typed) > _MAX_TYPED:
        return NoneFits()
    named = [(candidate.key, [_name(name) for name in candidate.names]) for candidate in candidates]
    for rule, fits in _RULES:
        # Two candidates of the same key are one role.
        keys = tuple(dict.fromkeys(key for key, names in named if any(fits(wanted, one) for one in names)))
        if keys:
            return One(keys[0], rule) if len(keys) == 1 else Several(keys, rule)
    return NoneFits()


def _is_whole(typed: _Name, name: _Name) -> bool:
    if not typed.words:
        # Made of symbols alone, such as an emoji.
        return typed.whole == name.whole
    return typed.joined == name.joined


def _is_begun(typed: _Name, name: _Name) -> bool:
    if not typed.words:
        return False
    if name.joined.startswith(typed.joined) or (len(name.words) > 1 and typed.joined == name.initials):
        return True
    return _each_word(typed, name, lambda begun, word: word.startswith(begun))


def _is_misspelled(typed: _Name, name: _Name) -> bool:
    return _each_word(typed, name, lambda one, word: word.startswith(one) or _close(one, word))


def _each_word(typed: _Name, name: _Name, fits: Callable[[str, str], bool]) -> bool:
    """Every typed word fits the one in its place; words at the end may be left out."""
    return 0 < len(typed.words) <= len(name.words) and all(map(fits, typed.words, name.words))


def _close(typed: str, word: str) -> bool:
    if not word.isalpha() or typed[0] != word[0] or len(word) < _ONE_SLIP:
        return False
    allowed = 2 if len(word) >= _TWO_SLIPS else 1
    return abs(len(typed) - len(word)) <= allowed and slips(typed, word) <= allowed


def slips(one: str, other: str) -> int:
    """How many letters were left out, added, mistaken, or swapped with their neighbour (optimal
    string alignment).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                best = min(best, last[j - 2] + 1)
            row.append(best)
    return row[-1]


_RULES: Final = (
    (Rule.WHOLE, _is_whole),
    (Rule.BEGUN, _is_begun),
    (Rule.MISSPELLED, _is_misspelled),
)

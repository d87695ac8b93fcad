"""The command that somebody most likely meant, for a text that is none. Offered, never run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from bot.domain.role_names import slips

FALLBACK: Final = "help"
_MOST_WORDS: Final = 3
"""Of a verb."""
_SHORTEST: Final = 4
"""Letters that can be called a misspelling of something."""
_WISHING: Final = re.compile(
    r"^(?:(?:i|can|could|may|you|please|need|want|would|like|to|have|get|give|me|become|be)\b[\s,]*)+",
    re.IGNORECASE,
)
_LOOKED_AT: Final = 40
"""Words of a text in which a verb is looked for."""


def nearest(typed: str, verbs: Iterable[str], reads: Callable[[str], bool]) -> str:
    """A text that ``reads`` accepts (``help`` at worst): ``typed`` from its first verb on, or with
    a misspelled verb put right, or with ``activate`` before it when it has a reason.
    """
    return next(filter(reads, _candidates(typed, tuple(verbs))), FALLBACK)


def _candidates(typed: str, verbs: tuple[str, ...]) -> Iterator[str]:
    words = typed.split(None, _LOOKED_AT)
    lower = [word.lower().strip(".,;:!?") for word in words]
    for start in range(min(len(words), _LOOKED_AT)):
        for length in range(_MOST_WORDS, 0, -1):
            if " ".join(lower[start : start + length]) in verbs:
                yield " ".join(words[start:])
    for length in range(min(len(words), _MOST_WORDS), 0, -1):
        meant = _meant("".join(lower[:length]), verbs)
        if meant is not None:
            yield " ".join((meant, *words[length:]))
            yield meant
    if " because " in typed:
        yield f"activate {_WISHING.sub('', typed)}"


def _meant(begun: str, verbs: Iterable[str]) -> str | None:
    """The verb closest to what was typed, spaces aside, if it is close."""
    allowed = max(1, len(begun) // 4)
    joined = [(verb.replace(" ", ""), verb) for verb in verbs if verb[0] == begun[:1]]
    close = [(slips(begun, one), verb) for one, verb in joined if abs(len(begun) - len(one)) <= allowed]
    best = min(close, default=(allowed + 1, ""))
    return best[1] if best[0] <= allowed and len(begun) >= _SHORTEST else None

"""The strings of ``text`` and ``text_commands`` in the language of the context.

What renders a card imports them from here; the modules themselves hold the English.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cards import text as _text
from cards import text_commands as _text_commands
from cards.language import translated


class _Mapping(Mapping[Any, Any]):
    """A table whose values are translated when they are taken out."""

    def __init__(self, table: Mapping[Any, Any]) -> None:
        self._table = table

    def __getitem__(self, key: Any) -> Any:
        return localised(self._table[key])

    def __iter__(self) -> Iterator[Any]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


class _Strings:
    """A module of strings."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return localised(getattr(self._module, name))


def localised(value: Any) -> Any:
    """Text in the language of the context, also inside tables and tuples; anything else as it is."""
    if isinstance(value, str):
        return translated(value)
    if isinstance(value, tuple):
        return tuple(localised(item) for item in value)
    return _Mapping(value) if isinstance(value, Mapping) else value


if TYPE_CHECKING:
    # The same names with the same types, so that a misspelt one is found.
    text = _text
    text_commands = _text_commands
else:
    text = _Strings(_text)
    text_commands = _Strings(_text_commands)

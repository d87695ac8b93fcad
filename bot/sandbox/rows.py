"""A table of the sandbox's tenant that finds rows by an attribute without looking at all of them."""

from __future__ import annotations

from collections import UserDict
from typing import Any, TypeVar

T = TypeVar("T")


class Rows(UserDict[str, T]):
    """A dict by id, with an index for each of ``attributes``. Indexed attributes of a row are fixed
    while it is in here.
    """

    def __init__(self, *attributes: str) -> None:
        self._indexes: dict[str, dict[Any, dict[str, T]]] = {name: {} for name in attributes}
        super().__init__()

    def where(self, attribute: str, value: str) -> list[T]:
        """The rows whose attribute is this, oldest first."""
        return list(self._indexes[attribute].get(value, {}).values())

    def __setitem__(self, key: str, row: T) -> None:
        if key in self.data:
            del self[key]
        super().__setitem__(key, row)
        for name, index in self._indexes.items():
            index.setdefault(getattr(row, name), {})[key] = row

    def __delitem__(self, key: str) -> None:
        row = self.data[key]
        super().__delitem__(key)
        for name, index in self._indexes.items():
            del index[getattr(row, name)][key]

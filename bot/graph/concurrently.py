"""Several reads at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

_T = TypeVar("_T")


async def concurrently(reads: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """All the answers, in order. When one fails the others are cancelled and its error is raised,
    bare: callers handle ``DirectoryError``s, not groups of them.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read) for read in reads]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed.exceptions[0].__cause__
    return [task.result() for task in tasks]

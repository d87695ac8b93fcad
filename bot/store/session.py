"""One database transaction, safe against errors half-way and against cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import CursorResult, Executable, exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.store.errors import translated

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` to its end even when cancelled, and raise the cancellation after it.

    A database call that is cut off in the middle leaves its connection unusable, and a cut-off
    COMMIT leaves it open whether anything was written. Calls are bounded by the driver's timeouts.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # seen here, or asyncio reports it as never retrieved
        raise cancelled
    return task.result()


class Session:
    """Statements inside one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.dialect = connection.dialect.name

    async def execute(self, statement: Executable) -> CursorResult[Any]:
        """Raises ``StoreUnavailableError`` or ``StoreRefusedError``."""
        with translated():
            return await uninterrupted(self._connection.execute(statement))


@asynccontextmanager
async def session(engine: AsyncEngine) -> AsyncIterator[Session]:
    """A transaction that is committed when the block ends and rolled back when it raises.
    Raises ``StoreUnavailableError``; when the commit itself raises it, the outcome is unknown.
    """
    connection = engine.connect()
    try:
        with translated():
            await uninterrupted(_begin(connection))
        try:
            yield Session(connection)
        except BaseException:
            await uninterrupted(_roll_back(connection))
            raise
        with translated():
            await uninterrupted(connection.commit())
    finally:
        if connection.sync_connection is not None:
            await uninterrupted(connection.close())


async def _begin(connection: AsyncConnection) -> None:
    await connection.start()
    await connection.begin()


async def _roll_back(connection: AsyncConnection) -> None:
    # The error that led here says more than that the connection is gone as well.
    with suppress(exc.SQLAlchemyError, OSError):
        await connection.rollback()

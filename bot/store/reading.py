"""The audit log, read beside a running bot: it takes no lock, migrates nothing and can't write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Row, Select, exc, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.ports import AuditEntry
from bot.store import tables
from bot.store.errors import StoreUnavailableError
from bot.store.opening import TokenLogin, parse_url, postgresql
from bot.store.rows import audit_entry_of
from bot.store.session import session


class AuditReader:
    """Made by ``open_audit``. Everything raises ``StoreUnavailableError``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def trail(self, request_id: str) -> tuple[AuditEntry, ...]:
        """Every line about one request, in the order of writing."""
        t = tables.audit
        rows = await self._rows(select(t).where(t.c.request_id == request_id).order_by(t.c.seq))
        return tuple(map(audit_entry_of, rows))

    async def newest(self, limit: int) -> tuple[AuditEntry, ...]:
        """The last lines, whatever they are about, in the order of writing."""
        t = tables.audit
        rows = await self._rows(select(t).order_by(t.c.seq.desc()).limit(limit))
        return tuple(map(audit_entry_of, reversed(rows)))

    async def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        try:
            async with session(self._engine) as opened:
                return (await opened.execute(query)).all()
        except exc.ProgrammingError as error:  # PostgreSQL's word for a table that is not there
            raise StoreUnavailableError("The database has no audit log.") from error


@asynccontextmanager
async def open_audit(url: str, login: TokenLogin | None = None) -> AsyncIterator[AuditReader]:
    """The audit log of a database that the bot has made. Raises ``StoreUrlError`` and
    ``StoreUnavailableError``.
    """
    async with read_only_engine(url, login) as engine:
        yield AuditReader(engine)


@asynccontextmanager
async def read_only_engine(url: str, login: TokenLogin | None) -> AsyncIterator[AsyncEngine]:
    """Can't write. Raises ``StoreUrlError``, and ``StoreUnavailableError`` when there is no SQLite file."""
    engine = _engine(parse_url(url), login)
    try:
        yield engine
    finally:
        await engine.dispose()


def _engine(url: URL, login: TokenLogin | None) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "").resolve()
        if not path.is_file():
            raise StoreUnavailableError(f"There is no database at {path}.")
        # Read-only for SQLite itself; the bot's lock on the file is not asked for.
        reading = {"mode": "ro", "uri": "true"}
        return create_async_engine(url.set(database=f"file:{quote(str(path))}", query=reading))
    return postgresql(url, login, read_only=True)

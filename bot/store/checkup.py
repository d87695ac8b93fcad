"""The database, looked at beside a running bot: as ``reading``, it takes no lock and can't write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, exc, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.ports import SubscriptionRow
from bot.store import tables
from bot.store.errors import StoreDeniedError, StoreUnavailableError
from bot.store.opening import TokenLogin
from bot.store.reading import read_only_engine
from bot.store.session import session

_TROUBLED: Final = 20
_MAY_MAKE_TABLES: Final = text("SELECT has_schema_privilege(current_schema(), 'CREATE')")


@dataclass(frozen=True, slots=True)
class PendingEffect:
    """An effect that is due and not done. ``last_error`` is what its last attempt said."""

    key: str
    kind: str
    due_at: datetime
    attempts: int
    last_error: str | None


class Checkup:
    """Made by ``open_checkup``. Everything raises ``StoreUnavailableError``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def version(self) -> str | None:
        """The schema's; None when the database is empty still, and the bot can fill it."""
        try:
            async with session(self._engine) as opened:
                found: str | None = (
                    await opened.execute(text("SELECT version_num FROM alembic_version"))
                ).scalar()
        except StoreDeniedError:
            raise
        except (StoreUnavailableError, exc.ProgrammingError) as error:
            if "alembic_version" not in str(error):
                raise
            await self._may_be_filled()
            return None
        return found

    async def _may_be_filled(self) -> None:
        """Tables that are not there and tables that this role is not let see look the same."""
        async with session(self._engine) as opened:
            if opened.dialect == "postgresql" and not (await opened.execute(_MAY_MAKE_TABLES)).scalar():
                raise StoreDeniedError("The database has no schema in which this role may make tables.")

    async def due_before(self, at: datetime) -> tuple[PendingEffect, ...]:
        """Effects that were to be done before then, oldest first; at most twenty."""
        t = tables.effects
        query = (
            select(t.c.key, t.c.kind, t.c.due_at, t.c.attempts, t.c.last_error)
            .where(t.c.done_at.is_(None), t.c.due_at < at)
            .order_by(t.c.due_at)
            .limit(_TROUBLED)
        )
        return tuple(PendingEffect(*tuple(row)) for row in await self._rows(query))

    async def subscriptions(self) -> tuple[SubscriptionRow, ...]:
        """Without their client states, which nobody who looks has any use for."""
        t = tables.subscriptions
        return tuple(
            SubscriptionRow(
                r.resource, "", r.subscription_id, r.expires_at, refused=r.refused, retry_at=r.retry_at
            )
            for r in await self._rows(select(t))
        )

    async def service_url(self, channel_id: str) -> str | None:
        """Where a channel was last heard from."""
        t = tables.service_urls
        rows = await self._rows(select(t.c.service_url).where(t.c.channel_id == channel_id))
        return str(rows[0][0]) if rows else None

    async def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        try:
            async with session(self._engine) as opened:
                return (await opened.execute(query)).all()
        except exc.ProgrammingError as error:  # PostgreSQL's word for a table or column that is not there
            raise StoreUnavailableError("The database's tables are not those of this release.") from error


@asynccontextmanager
async def open_checkup(url: str, login: TokenLogin | None = None) -> AsyncIterator[Checkup]:
    """Raises ``StoreUrlError`` and ``StoreUnavailableError``; for SQLite also when there is no file yet."""
    async with read_only_engine(url, login) as engine:
        yield Checkup(engine)

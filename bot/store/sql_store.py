"""``ports.Store`` on SQLAlchemy: SQLite for one process, PostgreSQL for several."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.ports import Clock, LeasedEffect
from bot.store import acts, effects
from bot.store.lock import FileLock
from bot.store.session import Session, session, uninterrupted
from bot.store.transaction import SqlTransaction


class SqlStore:
    """Made by ``open_store``. Everything raises ``StoreUnavailableError`` when the database can't be
    reached or can't write.

    On SQLite there is one connection, and ``turns`` hands it to one transaction after another: a
    transaction must stay short, and must never wait for the network.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock, file_lock: FileLock | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._file_lock = file_lock
        self._turns = asyncio.Lock() if engine.dialect.name == "sqlite" else None
        self._inside: set[asyncio.Task[object] | None] = set()
        self._committed: Callable[[], None] = lambda: None

    def on_commit(self, call: Callable[[], None]) -> None:
        """Call this after each transaction that made an effect due."""
        self._committed = call

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlTransaction]:
        """Committed when the block ends, rolled back when it raises. Opening a second one inside the
        block is a ``RuntimeError``: on SQLite it would wait for itself.
        """
        async with self._session() as opened:
            transaction = SqlTransaction(opened, self._clock)
            yield transaction
        if transaction.made_due:
            self._committed()

    async def claim_effects(
        self, owner: str, kinds: Sequence[str], limit: int, lease_seconds: float
    ) -> tuple[LeasedEffect, ...]:
        """Oldest first. What this owner holds is never given to it again, even when the lease has
        ended by a clock that jumped: it has to give it back first.
        """
        lease = timedelta(seconds=lease_seconds)
        async with self._session() as opened:
            rows = await opened.execute(
                effects.claim(opened.dialect, owner, kinds, limit, now=self._clock.now(), lease=lease)
            )
            claimed = [effects.leased_of(row) for row in rows]
        return tuple(sorted(claimed, key=lambda effect: (effect.due_at, effect.key)))

    async def retry_effect(self, effect: LeasedEffect, at: datetime, error: str) -> bool:
        """False when the lease is no longer held, because it was settled or lost."""
        async with self._session() as opened:
            done = await opened.execute(effects.retry(effect, at, error))
        return done.rowcount == 1

    async def free_leases(self, owner: str | None) -> int:
        async with self._session() as opened:
            freed = await opened.execute(effects.free_leases(owner, self._clock.now()))
        return freed.rowcount

    async def next_due(self, kinds: Sequence[str]) -> datetime | None:
        async with self._session() as opened:
            due: datetime | None = (await opened.execute(effects.next_due(kinds))).scalar()
        return due

    async def prune(self, before: datetime) -> int:
        """Delete effects done before then, and return how many; acts that expired before go with them.
        Effects' keys can be enqueued again, so keep what may still come twice. Requests and the audit
        log are never pruned.
        """
        async with self._session() as opened:
            pruned = await opened.execute(effects.prune(before))
            await opened.execute(acts.prune(before))
        return int(pruned.rowcount)

    async def backlog(self) -> tuple[tuple[str, int, float, int], ...]:
        """Of each kind of effect: how many are pending, for how many seconds the oldest has been due, and
        the most attempts.
        """
        async with self._session() as opened:
            rows: Sequence[Any] = (await opened.execute(effects.backlog())).all()
        now = self._clock.now()
        return tuple((row[0], row[1], max(0.0, (now - row[2]).total_seconds()), row[3]) for row in rows)

    async def ping(self) -> None:
        async with self._session() as opened:
            await opened.execute(text("SELECT version_num FROM alembic_version"))

    async def close(self) -> None:
        """Waits for the transaction under way, then closes connections and frees the file lock."""
        async with self._turn():
            await uninterrupted(self._engine.dispose())
        if self._file_lock is not None:
            self._file_lock.release()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        async with self._turn(), session(self._engine) as opened:
            yield opened

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        task = asyncio.current_task()
        if task in self._inside:
            raise RuntimeError("a transaction was opened inside a transaction")
        self._inside.add(task)
        try:
            if self._turns is None:
                yield
            else:
                async with self._turns:
                    yield
        finally:
            self._inside.discard(task)

"""Opens the store: lock, engine, schema, leases, in this order."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import structlog
from sqlalchemy import URL, event, exc, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from bot.ports import Clock
from bot.store.errors import StoreUnavailableError, StoreUrlError
from bot.store.lock import FileLock
from bot.store.migrating import bring_up_to_date
from bot.store.sql_store import SqlStore

log = structlog.get_logger(__name__)

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
POOL: Final[Mapping[str, Any]] = MappingProxyType({"pool_size": 5, "max_overflow": 5})
"""Connections to PostgreSQL that are kept, and further ones while there is much to do. A server takes so
many and no more, from all replicas together, twice as many while a new revision replaces the old. Nobody
who holds one waits for another: SQLite makes do with one.
"""
_BUSY_SECONDS: Final = 5.0
"""How long SQLite waits for a backup or another tool that has the file open."""
_ANSWER_SECONDS: Final = 10.0
"""How long PostgreSQL may take for one statement, or to let us in."""
_ROLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$-]{0,62}")


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """How to log in to PostgreSQL without a password of one's own."""

    token: Callable[[], Awaitable[str]]
    """Asked for each new connection; raises ``OSError`` when there is none to be had."""
    tls: ssl.SSLContext
    """The token crosses the wire as it is: whoever gets it is the bot. So it is sent to a server that
    this context has verified, whatever the URL says, or not at all.
    """


async def open_store(url: str, clock: Clock, login: TokenLogin | None = None) -> SqlStore:
    """Open the database, bring its schema up to date and, on SQLite, free the leases that a crash
    left. Raises ``StoreUrlError``, ``StoreLockedError`` (SQLite file in use by another process) and
    ``StoreUnavailableError``.
    """
    parsed = parse_url(url)
    lock = _file_lock(parsed)
    engine = _engine(parsed, login)
    store = SqlStore(engine, clock, lock)
    try:
        await bring_up_to_date(engine)
        freed = await store.free_leases(None) if engine.dialect.name == "sqlite" else 0
        log.info("store_opened", backend=engine.dialect.name, database=parsed.database, freed=freed)
    except BaseException:
        await store.close()
        raise
    return store


def parse_url(url: str) -> URL:
    """With the driver that Second Key uses. Raises ``StoreUrlError``."""
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        # Without its cause, which quotes the URL and so perhaps a password.
        raise StoreUrlError(
            "SECONDKEY_DATABASE_URL: can't be read as a URL, such as sqlite+aiosqlite:///secondkey.db"
        ) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise StoreUrlError(
            f"SECONDKEY_DATABASE_URL: begins with {parsed.drivername}; it has to be sqlite+aiosqlite or"
            " postgresql+asyncpg"
        )
    if driver.startswith("sqlite") and (parsed.database or "").startswith("file:"):
        raise StoreUrlError("SECONDKEY_DATABASE_URL: has to name a plain file, not a file: URI")
    _check_role(parsed)
    return parsed.set(drivername=driver)


def _check_role(url: URL) -> None:
    role = url.query.get("role")
    if role is None:
        return
    if url.get_backend_name() == "sqlite":
        raise StoreUrlError("SECONDKEY_DATABASE_URL: names a role, which SQLite does not have")
    # "none" is no role but PostgreSQL's word for working as oneself.
    if not isinstance(role, str) or not _ROLE.fullmatch(role) or role.lower() == "none":
        raise StoreUrlError("SECONDKEY_DATABASE_URL: has to name one role, as it is written without quotes")


def _in_memory(url: URL) -> bool:
    return url.database in {None, "", ":memory:"}


def _file_lock(url: URL) -> FileLock | None:
    if url.get_backend_name() != "sqlite" or _in_memory(url):
        return None
    # Resolved, so that two names of one database share a lock.
    database = Path(url.database or "").resolve()
    try:
        # Made here, because SQLite would let everybody on the machine read it.
        os.close(os.open(database, os.O_RDWR | os.O_CREAT, 0o600))
        return FileLock(database.with_name(database.name + ".lock"))
    except OSError as error:
        raise StoreUnavailableError(f"{database} can't be opened: {error.strerror}") from error


def _engine(url: URL, login: TokenLogin | None) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    return postgresql(url, login, **POOL, pool_pre_ping=True)


def postgresql(url: URL, login: TokenLogin | None, *, read_only: bool = False, **pool: Any) -> AsyncEngine:
    """Connections are made in one way, whatever they are for. Each works as the role that the URL
    names, whoever logs in: what it makes belongs to that role, and so to each of its members.
    """
    settings = {"default_transaction_read_only": "on"} if read_only else {}
    if role := url.query.get("role"):
        settings["role"] = str(role)
    options: dict[str, Any] = {
        "timeout": _ANSWER_SECONDS,
        "command_timeout": _ANSWER_SECONDS,
        "server_settings": settings,
    }
    if login is not None:
        options |= {"password": login.token, "ssl": login.tls}
    url = url.difference_update_query(["role"])  # which the driver would not know
    return create_async_engine(url, hide_parameters=True, connect_args=options, **pool)


def _sqlite(url: URL) -> AsyncEngine:
    pool: dict[str, Any] = (
        {"poolclass": StaticPool} if _in_memory(url) else {"pool_size": 1, "max_overflow": 0}
    )
    # The driver's own transactions are off: they begin late and take the write lock later still.
    options = {"isolation_level": None, "timeout": _BUSY_SECONDS}
    engine = create_async_engine(url, hide_parameters=True, connect_args=options, **pool)
    event.listen(engine.sync_engine, "connect", _configure)
    event.listen(engine.sync_engine, "begin", _begin_immediate)
    return engine


def _configure(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")

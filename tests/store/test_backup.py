"""The backup and restore commands of ``docs/operations.md``, run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from deploy.azure_postgres import ADMINISTRATORS, OWNER, administrator, bot_url, run_script, take_away
from deploy.bicep import module
from fakes.manual_clock import ManualClock
from sqlalchemy import text
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


# PostgreSQL, as on Azure: by an administrator who is no superuser ----------------------------

SETUP = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8")
LOGIN, OBJECT = "id-secondkey-backup", "55555555-5555-4555-8555-555555555555"
OUTPUTS = {"identityName": LOGIN, "identityPrincipalId": OBJECT}


@dataclass
class Shell:
    """Where an administrator types what the page says: in a checkout, with ``out`` of the set-up and with az,
    which here knows only what it is asked for.
    """

    server: Any
    directory: Path
    env: Mapping[str, str]

    @classmethod
    def on(cls, server: Any, directory: Path) -> Shell:
        env = administrator(server)
        answers = {f"*outputs.{name}.value*": value for name, value in OUTPUTS.items()}
        answers |= {"*outputs.databaseHost.value*": env["PGHOST"], "account*get-access-token*": "a-token"}
        cases = "".join(f"{asked}) echo '{said}' ;;\n" for asked, said in answers.items())
        az = directory / "az"
        az.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}*) echo "unknown: $*" >&2; exit 1 ;;\nesac\n')
        az.chmod(0o755)
        (directory / "infra").symlink_to(ROOT / "infra")
        path = f"{server.bin_path}:{directory}:{os.environ['PATH']}"
        return cls(server, directory, {**os.environ, "PATH": path, "RG": "rg-secondkey"})

    def run(self, name: str) -> str:
        out = re.search(r"^out\(\) .*$", SETUP, re.MULTILINE)
        assert out
        script = "\n".join([out[0], without_tls(documented("connect: postgresql")), documented(name)])
        done = subprocess.run(
            ["/bin/sh", "-euc", script],
            cwd=self.directory,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def without_tls(commands: str) -> str:
    """The server here is behind a socket, and its tools are made without TLS."""
    line = "export PGSSLMODE=verify-full PGSSLROOTCERT=system\n"
    assert line in commands
    return commands.replace(line, "")


@pytest.fixture
def shell(each_pg_server: Any, tmp_path: Path) -> Iterator[Shell]:
    made = Shell.on(each_pg_server, tmp_path)
    run_script(each_pg_server, role=LOGIN, object_id=OBJECT, database="secondkey")
    yield made
    take_away(each_pg_server, "secondkey", "secondkey_before", role=LOGIN)


async def test_postgresql_is_backed_up_by_an_administrator_while_it_is_open_and_restored(
    clock: ManualClock, shell: Shell
):
    url = bot_url(shell.server, LOGIN, "secondkey")
    store = await open_store(url, clock)
    await fill(store)
    shell.run("backup: postgresql")
    await lose_everything_after(store)
    await store.close()
    assert shell.run("restore: postgresql").splitlines()[-1].startswith("Ready: ")
    store = await open_store(url, clock)
    await check(store)
    async with store.transaction() as tx:
        await tx.audit(ENTRY)  # it can go on writing where it left off
        assert await tx.audit_trail("r1") == (ENTRY, ENTRY)
    await store.close()
    shell.run("after restore: postgresql")


async def test_a_restored_audit_log_can_not_be_changed(clock: ManualClock, shell: Shell):
    url = bot_url(shell.server, LOGIN, "secondkey")
    store = await open_store(url, clock)
    await fill(store)
    await store.close()
    shell.run("backup: postgresql")
    shell.run("restore: postgresql")
    store = await open_store(url, clock)

    async def tamper() -> None:
        async with store._session() as session:
            await session.execute(text("DELETE FROM audit"))

    with pytest.raises(Exception, match="append-only"):
        await tamper()
    await store.close()


async def test_a_restore_beside_a_replica_that_still_runs_is_refused(clock: ManualClock, shell: Shell):
    store = await open_store(bot_url(shell.server, LOGIN, "secondkey"), clock)
    await fill(store)
    shell.run("backup: postgresql")
    with pytest.raises(AssertionError, match="is being accessed by other users"):
        shell.run("restore: postgresql")
    await check(store)
    await store.close()


def test_the_page_names_the_database_and_the_group_as_the_set_up_does():
    group = re.search(r'az ad group create --display-name "(.*?)"', SETUP)
    assert group
    assert f'PGUSER="{group[1]}"' in documented("connect: postgresql")
    assert group[1] == ADMINISTRATORS
    assert "output databaseName string = 'secondkey'" in module("modules/database").text
    assert set(re.findall(r"--role=(\S+)", OPERATIONS)) == {OWNER}
    assert set(re.findall(r"\$\(out (\w+)\)", OPERATIONS)) <= set(module("main").outputs)

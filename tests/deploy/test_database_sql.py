"""database.sql on a real PostgreSQL, run as on Azure by an administrator who is no superuser: what it makes
is enough for the bot, and no more; and where it can't make it, it says so and fails.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from deploy.azure_postgres import (
    ADMINISTRATORS,
    OWNER,
    administrator,
    bot_url,
    run_script,
    take_away,
    try_script,
)
from deploy.dockerfile import ROOT
from fakes.manual_clock import ManualClock
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.ports import AuditEntry, Effect
from bot.store import StoreUnavailableError, open_store
from bot.store.checkup import open_checkup
from bot.store.migrating import HEAD
from bot.store.reading import open_audit

ROLE, OBJECT = "id-secondkey-sql", "44444444-4444-4444-8444-444444444444"


@dataclass
class Azure:
    server: Any

    def run(self) -> str:
        return run_script(self.server, role=ROLE, object_id=OBJECT, database="for_sql")

    def attempt(self) -> subprocess.CompletedProcess[str]:
        return try_script(self.server, role=ROLE, object_id=OBJECT, database="for_sql")

    def ask(self, what: str, database: str = "for_sql") -> str:
        """One value, as the superuser sees it."""
        uri = self.server.get_uri(database)
        command = [self.server.bin_path / "psql", uri, "--tuples-only", "--no-align", "--command", what]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    @property
    def url(self) -> str:
        return bot_url(self.server, ROLE, "for_sql")


def of_role(name: str, column: str) -> str:
    return f"SELECT {column} FROM pg_roles WHERE rolname = '{name}'"  # noqa: S608 - both are ours


@pytest.fixture
def azure(each_pg_server: Any) -> Iterator[Azure]:
    administrator(each_pg_server)
    yield Azure(each_pg_server)
    take_away(each_pg_server, "for_sql", role=ROLE)


@pytest.fixture
def set_up(azure: Azure) -> Azure:
    azure.run()
    azure.run()  # which changes nothing
    return azure


async def test_the_bot_brings_the_schema_up_to_date_through_its_login(set_up: Azure) -> None:
    clock = ManualClock()
    store = await open_store(set_up.url, clock)
    async with store.transaction() as tx:
        await tx.enqueue(Effect("e", "post", clock.now()))
    assert [e.key for e in await store.claim_effects("me", ["post"], 1, 10)] == ["e"]
    await store.close()


async def test_what_the_bot_makes_belongs_to_the_owner_and_the_script_can_be_run_again(set_up: Azure) -> None:
    await (await open_store(set_up.url, ManualClock())).close()
    owners = (
        "SELECT DISTINCT pg_get_userbyid({0}owner) FROM pg_{1} WHERE {0}namespace = 'public'::regnamespace"
    )
    assert set_up.ask(owners.format("rel", "class")) == OWNER
    assert set_up.ask(owners.format("pro", "proc")) == OWNER
    told = re.search(r"`(Ready: .*?)`", (ROOT / "docs" / "setup.md").read_text(encoding="utf-8"))
    assert told
    assert set_up.run().splitlines()[-1] == told[1].replace("id-secondkey", ROLE).replace(
        "in secondkey", "in for_sql"
    )


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_the_audit_log_can_not_be_changed_by_the_owner_either(set_up: Azure, statement: str) -> None:
    clock = ManualClock()
    store = await open_store(set_up.url, clock)
    async with store.transaction() as tx:
        await tx.audit(AuditEntry(clock.now(), "seen", "r1", None))
    async with store._session() as session:
        assert (await session.execute(text("SELECT current_user"))).scalar() == OWNER

    async def tamper() -> None:
        async with store._session() as session:
            await session.execute(text(statement))

    with pytest.raises(Exception, match="append-only"):
        await tamper()
    await store.close()


async def test_the_audit_log_is_read_and_the_database_looked_at_through_the_same_url(set_up: Azure) -> None:
    await (await open_store(set_up.url, ManualClock())).close()
    async with open_audit(set_up.url) as log, open_checkup(set_up.url) as checkup:
        assert await log.newest(1) == ()
        assert await checkup.version() == HEAD


async def test_a_database_whose_tables_are_somebody_elses_is_denied_and_not_empty(set_up: Azure) -> None:
    set_up.ask("CREATE TABLE alembic_version (version_num text)")
    async with open_checkup(set_up.url) as checkup:
        with pytest.raises(StoreUnavailableError, match="permission denied for table alembic_version"):
            await checkup.version()


async def test_a_login_that_sees_no_tables_is_denied_and_the_database_not_taken_for_empty(
    set_up: Azure,
) -> None:
    await (await open_store(set_up.url, ManualClock())).close()
    async with open_checkup(set_up.url.partition("&role=")[0]) as checkup:
        with pytest.raises(StoreUnavailableError, match="no schema in which this role may make tables"):
            await checkup.version()


async def test_a_database_that_is_still_empty_is_no_fault(set_up: Azure) -> None:
    async with open_checkup(set_up.url) as checkup:
        assert await checkup.version() is None


async def test_a_bot_that_is_not_told_to_work_as_the_owner_makes_no_tables_of_its_own(set_up: Azure) -> None:
    with pytest.raises(StoreUnavailableError, match="no schema has been selected to create in"):
        await open_store(set_up.url.partition("&role=")[0], ManualClock())


async def test_a_role_that_the_bot_may_not_have_is_refused_and_named(set_up: Azure) -> None:
    for role in (ADMINISTRATORS.replace(" ", "-"), "pg_read_all_data"):
        url = set_up.url.replace(f"role={OWNER}", f"role={role}")
        with pytest.raises(StoreUnavailableError, match=role):
            await open_store(url, ManualClock())


async def test_nothing_of_the_owners_is_the_logins_until_it_says_so(set_up: Azure) -> None:
    await (await open_store(set_up.url, ManualClock())).close()
    engine = create_async_engine(set_up.url.partition("&role=")[0])
    async with engine.connect() as connection:
        with pytest.raises(Exception, match="permission denied for schema public"):
            await connection.execute(text("SELECT * FROM public.audit"))
    await engine.dispose()


def test_neither_role_is_an_administrator_and_only_the_bot_can_connect(set_up: Azure) -> None:
    may = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
    assert [set_up.ask(of_role(name, may)) for name in (ROLE, OWNER)] == ["f", "f"]
    assert [set_up.ask(of_role(name, "rolcanlogin")) for name in (ROLE, OWNER)] == ["t", "f"]
    set_up.ask("CREATE ROLE stranger LOGIN")
    assert set_up.ask("SELECT has_database_privilege('stranger', 'for_sql', 'CONNECT')") == "f"
    set_up.ask("DROP ROLE stranger")


def test_the_role_belongs_to_the_identitys_object_id(set_up: Azure) -> None:
    label = "(SELECT label FROM pg_shseclabel WHERE objoid = pg_roles.oid)"
    assert set_up.ask(of_role(ROLE, label)) == f"aadauth,oid={OBJECT},type=service"


def test_a_login_of_the_same_name_that_is_another_principals_is_a_failure(set_up: Azure) -> None:
    other = OBJECT.replace("4", "5")
    done = try_script(set_up.server, role=ROLE, object_id=other, database="for_sql")
    assert done.returncode != 0
    assert f'Login "{ROLE}" is there already' in done.stderr
    assert f"""ON ROLE "{ROLE}" IS 'aadauth,oid={other},type=service'""" in done.stderr


def test_an_empty_database_of_the_administrators_does(azure: Azure) -> None:
    azure.ask(f'CREATE DATABASE for_sql OWNER "{ADMINISTRATORS}"', "postgres")
    assert "Ready: " in azure.run()


def test_a_database_of_somebody_elses_is_a_failure_that_says_what_to_do(azure: Azure) -> None:
    azure.ask("CREATE DATABASE for_sql", "postgres")
    done = azure.attempt()
    assert done.returncode != 0
    assert f'database "for_sql" belongs to "postgres", and you are "{ADMINISTRATORS}"' in done.stderr
    assert "delete it" in done.stderr
    assert "Ready" not in done.stdout


def test_a_database_of_somebody_elses_that_is_closed_already_is_a_failure(azure: Azure) -> None:
    azure.ask("CREATE DATABASE for_sql", "postgres")
    azure.ask("REVOKE ALL ON DATABASE for_sql FROM PUBLIC", "postgres")
    done = azure.attempt()
    assert done.returncode != 0
    assert "permission denied for database" in done.stderr


def test_a_table_of_an_older_set_up_is_a_failure_that_names_its_owner(set_up: Azure) -> None:
    set_up.ask("CREATE TABLE audit (seq int)")
    set_up.ask(f'ALTER TABLE audit OWNER TO "{ROLE}"')
    done = set_up.attempt()
    assert done.returncode != 0
    assert f'Table "audit" belongs to "{ROLE}" and not to "{OWNER}"' in done.stderr
    assert f'REASSIGN OWNED BY "{ROLE}" TO {OWNER}' in done.stderr


def test_an_owner_that_another_administrator_made_is_a_failure(azure: Azure) -> None:
    azure.ask(f"CREATE ROLE {OWNER}", "postgres")
    done = azure.attempt()
    assert done.returncode != 0
    assert "permission denied to grant role" in done.stderr

"""database.sql on a real PostgreSQL: what it makes is enough for the bot, and no more."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from deploy.dockerfile import ROOT
from fakes.manual_clock import ManualClock

from bot.ports import Effect
from bot.store import open_store

ROLE, OBJECT = "id-secondkey-sql", "44444444-4444-4444-8444-444444444444"

# What Azure's server has in the database "postgres"; there, the role gets its object id as a label.
_AZURE = """
CREATE OR REPLACE FUNCTION pg_catalog.pgaadauth_create_principal_with_oid(
    name text, object_id text, kind text, is_admin boolean, is_mfa boolean) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    ASSERT kind = 'service' AND NOT is_admin AND NOT is_mfa;
    EXECUTE format('CREATE ROLE %I LOGIN', name);
    EXECUTE format('COMMENT ON ROLE %I IS %L', name, object_id);
    RETURN 'Created role for ' || name;
END $$;
"""


def run_script(server: Any) -> None:
    psql = server.bin_path / "psql"
    said = ["-v", f"role={ROLE}", "-v", f"object_id={OBJECT}", "-v", "database=for_sql"]
    done = subprocess.run(
        [psql, server.get_uri("postgres"), *said, "-f", ROOT / "infra" / "database.sql"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def url(pg_server: Any) -> Iterator[str]:
    pg_server.psql("SET allow_system_table_mods = on; " + _AZURE)
    pg_server.psql("CREATE DATABASE for_sql")
    run_script(pg_server)
    run_script(pg_server)  # changes nothing
    yield pg_server.get_uri("for_sql").replace("postgres:@", f"{ROLE}@")
    pg_server.psql("DROP DATABASE for_sql WITH (FORCE)")
    pg_server.psql(f'DROP ROLE "{ROLE}"')


async def test_the_bot_brings_the_schema_up_to_date_as_that_role(url: str) -> None:
    clock = ManualClock()
    store = await open_store(url, clock)
    async with store.transaction() as tx:
        await tx.enqueue(Effect("e", "post", clock.now()))
    assert [e.key for e in await store.claim_effects("me", ["post"], 1, 10)] == ["e"]
    await store.close()


def attributes(server: Any, wanted: str) -> list[str]:
    """One column of the role."""
    query = "COPY (SELECT {} FROM pg_roles WHERE rolname = '{}') TO STDOUT"
    said: list[str] = server.psql(query.format(wanted, ROLE)).split()
    return said


@pytest.mark.usefixtures("url")
def test_the_role_is_no_administrator_and_others_can_not_connect(pg_server: Any) -> None:
    may = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
    assert attributes(pg_server, may) == ["f"]
    pg_server.psql("CREATE ROLE stranger LOGIN")
    can = "COPY (SELECT has_database_privilege('stranger', 'for_sql', 'CONNECT')) TO STDOUT"
    assert pg_server.psql(can).split() == ["f"]
    pg_server.psql("DROP ROLE stranger")


@pytest.mark.usefixtures("url")
def test_the_role_belongs_to_the_identitys_object_id(pg_server: Any) -> None:
    assert attributes(pg_server, "shobj_description(oid, 'pg_authid')") == [OBJECT]

"""database.sql on a real PostgreSQL: what it makes is enough for the bot, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from deploy.azure_postgres import run_script
from fakes.manual_clock import ManualClock

from bot.ports import Effect
from bot.store import open_store

ROLE, OBJECT = "id-secondkey-sql", "44444444-4444-4444-8444-444444444444"


@pytest.fixture
def url(pg_server: Any) -> Iterator[str]:
    pg_server.psql("CREATE DATABASE for_sql")
    for _ in range(2):  # the second time changes nothing
        run_script(pg_server, role=ROLE, object_id=OBJECT, database="for_sql")
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

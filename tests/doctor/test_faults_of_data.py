"""What can be wrong with the database, and with what tells of requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from doctor.clinic import Clinic, a_database

from bot.clock import SystemClock
from bot.demo.processes import _free_port
from bot.ports import Effect, SubscriptionRow
from bot.sandbox.profiles import LEAST_APP_ROLES
from bot.store import open_store

pytestmark = pytest.mark.asyncio(loop_scope="package")

# The database ------------------------------------------------------------------------------


async def test_a_database_out_of_reach(clinic: Clinic):
    await clinic.examine(database_url=f"postgresql+asyncpg://bot:hunter2@127.0.0.1:{_free_port()}/bot")
    assert clinic.codes() == {"database.unreachable"}
    assert "hunter2" not in str(clinic.results)


@pytest.fixture
def login(pg_server: Any) -> Iterator[str]:
    """Who may log in and nothing else."""
    pg_server.psql("CREATE ROLE nobody LOGIN")
    yield "nobody"
    pg_server.psql("DROP ROLE nobody")


@pytest.mark.parametrize(
    "role",
    [
        pytest.param("", id="makes-no-tables"),
        pytest.param("&role=postgres", id="a-role-it-may-not-have"),
    ],
)
async def test_a_database_that_denies_it_to_the_bot(clinic: Clinic, pg_url: str, login: str, role: str):
    url = pg_url.replace("postgres:@", f"{login}@") + role
    await clinic.examine(database_url=url)
    assert clinic.codes() == {"database.denied"}


async def test_a_database_url_that_is_none(clinic: Clinic):
    await clinic.examine(database_url="mysql://bot:hunter2@db/bot")
    assert clinic.codes() == {"database.url"}
    assert "hunter2" not in str(clinic.results)


async def test_a_directory_that_is_not_there(clinic: Clinic):
    await clinic.examine(database_url="sqlite+aiosqlite:////nowhere/at/all.db")
    assert clinic.codes() == {"database.no-directory"}


@pytest.mark.parametrize(
    ("version", "code"),
    [pytest.param("0001", "database.older", id="older"), pytest.param("9999", "database.newer", id="newer")],
)
async def test_a_schema_of_another_release(clinic: Clinic, version: str, code: str):
    url = await a_database(clinic, code, f"UPDATE alembic_version SET version_num = '{version}'")  # noqa: S608
    await clinic.examine(database_url=url)
    assert clinic.codes() == {code}


async def test_no_database_yet_is_no_fault(clinic: Clinic):
    await clinic.examine(database_url=f"sqlite+aiosqlite:///{clinic.directory / 'none-yet.db'}")
    assert clinic.codes() == set()
    assert clinic.findings("database.new")
    assert not (clinic.directory / "none-yet.db").exists()


@pytest.mark.parametrize(
    ("tried", "code"),
    [
        pytest.param(False, "queue.stands-still", id="nobody works"),
        pytest.param(True, "queue.fails", id="it fails"),
    ],
)
async def test_work_that_is_not_done(clinic: Clinic, tried: bool, code: str):
    url = await a_database(clinic, code)
    store = await open_store(url, SystemClock())
    now = datetime.now(UTC)  # noqa: TID251 - of this machine, like the sandbox's
    async with store.transaction() as tx:
        await tx.enqueue(Effect("card.sync:r1", "card.sync", now - timedelta(minutes=10)))
    if tried:
        (effect,) = await store.claim_effects("me", ["card.sync"], 1, 10)
        await store.retry_effect(effect, now, "ChannelRefusedError: BotNotInConversationRoster (403)")
    await store.close()
    await clinic.examine(database_url=url)
    assert clinic.codes() == {code}
    assert "card.sync:r1" in clinic.findings(code)[0].says


# Signals -----------------------------------------------------------------------------------


async def test_a_subscription_that_the_tenant_refuses(clinic: Clinic):
    await clinic.examine(subscriptions="roleManagement/directory/roleAssignmentScheduleRequests")
    assert clinic.codes() == {"subscriptions.refused"}


async def test_a_subscription_that_a_permission_is_missing_for(clinic: Clinic):
    clinic.world.app_roles = set(LEAST_APP_ROLES) - {"Mail.ReadBasic"}
    url = await a_database(clinic, "unsubscribed")
    await clinic.examine(database_url=url)
    assert clinic.codes() == {"subscriptions.refused"}
    assert "Mail.ReadBasic" in clinic.findings("subscriptions.refused")[0].do


async def test_a_subscription_is_tried_out_and_taken_back(clinic: Clinic):
    before = dict(clinic.world.tenant.subscriptions)
    url = await a_database(clinic, "never-subscribed")
    await clinic.examine(database_url=url)
    assert clinic.codes() == set()
    assert clinic.findings("subscriptions.possible")
    assert clinic.world.tenant.subscriptions == before


async def test_a_subscription_that_lapsed(clinic: Clinic):
    url = await a_database(clinic, "lapsed")
    store = await open_store(url, SystemClock())
    async with store.transaction() as tx:
        long_ago = clinic.world.now() - timedelta(days=1)
        await tx.save_subscription(SubscriptionRow(clinic.env["subscriptions"], "x", "s1", long_ago))
    await store.close()
    await clinic.examine(database_url=url)
    assert clinic.codes() == {"subscriptions.lapsed"}

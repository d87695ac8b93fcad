"""Brings the schema up to date when the store is opened."""

from __future__ import annotations

from typing import Any, Final

import structlog
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.errors import translated

log = structlog.get_logger(__name__)

HEAD: Final = "0004"
"""The newest migration, named here so that a start with nothing to do need not load Alembic."""

_LOCK: Final = 0x5EC0_4D4B_0E7A_0001
"""The advisory lock under which replicas that start together migrate one after another."""


async def bring_up_to_date(engine: AsyncEngine) -> None:
    """Apply the missing migrations in one transaction. A schema that is newer than this code is left
    as it is: migrations expand first, so that replicas of two versions can run side by side.
    Raises ``StoreUnavailableError``.
    """
    with translated():
        async with engine.begin() as connection:
            if await connection.run_sync(_version) == HEAD:
                return
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            await connection.run_sync(_migrate)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def known_versions() -> frozenset[str]:
    """Every schema version that this release has a migration for."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - slow to load, and rarely needed

    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Any:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "bot.store:migrations")
    return config


def _migrate(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415

    config = _config()
    config.attributes["connection"] = connection
    version = _version(connection)
    if version == HEAD:
        return  # another replica was first
    if version is not None and version not in known_versions():
        log.warning("store_schema_newer", found=version, known=HEAD)
        return
    command.upgrade(config, "head")
    log.info("store_migrated", before=version, after=HEAD)

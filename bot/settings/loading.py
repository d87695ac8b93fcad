"""Reads the settings, whole or in part, or says everything that is wrong with them."""

from __future__ import annotations

import os
from typing import Any

from pydantic_settings import SettingsConfigDict

from bot.settings.faults import PREFIX, SettingsError, field_of, unknown
from bot.settings.model import FromFileAndEnvironment, Settings


def load(**overrides: Any) -> Settings:
    """The settings; ``overrides`` win over everything. Raises ``SettingsError`` naming every fault
    at once, and no value.
    """
    faults = [f"{name}: {unknown(field_of(name))}" for name in sorted(os.environ) if _is_unknown(name)]
    try:
        settings = Settings(**overrides)
    except SettingsError as error:
        raise SettingsError([*error.faults, *faults]) from None
    except (OSError, ValueError) as error:
        raise SettingsError([f"secondkey.toml: {error}", *faults]) from None
    if faults:
        raise SettingsError(faults)
    return settings


def load_database() -> Database:
    """Where the database is, for whoever reads it without being the bot: nothing else has to be
    set. Raises ``SettingsError``.
    """
    try:
        return Database()
    except (OSError, ValueError) as error:
        raise SettingsError([f"secondkey.toml: {error}"]) from None


class Database(FromFileAndEnvironment):
    """The part of ``Settings`` that says where the database is."""

    model_config = SettingsConfigDict(**{**Settings.model_config, "extra": "ignore"})

    database_url: str = Settings.model_fields["database_url"].default
    database_identity: str | None = None


def _is_unknown(variable: str) -> bool:
    return variable.startswith(PREFIX) and field_of(variable) not in Settings.model_fields

"""Settings: read once, at start, from ``secondkey.toml`` and ``SECONDKEY_*`` (which win).

All faults are reported together.
"""

from bot.settings.faults import PREFIX, SettingsError
from bot.settings.loading import Database, load, load_database
from bot.settings.model import FromFileAndEnvironment, Routing, Settings

__all__ = [
    "PREFIX",
    "Database",
    "FromFileAndEnvironment",
    "Routing",
    "Settings",
    "SettingsError",
    "load",
    "load_database",
]

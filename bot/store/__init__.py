"""Tables, queries, migrations and the effect queue, on SQLAlchemy."""

from bot.store.errors import (
    StoreLockedError,
    StoreRefusedError,
    StoreUnavailableError,
    StoreUrlError,
)
from bot.store.opening import open_store
from bot.store.sql_store import SqlStore

__all__ = [
    "SqlStore",
    "StoreLockedError",
    "StoreRefusedError",
    "StoreUnavailableError",
    "StoreUrlError",
    "open_store",
]

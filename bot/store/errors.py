"""What can go wrong with the database, and the one place where vendor errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import exc

from bot.domain.errors import MisconfiguredError, SecondKeyError

_NOT_ALLOWED: Final = "42501"
"""PostgreSQL's code for a privilege that whoever set up the database has to grant."""


class StoreUnavailableError(SecondKeyError, ConnectionError):
    """The database could not be reached or could not write; trying again later may help.

    Also a ``ConnectionError``, so that services can retry on it without knowing this package.
    """


class StoreDeniedError(StoreUnavailableError):
    """The database does not let this role do it. Who set it up has to grant it (docs/setup.md, step 4)."""


class StoreRefusedError(SecondKeyError):
    """The database refused a row: it breaks a rule, or names something that is not there."""


class StoreUrlError(MisconfiguredError):
    """The database URL is not one that Second Key can open."""


class StoreLockedError(SecondKeyError):
    """Another process has this SQLite database open; ``path`` is its lock file."""

    def __init__(self, path: Path, holder: str) -> None:
        who = f"process {holder}" if holder else "another process"
        super().__init__(
            f"{path} is held by {who}, so this database is in use. Stop that process first, or give this one "
            "its own SECONDKEY_DATABASE_URL; several replicas need PostgreSQL."
        )
        self.path = path


@contextmanager
def translated() -> Iterator[None]:
    """Turn database errors into ours. Errors that our own SQL is to blame for pass unchanged.

    Messages are the driver's own, without the statement's parameters.
    """
    try:
        yield
    except exc.IntegrityError as error:
        raise StoreRefusedError(f"The database refused a row: {error.orig}") from error
    except exc.ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_ALLOWED:
            raise
        raise StoreDeniedError(f"The database denies it to this role: {error.orig}") from error
    except exc.DBAPIError as error:
        raise StoreUnavailableError(f"The database failed: {error.orig}") from error
    except (exc.TimeoutError, OSError) as error:
        why = str(error) or "no answer in time"
        raise StoreUnavailableError(f"The database could not be reached: {why}") from error

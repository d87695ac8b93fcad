"""The database: whether it can be reached, how old its schema is, and what waits in its queue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bot.doctor.findings import Finding, critical, error, info, ok, warning
from bot.doctor.tools import Tools
from bot.outside import database_login
from bot.store.checkup import Checkup, PendingEffect, open_checkup
from bot.store.errors import StoreDeniedError, StoreUnavailableError, StoreUrlError
from bot.store.migrating import HEAD, known_versions
from bot.store.opening import parse_url

_LATE: Final = timedelta(seconds=60)
_NOTHING: Final = "Nothing is taken in, decided or posted: everything is written down first."


async def look(tools: Tools) -> Iterable[Finding]:
    url = tools.settings.database_url
    try:
        if (missing := _missing_file(url)) is not None:
            return [missing]
        async with database_login(tools.settings) as login, open_checkup(url, login) as checkup:
            return [judge_version(await checkup.version(), HEAD, known_versions())]
    except StoreUrlError as failed:
        return [critical("database.url", str(failed), _NOTHING, "Correct SECONDKEY_DATABASE_URL.")]
    except StoreDeniedError as failed:
        return [denied(failed)]
    except StoreUnavailableError as failed:
        return [unreachable(failed)]


def denied(failed: StoreDeniedError) -> Finding:
    return critical(
        "database.denied",
        str(failed).strip().splitlines()[0][:200],
        _NOTHING,
        "See that SECONDKEY_DATABASE_URL names the role that owns the tables (?role=…), and run"
        " infra/database.sql again: it says what is missing (docs/setup.md, step 4).",
    )


def unreachable(failed: StoreUnavailableError) -> Finding:
    # The driver's message may name user and host, never the password; one line of it is enough.
    why = str(failed).strip().splitlines()[0][:200]
    return critical(
        "database.unreachable",
        why,
        _NOTHING,
        "Look whether the server runs and lets this machine and this user in (SECONDKEY_DATABASE_URL,"
        " SECONDKEY_DATABASE_IDENTITY).",
    )


def _missing_file(url: str) -> Finding | None:
    """A SQLite file that is not there yet is made at the first start, if its directory is."""
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    if parsed.database in {None, "", ":memory:"}:
        return warning(
            "database.in-memory",
            "the database is in memory",
            "Open requests and the audit log are lost with every restart.",
            "Set SECONDKEY_DATABASE_URL to a file or to PostgreSQL.",
        )
    path = Path(str(parsed.database)).resolve()
    if path.is_file():
        return None
    if path.parent.is_dir():
        return info("database.new", "there is none yet; it is made at the first start")
    return critical(
        "database.no-directory",
        f"there is no directory {path.parent}",
        _NOTHING,
        "Make it, writable for the bot.",
    )


def judge_version(found: str | None, newest: str, known: Collection[str]) -> Finding:
    """``known``: the versions that this release has migrations for."""
    if found == newest:
        return ok("database.current", f"reachable, schema {found}")
    if found is None:
        return info("database.empty", "reachable, and empty still; its tables are made at the first start")
    if found in known:
        return warning(
            "database.older",
            f"the schema is {found}, this release's is {newest}",
            "Nothing, as long as the release before runs; this one migrates when it starts.",
            "Take a backup, then start this release (docs/operations.md, Upgrade and rollback).",
        )
    return warning(
        "database.newer",
        f"the schema is {found}, which this release ({newest}) does not know",
        "A newer release has migrated it. Running this one is a rollback: it works, and leaves work of new"
        " kinds to newer replicas.",
        "Finish the upgrade, or read docs/operations.md, Upgrade and rollback.",
    )


async def look_at_queue(tools: Tools) -> Iterable[Finding]:
    if _missing_file(tools.settings.database_url) is not None:
        return [info("queue.none", "there is no database yet")]
    async with (
        database_login(tools.settings) as login,
        open_checkup(tools.settings.database_url, login) as checkup,
    ):
        return list(judge_queue(await _late(checkup, tools.clock.now()), tools.clock.now()))


async def _late(checkup: Checkup, now: datetime) -> tuple[PendingEffect, ...]:
    if await checkup.version() is None:
        return ()
    return await checkup.due_before(now - _LATE)


def judge_queue(late: Collection[PendingEffect], now: datetime) -> Iterator[Finding]:
    if not late:
        yield ok("queue.flows", "nothing is overdue")
    for effect in late:
        waited = f"{(now - effect.due_at).total_seconds():.0f} seconds"
        if effect.attempts == 0:
            says = f"{effect.key} has been due for {waited}, and nobody has tried it"
            yield error("queue.stands-still", says, "Nothing is posted or read.", "Start the bot.")
            return
        yield error(
            "queue.fails",
            f"{effect.key} has been due for {waited}; attempt {effect.attempts} said:"
            f" {effect.last_error or 'nothing'}",
            "It is tried again by itself, and waits until then.",
            "Mend what it says; docs/operations.md has a runbook for each kind.",
        )

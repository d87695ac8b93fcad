"""The audit log, told: who, as whom, on which facts and under which rule."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from bot import settings
from bot.domain.audit import AuditEvent
from bot.ports import AuditEntry
from bot.store.reading import open_audit

_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})
_TOLD_APART: Final = frozenset(
    {
        "token_oid",
        "token_tid",
        "facts_read_at",
        "facts_age_seconds",
        "facts_read",
        "rules",
        "refusals",
        "pool",
    }
)


async def read(request_id: str | None, last: int) -> tuple[AuditEntry, ...]:
    """One request's trail, or the newest lines, out of the database that the settings name. Raises
    ``SettingsError``, ``StoreUrlError``, ``StoreUnavailableError``.
    """
    where = settings.load_database()
    async with AsyncExitStack() as stack:
        login = None
        if where.database_identity:
            # A managed identity's token is had where the bot runs, with the bot's settings. Imported
            # here because Graph comes with it, which nobody else who reads the log has to load.
            from bot.outside import database_login  # noqa: PLC0415

            login = await stack.enter_async_context(database_login(settings.load()))
        log = await stack.enter_async_context(open_audit(where.database_url, login))
        return await (log.newest(last) if request_id is None else log.trail(request_id))


def show(
    entries: Iterable[AuditEntry],
    console: Console | None = None,
    *,
    indent: int = 0,
    names: Mapping[str, str] = _NO_NAMES,
) -> None:
    """For a reader: on a terminal, or piped into a file. ``names`` to put beside identities."""
    console = console or Console(highlight=False)

    def line(text: str, further: int) -> None:
        if console.is_terminal:
            console.print(Padding(text, (0, 0, 0, further)))
        else:  # whole, so that ids can be searched for
            console.print(" " * further + text, soft_wrap=True)

    for entry in entries:
        at = entry.at.isoformat(sep=" ", timespec="milliseconds")
        about = f" [dim]{escape(entry.request_id)}[/]" if entry.request_id else ""
        line(f"[bold]{escape(entry.event)}[/] [dim]{at}[/]{about}", indent)
        for label, text in told(entry, names):
            line(f"[dim]{escape(label)}:[/] {escape(printable(text))}", indent + 4)


def printable(text: str) -> str:
    """Without what would move a terminal's cursor or turn its writing round: strangers wrote it."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def as_document(entry: AuditEntry) -> dict[str, Any]:
    """One line, as it is kept."""
    return {
        "at": entry.at.isoformat(),
        "event": entry.event,
        "request": entry.request_id,
        "actor": entry.actor,
        "facts": dict(entry.facts),
    }


def as_json(entry: AuditEntry) -> str:
    return json.dumps(as_document(entry), ensure_ascii=False)


def told(entry: AuditEntry, names: Mapping[str, str] = _NO_NAMES) -> Iterator[tuple[str, str]]:
    """Label and text, most important first. Whatever is not known by name is shown as it is."""
    facts = entry.facts
    yield (
        "about whom" if entry.event == AuditEvent.REPORTED else "who",
        _named(entry.actor, names) if entry.actor else "Second Key itself",
    )
    if "token_oid" in facts:
        yield "as whom", "token of " + _named(f"{facts.get('token_tid')}/{facts['token_oid']}", names)
    if "facts_read_at" in facts:
        yield "on which facts", _read(facts)
    for refusal in facts.get("refusals", ()):
        yield "refused by rule", _refusal(refusal)
    if facts.get("rules"):
        label = "rules checked" if facts.get("refusals") else "under which rule"
        yield label, "; ".join(map(str, facts["rules"]))
    if isinstance(facts.get("pool"), Mapping):
        yield "approver pool", _pool(facts["pool"])
    for name, value in facts.items():
        if name not in _TOLD_APART:
            yield name.replace("_", " "), value if isinstance(value, str) else json.dumps(value)


def _named(identity: str, names: Mapping[str, str]) -> str:
    return f"{names[identity]}, {identity}" if identity in names else identity


def _read(facts: Mapping[str, Any]) -> str:
    read = facts.get("facts_read", {})
    said = ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in read.items())
    return f"{said} (read at {facts['facts_read_at']}, {facts.get('facts_age_seconds', '?')} s old)"


def _value(value: object) -> str:
    """A fact in words: ``yes``, ``nothing``, or each way to a role with its scope and groups."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " and ".join(map(_value, value)) or "nothing"
    if isinstance(value, Mapping):
        via = f" via {' → '.join(map(str, value['via']))}" if value.get("via") else ""
        return f"{value.get('how')} at {value.get('scope')}{via}"
    return str(value)


def _pool(pool: Mapping[str, Any]) -> str:
    """How many can decide, and why not the others."""
    if "unreadable" in pool:
        return f"unreadable: {pool['unreadable']}"
    able = sum(not refusals for refusals in pool.values())
    unable = [f"{who}: {', '.join(map(_refusal, why))}" for who, why in pool.items() if why]
    return "; ".join([f"{able} of {len(pool)} can decide", *unable])


def _refusal(refusal: Mapping[str, Any]) -> str:
    reason, detail = refusal.get("reason"), refusal.get("detail")
    return f"{reason} ({detail})" if detail else f"{reason}"

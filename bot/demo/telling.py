"""How the demo tells its story: live on a terminal, or as JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, Protocol

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from bot import auditing
from bot.demo.processes import DemoError
from bot.ports import AuditEntry


class Facts(dict[str, Any]):
    """What a step found out; filled in while it runs."""


class Listed(Protocol):
    """A case, as far as a list shows it."""

    @property
    def name(self) -> str: ...

    @property
    def shows(self) -> str: ...


class Teller(Protocol):
    """Told of each step before it begins and after it ended."""

    def begins(self, title: str) -> None: ...

    def happened(self, step: str, title: str, seconds: float, facts: Mapping[str, Any]) -> None: ...

    def failed(self, step: str, title: str, why: str) -> None: ...

    def says(self, title: str, text: str) -> None: ...

    def chapter(self, name: str, shows: str) -> None:
        """What follows belongs to this case."""

    def index(self, groups: Mapping[str, Sequence[Listed]]) -> None:
        """What there is to play."""

    def trail(self, entries: Sequence[AuditEntry], names: Mapping[str, str]) -> None:
        """The audit log's lines about what was just played, and whose identities are in it."""


class OnTerminal:
    """Progress for a person."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._status = self._console.status("")

    def begins(self, title: str) -> None:
        self._status.update(escape(title) + " …")
        self._status.start()

    def happened(self, step: str, title: str, seconds: float, facts: Mapping[str, Any]) -> None:  # noqa: ARG002
        self._status.stop()
        self._console.print(f"[green]✔[/] {escape(title)} [dim]({seconds * 1000:.0f} ms)[/]")
        for name, value in facts.items():
            line = f"[dim]{escape(name.replace('_', ' '))}:[/] {escape(str(value))}"
            self._console.print(Padding(line, (0, 0, 0, 4)))

    def failed(self, step: str, title: str, why: str) -> None:  # noqa: ARG002
        self._status.stop()
        self._console.print(f"[red]✘ {escape(title)}[/]\n{escape(why)}")

    def says(self, title: str, text: str) -> None:
        self._status.stop()
        # Unwrapped and unframed: what is shown here is there to be copied.
        self._console.print(f"\n[bold]{escape(title)}[/]\n{escape(text)}", soft_wrap=True)

    def chapter(self, name: str, shows: str) -> None:
        self._status.stop()
        self._console.print(f"\n[bold cyan]{escape(name)}[/]  {escape(shows)}")

    def index(self, groups: Mapping[str, Sequence[Listed]]) -> None:
        width = max(len(case.name) for cases in groups.values() for case in cases)
        for group, cases in groups.items():
            self._console.print(f"\n[bold]{escape(group)}[/]")
            table = Table.grid(padding=(0, 2))
            table.add_column(min_width=width + 2, no_wrap=True, style="cyan")
            table.add_column()
            for case in cases:
                table.add_row(f"  {escape(case.name)}", escape(case.shows))
            self._console.print(table)

    def trail(self, entries: Sequence[AuditEntry], names: Mapping[str, str]) -> None:
        auditing.show(entries, self._console, indent=4, names=names)


class AsJson:
    """One JSON object a step, for machines."""

    def __init__(self) -> None:
        self._case: dict[str, str] = {}

    def begins(self, title: str) -> None:
        """Nothing to say yet."""

    def happened(self, step: str, title: str, seconds: float, facts: Mapping[str, Any]) -> None:
        self._print(step=step, ok=True, title=title, ms=round(seconds * 1000, 1), **facts)

    def failed(self, step: str, title: str, why: str) -> None:
        self._print(step=step, ok=False, title=title, why=why)

    def says(self, title: str, text: str) -> None:
        self._case = {}
        self._print(step="note", ok=True, title=title, text=text)

    def chapter(self, name: str, shows: str) -> None:
        self._case = {"case": name}
        self._print(step="case", ok=True, title=shows)

    def index(self, groups: Mapping[str, Sequence[Listed]]) -> None:
        for group, cases in groups.items():
            for case in cases:
                self._print(case=case.name, group=group, shows=case.shows)

    def trail(self, entries: Sequence[AuditEntry], names: Mapping[str, str]) -> None:  # noqa: ARG002
        self._print(step="trail", ok=True, lines=[auditing.as_document(entry) for entry in entries])

    def _print(self, **line: Any) -> None:
        sys.stdout.write(json.dumps({**self._case, **line}, ensure_ascii=False) + "\n")
        sys.stdout.flush()


@asynccontextmanager
async def step(teller: Teller, name: str, title: str) -> AsyncIterator[Facts]:
    """One step of the story. What goes wrong in it is told, and raised."""
    facts, began = Facts(), perf_counter()
    teller.begins(title)
    try:
        yield facts
    except DemoError as error:
        teller.failed(name, title, str(error))
        raise
    teller.happened(name, title, perf_counter() - began, facts)

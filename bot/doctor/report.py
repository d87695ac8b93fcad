"""The report, for a person and for a machine."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.doctor.findings import Finding, Result, Severity, exit_code
from bot.logs import plain

_MARKS: Final[Mapping[Severity, str]] = MappingProxyType(
    {
        Severity.OK: "[green]ok[/]",
        Severity.INFO: "[cyan]info[/]",
        Severity.WARNING: "[yellow]warning[/]",
        Severity.ERROR: "[red]error[/]",
        Severity.CRITICAL: "[bold red]critical[/]",
    }
)


def as_json(results: Collection[Result]) -> str:
    """One object: the worst severity, the exit code, and every finding."""
    worst = max((result.worst for result in results), default=Severity.OK)
    document = {
        "worst": worst.label,
        "exit_code": exit_code(results),
        "checks": [_check(result) for result in results],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _check(result: Result) -> dict[str, Any]:
    return {
        "check": result.check,
        "title": result.title,
        "worst": result.worst.label,
        "seconds": result.seconds,
        "findings": [_finding(finding) for finding in result.findings],
    }


def _finding(finding: Finding) -> dict[str, str]:
    told = {"code": finding.code, "severity": finding.severity.label, "says": plain(finding.says)}
    more = {"breaks": finding.breaks, "next_step": finding.do}
    return told | {name: plain(text) for name, text in more.items() if text}


def show(results: Collection[Result], console: Console) -> None:
    """Check by check; of what is wrong also what it breaks and what to do."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for result in results:
        for finding in result.findings:
            table.add_row(_MARKS[finding.severity], escape(result.title), "\n".join(_lines(finding)))
    console.print(table)
    console.print()
    console.print(_summary(results))


def _lines(finding: Finding) -> Iterator[str]:
    yield _said(finding.says)
    if finding.breaks:
        yield f"[dim]breaks:[/] {_said(finding.breaks)}"
    if finding.do:
        yield f"[dim]next:[/] {_said(finding.do)}"


def _said(text: str) -> str:
    return escape(plain(text))


def _summary(results: Collection[Result]) -> str:
    found = Counter(finding.severity for result in results for finding in result.findings)
    wrong = [
        f"{found[severity]} {severity.label}"
        for severity in sorted(Severity, reverse=True)
        if severity >= Severity.WARNING and found[severity]
    ]
    if not wrong:
        return f"[green]All {len(results)} checks are well.[/]"
    return f"{', '.join(wrong)}; {found[Severity.OK]} ok. The exit code is {exit_code(results)}."

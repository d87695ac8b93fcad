"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How bad it is. The worst one makes the exit code."""

    OK = 0
    INFO = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. ``code`` is a stable name; nothing here is ever a secret."""

    code: str
    severity: Severity
    says: str
    breaks: str = ""
    """What does not work because of it."""
    do: str = ""
    """The exact next step."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one check."""

    check: str
    title: str
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def worst(self) -> Severity:
        return max((finding.severity for finding in self.findings), default=Severity.OK)


def ok(code: str, says: str) -> Finding:
    return Finding(code, Severity.OK, says)


def info(code: str, says: str, do: str = "") -> Finding:
    return Finding(code, Severity.INFO, says, do=do)


def warning(code: str, says: str, breaks: str, do: str) -> Finding:
    return Finding(code, Severity.WARNING, says, breaks, do)


def error(code: str, says: str, breaks: str, do: str) -> Finding:
    return Finding(code, Severity.ERROR, says, breaks, do)


def critical(code: str, says: str, breaks: str, do: str) -> Finding:
    return Finding(code, Severity.CRITICAL, says, breaks, do)


def exit_code(results: Iterable[Result]) -> int:
    """0: nothing worse than remarks; 1: warnings; 3: errors; 4: something critical. 2 is for wrong usage
    and settings that can't be read, as with the other commands.
    """
    worst = max((result.worst for result in results), default=Severity.OK)
    return {Severity.WARNING: 1, Severity.ERROR: 3, Severity.CRITICAL: 4}.get(worst, 0)

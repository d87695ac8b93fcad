"""The cases that ``secondkey demo --case`` plays, grouped by what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from bot.demo.cases import (
    conflicts,
    consent,
    dual_control,
    faults,
    forged,
    groups,
    main_job,
    paths,
    races,
    reasons,
    signing_in,
    step_up,
    tokens,
)
from bot.demo.cases._case import Case
from bot.domain.errors import SecondKeyError

__all__ = ["GROUPS", "Case", "UnknownCaseError", "chosen", "every"]

GROUPS: Final[Mapping[str, tuple[Case, ...]]] = MappingProxyType(
    {
        "The main job": main_job.CASES,
        "Signing in": signing_in.CASES,
        "Whose token": (*tokens.CASES, *consent.CASES),
        "Step-up": step_up.CASES,
        "Separation of duties": (*conflicts.CASES, *paths.CASES),
        "PIM for Groups": groups.CASES,
        "Races": races.CASES,
        "Reasons": reasons.CASES,
        "Dual control": dual_control.CASES,
        "Bad input": forged.CASES,
        "Faults": faults.CASES,
    }
)


class UnknownCaseError(SecondKeyError):
    """There is no case of that name; ``near`` are names like it."""

    def __init__(self, name: str) -> None:
        self.near = tuple(get_close_matches(name, [case.name for case in every()], n=3, cutoff=0.4))
        super().__init__(f"There is no case {name!r}.")


def every() -> tuple[Case, ...]:
    return tuple(case for group in GROUPS.values() for case in group)


def chosen(names: Iterable[str]) -> tuple[Case, ...]:
    """By name, in the order given, each once; ``all`` is every one. Raises ``UnknownCaseError``."""
    known = {case.name: case for case in every()}
    found: dict[str, Case] = {}
    for name in names:
        if name == "all":
            found.update(known)
        elif name in known:
            found[name] = known[name]
        else:
            raise UnknownCaseError(name)
    return tuple(found.values())

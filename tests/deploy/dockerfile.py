"""Reads a Dockerfile as far as ours goes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_PAIR = re.compile(r'([\w.]+)=("(?:[^"\\]|\\.)*"|\S+)')


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and what follows it."""

    name: str
    base: str
    steps: tuple[tuple[str, str], ...]
    """Instruction and the rest of its line, continuations joined."""

    def all(self, instruction: str) -> list[str]:
        return [rest for name, rest in self.steps if name == instruction]

    def one(self, instruction: str) -> str:
        (rest,) = self.all(instruction)
        return rest

    def words(self, instruction: str) -> list[str]:
        """In the exec form; the shell form is an error."""
        said = json.loads(self.one(instruction))
        assert isinstance(said, list)
        return said

    def pairs(self, instruction: str) -> dict[str, str]:
        found = (pair for rest in self.all(instruction) for pair in _PAIR.findall(rest))
        return {name: value.strip('"') for name, value in found}


@dataclass(frozen=True, slots=True)
class Dockerfile:
    arguments: dict[str, str] = field(default_factory=dict)
    stages: list[Stage] = field(default_factory=list)

    @property
    def final(self) -> Stage:
        return self.stages[-1]


def read(path: Path = ROOT / "Dockerfile") -> Dockerfile:
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    steps = [(name.upper(), rest) for name, _, rest in (line.partition(" ") for line in lines if line)]
    starts = [number for number, (name, _) in enumerate(steps) if name == "FROM"]
    ends = [*starts[1:], len(steps)]
    made = Dockerfile(
        dict(_PAIR.findall(" ".join(rest for name, rest in steps[: starts[0]] if name == "ARG")))
    )
    for start, end in zip(starts, ends, strict=True):
        base, _, name = steps[start][1].partition(" AS ")
        made.stages.append(Stage(name, base, tuple(steps[start + 1 : end])))
    return made

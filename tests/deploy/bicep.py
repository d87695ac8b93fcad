"""The Bicep files, parsed. There is no compiler on the registries that this project may use, so what a
compiler would say first is checked here too: names that do not exist, parameters that are missing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.dockerfile import ROOT
from pycep import BicepParser

INFRA = ROOT / "infra"


@dataclass(frozen=True)
class Module:
    """One file."""

    path: Path
    text: str
    tree: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.path.relative_to(INFRA).as_posix()

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.tree.get("parameters", {})

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.tree.get("outputs", {})

    def resources(self, kind: str = "") -> dict[str, dict[str, Any]]:
        """Bodies by symbolic name, of this type or of all, without those that only have to exist."""
        found = self.tree.get("resources", {})
        return {
            name: body_of(one)
            for name, one in found.items()
            if not one["existing"] and (not kind or one["type"] == kind)
        }

    def resource(self, kind: str) -> dict[str, Any]:
        (body,) = self.resources(kind).values()
        return body

    def calls(self) -> Iterator[tuple[str, Module, dict[str, Any]]]:
        """Every module that it uses: symbolic name, the module, what it is given."""
        for name, one in self.tree.get("modules", {}).items():
            called = read((self.path.parent / one["detail"]["path"]).resolve())
            yield name, called, body_of(one).get("params", {})


def body_of(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The properties, without a condition or a loop around them."""
    body: Any = declared["config"]
    while isinstance(body, dict) and "config" in body and ("condition" in body or "loop" in body):
        body = body["config"]
    assert isinstance(body, dict)
    return body


@functools.cache
def read(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(path, text, BicepParser().parse(text=text))


def modules() -> list[Module]:
    return [read(path) for path in sorted(INFRA.rglob("*.bicep"))]


def module(name: str) -> Module:
    return read(INFRA / f"{name}.bicep")


def arguments(value: Any, kind: str) -> dict[str, Any]:
    """The parameters of a function that is called here."""
    called = value["function"]
    assert called["type"] == kind, called["type"]
    parameters: dict[str, Any] = called["parameters"]
    return parameters


def decorated(parameter: Mapping[str, Any], name: str) -> Any:
    """The argument of a decorator; None without one."""
    return next((one.get("argument") for one in parameter["decorators"] if one["type"] == name), None)


def without_comments(text: str) -> str:
    """Texts in quotes stay, also where they hold slashes."""
    return re.sub(
        r"('(?:\\.|[^'\\])*')|//[^\n]*|/\*.*?\*/", lambda found: found[1] or "", text, flags=re.DOTALL
    )

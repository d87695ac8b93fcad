"""The parameter table of infra/README.md. `make docs` writes it; a test compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.bicep import INFRA, decorated, module

README = INFRA / "README.md"
OPENING, CLOSING = "<!-- generated: parameters -->\n", "<!-- /generated -->"


def table() -> str:
    rows = ["| parameter | meaning | default | limits |", "|---|---|---|---|"]
    return "\n".join([*rows, *(_row(*one) for one in module("main").parameters.items())]) + "\n"


def _row(name: str, one: Mapping[str, Any]) -> str:
    return f"| `{name}` | {decorated(one, 'description')} | {_default(one['default'])} | {_limits(one)} |"


def _default(value: Any) -> str:
    if value is None:
        return "**required**"
    if value in ("", [], {}):
        return "empty"
    if isinstance(value, dict):
        return "the resource group's"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _limits(one: Mapping[str, Any]) -> str:
    if choices := decorated(one, "allowed"):
        return ", ".join(f"`{choice}`" for choice in choices)
    kind, unit = ("length", " characters") if one["type"] == "string" else ("value", "")
    low, high = decorated(one, f"min_{kind}"), decorated(one, f"max_{kind}")
    if low is None:
        return ""
    if low == high:
        return f"{low}{unit}"
    return f"{low} to {high}{unit}" if high is not None else f"at least {low}{unit}"


def current() -> str:
    return README.read_text(encoding="utf-8").partition(OPENING)[2].partition(CLOSING)[0]


def write() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(OPENING + current(), OPENING + table()), encoding="utf-8")


if __name__ == "__main__":
    write()

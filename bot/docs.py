"""The generated parts of the README: the state diagram, the commands, the settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.domain import lifecycle
from bot.domain.commands import COMMANDS
from bot.domain.errors import SecondKeyError
from bot.settings import PREFIX, Settings

README: Final = Path(__file__).parent.parent / "README.md"


class MarkerMissingError(SecondKeyError):
    """A place for a generated part is missing."""


def update(*, write: bool, path: Path = README) -> list[str]:
    """Compare the README's generated parts with what they should be, and with ``write`` put
    them right. Returns the names of those that were out of date. Raises
    ``MarkerMissingError``, ``OSError``.
    """
    before = path.read_text(encoding="utf-8")
    after, stale = before, []
    for name, make in PARTS.items():
        replaced = _replace(after, name, make())
        if replaced != after:
            stale.append(name)
        after = replaced
    if write and after != before:
        path.write_text(after, encoding="utf-8")
    return stale


def _replace(text: str, name: str, content: str) -> str:
    opening, closing = f"<!-- generated: {name} -->", "<!-- /generated -->"
    pattern = re.compile(re.escape(opening) + r"\n.*?" + re.escape(closing), re.DOTALL)
    if not pattern.search(text):
        raise MarkerMissingError(f"there is no {opening} … {closing} to fill")
    return pattern.sub(lambda _: f"{opening}\n{content}\n{closing}", text, count=1)


def diagram() -> str:
    """The lifecycle as Mermaid, which GitHub draws."""
    return f"```mermaid\n{lifecycle.mermaid()}\n```"


def commands_table() -> str:
    """Every command with what it does and an example that can be sent as it stands."""
    rows = ["| type | to | for example |", "|---|---|---|"]
    rows += [f"| `{info.syntax}` | {info.help} | `{info.example}` |" for info in COMMANDS]
    return "\n".join(rows)


def settings_table() -> str:
    """Every setting with its meaning and default."""
    rows = ["| variable | meaning | default |", "|---|---|---|"]
    rows += [_row(name, field) for name, field in Settings.model_fields.items() if not field.exclude]
    return "\n".join(rows)


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{PREFIX}{name.upper()}` | {field.description} | {_shown(field.default)} |"


def _shown(default: Any) -> str:
    if default is PydanticUndefined or default is None or default == ():
        return ""
    if isinstance(default, tuple):
        return f"`{','.join(f'{one:g}' for one in default)}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


PARTS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {"lifecycle": diagram, "commands": commands_table, "settings": settings_table}
)

"""The generated parts of the README, of the pages in ``docs/`` and of the infrastructure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot import permission_pages
from bot.clouds import CLOUDS, Cloud
from bot.demo.cases import GROUPS
from bot.doctor.registry import CHECKS
from bot.domain import lifecycle
from bot.domain.commands import COMMANDS
from bot.domain.errors import SecondKeyError
from bot.settings import PREFIX, Settings
from bot.telemetry import metrics
from bot.telemetry.instruments import Instrument

ROOT: Final = Path(__file__).parent.parent
README: Final = ROOT / "README.md"
Parts = Mapping[str, Callable[[], str]]


class MarkerMissingError(SecondKeyError):
    """A place for a generated part is missing."""


def update_all(*, write: bool) -> list[str]:
    """``update`` for every page that has generated parts."""
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path, parts in PAGES.items()
        for name in update(write=write, path=path, parts=parts)
    ]


def update(*, write: bool, path: Path, parts: Parts) -> list[str]:
    """Compare a page's generated parts with what they should be, and with ``write`` put
    them right. Returns the names of those that were out of date. Raises
    ``MarkerMissingError``, ``OSError``.
    """
    before = path.read_text(encoding="utf-8")
    after, stale = before, []
    for name, make in parts.items():
        replaced = _replace(after, _places(path, name), make())
        if replaced != after:
            stale.append(name)
        after = replaced
    if write and after != before:
        path.write_text(after, encoding="utf-8")
    return stale


def _places(path: Path, name: str) -> tuple[str, str]:
    """The comments that a generated part stands between."""
    if path.suffix == ".bicep":
        return f"// generated: {name}", "// /generated"
    return f"<!-- generated: {name} -->", "<!-- /generated -->"


def _replace(text: str, places: tuple[str, str], content: str) -> str:
    opening, closing = places
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


def clouds_table() -> str:
    """Every endpoint of every cloud."""
    rows = [f"| | {' | '.join(CLOUDS)} |", f"|---|{'---|' * len(CLOUDS)}"]
    for field in fields(Cloud):
        values = (getattr(cloud, field.name).partition("/#")[0] for cloud in CLOUDS.values())
        rows.append(f"| {field.name.replace('_', ' ')} | {' | '.join(f'`{value}`' for value in values)} |")
    return "\n".join(rows)


def _shown(default: Any) -> str:
    if default is PydanticUndefined or default is None or default == ():
        return ""
    if isinstance(default, tuple):
        return f"`{','.join(one if isinstance(one, str) else f'{one:g}' for one in default)}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def metrics_table() -> str:
    """Every metric with its labels."""
    rows = ["| metric | kind | tells | labels |", "|---|---|---|---|"]
    rows += [_metric(one) for one in metrics.ALL]
    return "\n".join(rows)


def _metric(one: Instrument) -> str:
    labels = "; ".join(f"`{name}`: {meaning}" for name, meaning in one.labels.items())
    return f"| `{one.full_name}` | {one.kind} | {one.tells} | {labels} |"


def cases_table() -> str:
    """Every case of the demo, grouped."""
    rows = ["| case | shows |", "|---|---|"]
    for group, cases in GROUPS.items():
        rows.append(f"| **{group}** | |")
        rows += [f"| `{case.name}` | {case.shows} |" for case in cases]
    return "\n".join(rows)


def checks_table() -> str:
    """What `secondkey doctor` looks at."""
    rows = ["| check | looks at | after |", "|---|---|---|"]
    for check in CHECKS:
        needs = ", ".join(f"`{name}`" for name in check.needs)
        rows.append(f"| `{check.name}` | {check.title}: {check.tells} | {needs} |")
    return "\n".join(rows)


PAGES: Final[Mapping[Path, Parts]] = MappingProxyType(
    {
        README: {
            "lifecycle": diagram,
            "commands": commands_table,
            "settings": settings_table,
            "permissions": permission_pages.readme_table,
        },
        ROOT / "docs" / "clouds.md": {"clouds": clouds_table},
        ROOT / "docs" / "permissions.md": {
            "permissions": permission_pages.permissions_table,
            "features": permission_pages.features_table,
            "calls": permission_pages.calls_table,
        },
        ROOT / "infra" / "modules" / "permissions.bicep": {"permissions": permission_pages.bicep_lists},
        ROOT / "docs" / "cases.md": {"cases": cases_table},
        ROOT / "docs" / "metrics.md": {"metrics": metrics_table},
        ROOT / "docs" / "operations.md": {"checks": checks_table},
    }
)

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from bot import docs
from bot.domain.commands import COMMANDS
from bot.domain.lifecycle import TABLE
from bot.settings import Settings


def test_the_generated_parts_of_all_pages_are_up_to_date() -> None:
    assert docs.update_all(write=False) == []


def test_every_state_and_every_setting_is_in_the_readme() -> None:
    readme = docs.README.read_text(encoding="utf-8")
    assert [state for state in TABLE if state.name not in readme] == []
    assert [name for name in Settings.model_fields if f"SECONDKEY_{name.upper()}" not in readme] == ["roles"]


def test_every_command_is_in_the_readme() -> None:
    readme = docs.README.read_text(encoding="utf-8")
    assert [info for info in COMMANDS if f"| `{info.syntax}` | {info.help} |" not in readme] == []


PARTS = {"lifecycle": docs.diagram, "settings": docs.settings_table}


def test_what_is_out_of_date_is_named_and_put_right(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(
        "<!-- generated: lifecycle -->\nold\n<!-- /generated -->\n"
        f"<!-- generated: settings -->\n{docs.settings_table()}\n<!-- /generated -->\n"
    )
    assert docs.update(write=False, path=page, parts=PARTS) == ["lifecycle"]
    assert "old" in page.read_text()
    assert docs.update(write=True, path=page, parts=PARTS) == ["lifecycle"]
    assert docs.update(write=False, path=page, parts=PARTS) == []


def test_the_infrastructures_permissions_are_written_between_its_own_comments(tmp_path: Path) -> None:
    """An edit by hand is found, and undone; what stands around it stays."""
    original = docs.ROOT / "infra" / "modules" / "permissions.bicep"
    text = original.read_text(encoding="utf-8")
    copy = tmp_path / "permissions.bicep"
    copy.write_text(text.replace("  'User.Read.All'\n", "  'Directory.ReadWrite.All'\n"), encoding="utf-8")
    parts = docs.PAGES[original]
    assert docs.update(write=False, path=copy, parts=parts) == ["permissions"]
    assert docs.update(write=True, path=copy, parts=parts) == ["permissions"]
    assert copy.read_text(encoding="utf-8") == text


def test_a_missing_place_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("nothing here")
    with pytest.raises(docs.MarkerMissingError, match="lifecycle"):
        docs.update(write=True, path=page, parts=PARTS)


def test_what_is_out_of_date_on_another_page_is_named_with_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text("<!-- generated: lifecycle -->\nold\n<!-- /generated -->\n")
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "PAGES", {page: {"lifecycle": docs.diagram}})
    assert docs.update_all(write=False) == ["docs/page.md: lifecycle"]


FACTS: Final = docs.ROOT / "docs" / "entra-facts.md"
CITATION: Final = re.compile(r"docs/entra-facts\.md((?:(?:,| and)?\s+§\d+)+)")


def sections(text: str) -> Iterator[str]:
    """The sections of the page of facts that a text cites."""
    for cited in CITATION.findall(text):
        yield from re.findall(r"\d+", cited)


def texts(*folders: str) -> dict[Path, str]:
    found = (path for folder in folders for path in (docs.ROOT / folder).rglob("*"))
    kinds = {".py", ".md", ".bicep", ".json", ".sql", ".yaml", ".yml", ".toml", ".sh"}
    pages = [docs.README, *(path for path in found if path.suffix in kinds and path.is_file())]
    return {path: path.read_text(encoding="utf-8") for path in pages}


def test_several_sections_can_be_cited_at_once() -> None:
    text = (
        "docs/entra-facts.md §2, §3 and §6; docs/entra-facts.md\n§10. RFC 9110 §12, (docs/entra-facts.md §4)"
    )
    assert list(sections(text)) == ["2", "3", "6", "10", "4"]


def test_every_section_of_the_facts_that_is_cited_exists() -> None:
    page = FACTS.read_text(encoding="utf-8")
    headings = set(re.findall(r"^## (\d+)\. ", page, re.MULTILINE))
    cited = {
        (path, one) for path, text in texts("bot", "cards", "infra", "docs").items() for one in sections(text)
    }
    assert [path for path, _ in cited if path.suffix == ".py"] != []
    assert {str(path) for path, one in cited if one not in headings} == set()
    assert set(re.findall(r"§(\d+)", page)) <= headings


def test_the_facts_are_cited_in_one_way() -> None:
    otherwise = {
        str(path): [line for line in text.splitlines() if "-facts" in CITATION.sub("", line)]
        for path, text in texts("bot", "cards", "infra").items()
        if path != docs.README
    }
    assert {path: lines for path, lines in otherwise.items() if lines} == {}

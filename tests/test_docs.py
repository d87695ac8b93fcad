from __future__ import annotations

from pathlib import Path

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

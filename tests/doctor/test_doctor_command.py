"""The command: exit codes, JSON, and a report that shows no secret and no control character."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from bot.cli import app
from bot.clouds import CUSTOM_URLS
from bot.doctor import report
from bot.doctor.command import NAMES
from bot.doctor.findings import Finding, Result, Severity, info, ok

run = CliRunner().invoke
BAD = Finding("a.bad", Severity.ERROR, "it [is] Bearer s3cr3t \x1b[7m", "Much.", "Mend it.")
RESULTS = (
    Result("a", "A", (BAD, info("a.hint", "a hint")), 0.1),
    Result("b", "B", (ok("b.fine", "fine"),), 0.2),
)


def shown(results: tuple[Result, ...]) -> str:
    out = io.StringIO()
    report.show(results, Console(file=out, width=100))
    return out.getvalue()


def test_what_is_wrong_comes_with_what_it_breaks_and_what_to_do():
    text = shown(RESULTS)
    assert text.split()[:4] == ["error", "A", "it", "[is]"]
    assert "breaks: Much." in text
    assert "next: Mend it." in text
    assert "1 error; 1 ok. The exit code is 3." in text


def test_when_nothing_is_wrong_that_is_said():
    assert "All 1 checks are well." in shown(RESULTS[1:])


@pytest.mark.parametrize("text", [shown(RESULTS), report.as_json(RESULTS)], ids=["text", "json"])
def test_no_report_shows_a_secret_or_a_control_character(text: str):
    assert "s3cr3t" not in text
    assert "\x1b" not in text
    assert "u001b" not in text


def test_the_json_has_every_finding_and_the_exit_code():
    document = json.loads(report.as_json(RESULTS))
    assert (document["worst"], document["exit_code"]) == ("error", 3)
    assert [check["check"] for check in document["checks"]] == ["a", "b"]
    found = document["checks"][0]["findings"][0]
    assert found["code"] == "a.bad"
    assert (found["severity"], found["breaks"], found["next_step"]) == ("error", "Much.", "Mend it.")


@pytest.fixture
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SECONDKEY_")]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("no_settings")
def test_settings_that_can_not_be_read_exit_2_and_are_named():
    result = run(app, ["doctor"])
    assert result.exit_code == 2
    assert "SECONDKEY_TENANT_ID: is required and missing" in result.output


@pytest.mark.usefixtures("no_settings")
def test_settings_that_can_not_be_read_are_named_in_json_too():
    result = run(app, ["doctor", "--json"])
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert "SECONDKEY_TENANT_ID: is required and missing" in document["settings"]
    assert document["checks"] == []


@pytest.mark.usefixtures("no_settings")
def test_a_bundle_without_certificates_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "ca.pem").write_text("none")
    guid, channel = "00000000-0000-4000-8000-000000000001", "19:a@thread.tacv2"
    settings = {
        **dict.fromkeys(("TENANT_ID", "CLIENT_ID"), guid),
        **dict.fromkeys(("APPROVER_CHANNEL", "OPS_CHANNEL"), channel),
        **{name.upper(): "https://nowhere.invalid" for name in ("public_url", *CUSTOM_URLS)},
        "CLIENT_SECRET": "x",
        "CLOUD": "custom",
        "CA_BUNDLE": str(tmp_path / "ca.pem"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"SECONDKEY_{name}", value)
    result = run(app, ["doctor"])
    assert result.exit_code == 2
    assert "SECONDKEY_CA_BUNDLE" in result.output


def test_a_check_that_there_is_not_exits_2_and_the_others_are_named():
    result = run(app, ["doctor", "--only", "weather"])
    assert result.exit_code == 2
    assert "weather" in result.output
    assert all(name in result.output for name in NAMES)


def test_the_sandbox_is_all_green_for_the_command_as_it_is_installed(tmp_path: Path):
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "doctor", "--sandbox", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "error::ResourceWarning"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    document = json.loads(ended.stdout)
    assert document["worst"] == "info"
    assert [check["check"] for check in document["checks"]] == list(NAMES)
    assert ended.stderr == ""

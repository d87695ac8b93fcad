"""The command line: what it offers, and what it refuses before anything starts."""

from __future__ import annotations

import json
import re
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from bot.cli import app

run = CliRunner().invoke


def test_help_names_the_commands():
    shown = run(app, ["--help"]).output
    assert {"serve", "demo", "sandbox"} <= set(re.findall(r"^\s*(\w+)", shown, re.MULTILINE))


def test_the_version_is_the_distributions():
    assert run(app, ["--version"]).output.strip() == version("second-key")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing"),
        pytest.param(["frobnicate"], id="unknown command"),
        pytest.param(["serve", "--frobnicate"], id="unknown option"),
        pytest.param(["serve", "extra"], id="unknown argument"),
        pytest.param(["demo", "--script", "--serve"], id="demo both ways"),
    ],
)
def test_wrong_usage_exits_2(arguments: list[str]):
    assert run(app, arguments).exit_code == 2


def test_two_ways_of_the_demo_at_once_are_refused_by_name():
    assert "--script" in run(app, ["demo", "--script", "--serve"]).output


def test_the_permissions_are_printed_for_people_and_as_data():
    shown = run(app, ["permissions"]).output
    data = json.loads(run(app, ["permissions", "--json"]).output)
    assert set(data) == {"resource_app_id", "connection_scopes", "asked", "by_feature", "calls"}
    assert data["asked"]["application"]
    assert [one for kind in data["asked"].values() for one in kind if one not in shown] == []
    assert {call["kind"] for call in data["calls"]} == {"application", "delegated"}

"""The alerting rules say what Prometheus can read, about metrics that there are, with a runbook for each."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from deploy.bicep import module

from bot.docs import ROOT
from bot.service import common
from bot.telemetry import metrics
from bot.telemetry.instruments import Histogram

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "docs" / "alerts.yaml").read_text(encoding="utf-8"))[
    "groups"
][0]["rules"]
KINDS = {value for name, value in vars(common).items() if name.isupper() and isinstance(value, str)}
EACH = pytest.mark.parametrize("rule", [pytest.param(one, id=one["alert"]) for one in RULES])


def series() -> set[str]:
    """Every name that is on the page."""
    names: set[str] = set()
    for one in metrics.ALL:
        suffixes = ("_bucket", "_count", "_sum") if isinstance(one, Histogram) else ("",)
        names |= {one.full_name + suffix for suffix in suffixes}
    return names


@EACH
def test_a_rule_is_promql_about_metrics_that_there_are(rule: dict[str, Any]):
    assert promql_parser.parse(rule["expr"])
    used = set(re.findall(r"secondkey_\w+", rule["expr"]))
    assert used
    assert used <= series()


@EACH
def test_a_rule_matches_on_labels_that_its_metrics_have(rule: dict[str, Any]):
    declared = {one.full_name: {*one.labels, "le"} for one in metrics.ALL}
    for name, matchers in re.findall(r"(secondkey_\w+)\{([^}]*)\}", rule["expr"]):
        labels = set(re.findall(r"(\w+)=", matchers))
        base = re.sub(r"_(bucket|count|sum)$", "", name)
        assert labels <= declared.get(name, declared.get(base, set()))


@EACH
def test_a_rule_sees_the_first_event_of_a_series_that_was_not_there_before(rule: dict[str, Any]):
    """increase() does not: a counter with labels appears with the first event already in it."""
    there_from_the_start = {one.full_name for one in metrics.ALL if not one.labels}
    if re.search(r" / |> \d{3,}$", rule["expr"]):
        return  # of shares and floods: one event more or less decides nothing
    for counted, window in re.findall(r"increase\(([^\[]+)\[(\w+)\]\)", rule["expr"]):
        new = f"({counted} unless max_over_time({counted}[{window}] offset {window}))"
        assert counted in there_from_the_start or f"{new} or increase({counted}[{window}])" in rule["expr"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool")
def test_the_rules_fire_when_they_have_to_and_only_then():
    played = ROOT / "tests" / "deploy" / "alerts.promtool.yaml"
    done = subprocess.run(["promtool", "test", "rules", played], capture_output=True, text=True, check=False)  # noqa: S607
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_played_with_what_has_to_make_it_fire():
    played = (ROOT / "tests" / "deploy" / "alerts.promtool.yaml").read_text(encoding="utf-8")
    firing = {
        *re.findall(r'alertname="(\w+)"', played),
        *re.findall(r"alertname: (\w+)\n +eval_time.*\n +exp_", played),
    }
    assert firing == {rule["alert"] for rule in RULES}


@EACH
def test_the_kinds_that_a_rule_names_are_kinds_of_effects(rule: dict[str, Any]):
    assert set(re.findall(r'kind="([^"]*)"', rule["expr"])) <= KINDS


@EACH
def test_a_rule_says_how_bad_it_is_and_its_runbook_is_there(rule: dict[str, Any]):
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"].endswith(".")
    assert f"### {rule['alert']}\n" in OPERATIONS


def test_there_is_no_runbook_without_a_rule():
    told = set(re.findall(r"^### (SecondKey\w+)$", OPERATIONS, re.MULTILINE))
    assert told == {rule["alert"] for rule in RULES}


def test_every_event_the_runbooks_look_for_is_one_that_is_logged():
    code = "\n".join(path.read_text(encoding="utf-8") for path in Path(ROOT / "bot").rglob("*.py"))
    named = set(re.findall(r"`([a-z]+_[a-z_]+)`", OPERATIONS)) | set(re.findall(r'"(\w+)"', LOOK_FOR[0]))
    events = named - {"request_id", "again_in"}
    assert len(events) > 8
    unknown = {event for event in events if f'"{event}"' not in code}
    assert {event for event in unknown if not event.startswith("secondkey_")} == set()


# The log, where Azure keeps it ---------------------------------------------------------------

QUERIES = re.findall(r"^```kusto\n(.*?)^```", OPERATIONS, re.MULTILINE | re.DOTALL)
LOOK_FOR = re.findall(r"^let wanted = dynamic\((.*)\);$", OPERATIONS, re.MULTILINE)
# https://learn.microsoft.com/azure/azure-monitor/reference/tables/containerappconsolelogs
COLUMNS = {"TimeGenerated", "ContainerAppName", "ContainerName", "ContainerGroupName", "RevisionName", "Log"}


def test_queries_read_the_table_that_the_infrastructure_writes_to_and_name_what_it_makes():
    """With the destination log-analytics the table and its columns would have other names (_CL, _s)."""
    environment = module("modules/environment").resource("Microsoft.App/managedEnvironments")["properties"]
    assert environment["appLogsConfiguration"] == {"destination": "azure-monitor"}
    container = module("modules/container").text
    assert len(QUERIES) == 2
    for query in QUERIES:
        assert query.splitlines()[1] == "ContainerAppConsoleLogs"
        assert set(re.findall(r"\b[A-Z]\w+", query)) - {"ContainerAppConsoleLogs"} <= COLUMNS
        assert re.findall(r'ContainerAppName == "(.*?)"', query) == ["ca-secondkey"]
        (name,) = re.findall(r'ContainerName == "(.*?)"', query)
        assert f"name: '{name}'" in container


def test_queries_read_fields_that_the_page_lists():
    listed = set(re.findall(r"`(\w+)`", section("Log fields")))
    read = {field for query in QUERIES for field in re.findall(r"\bline\.(\w+)", query)}
    assert {"event", "request", "request_id", "trace"} <= read <= listed


def test_nobody_is_sent_to_a_file_that_is_not_there():
    assert (
        re.findall(r".*grep.*", OPERATIONS)
        == [line for line in OPERATIONS.splitlines() if "Elsewhere" in line][:1]
    )


# Restart, roll and stop ----------------------------------------------------------------------


def section(title: str) -> str:
    found = re.search(rf"^##+ {title}\n(.*?)(?=^##)", OPERATIONS, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def test_the_commands_for_it_are_written_once_and_referred_to():
    here = section("Restart, roll and stop")
    commands = re.findall(r"^(?:REVISION=\$\()?az containerapp revision (\w+)", here, re.MULTILINE)
    assert commands == ["list", "restart", "deactivate", "activate"]
    for title in ("Backup and restore", "Rotation", "Upgrade and rollback"):
        assert "az containerapp revision" not in section(title)
        assert "*Restart, roll and stop*" in section(title)
    for line in re.findall(r"az containerapp revision (?!list).*", here):
        assert "--resource-group $RG --name ca-secondkey --revision $REVISION" in line

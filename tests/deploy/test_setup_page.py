"""docs/setup.md names what there is: settings, parameters, outputs, commands and their options, files;
every step has commands, clicks and what to see; what it writes to PIM is what the bot reads there.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import typer
from deploy import dockerfile
from deploy.bicep import module, modules
from deploy.dockerfile import ROOT

from bot.cli import app
from bot.graph.durations import parse_iso_duration
from bot.graph.permissions import CALLS
from bot.graph.policies import policy_filter, terms_of
from bot.graph.role_facts import policy_of
from bot.sandbox import policies
from bot.sandbox.seed import seeded
from bot.settings import Settings

PAGE = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8")
MAIN = module("main")
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
BLOCKS = "\n".join(re.findall(r"^```\w*\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
CODE = [one for one in re.findall(r"`([^`\n]+)`", PAGE) if "\n" not in one]


def test_settings_that_it_names_are_settings() -> None:
    named = set(re.findall(r"SECONDKEY_([A-Z_]+)", PAGE))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_parameters_and_outputs_that_it_names_are_those_of_the_infrastructure() -> None:
    outputs = {*re.findall(r"\bout (\w+)\)", SHELL), *re.findall(r"^out (\w+)$", SHELL, re.MULTILINE)}
    assert outputs
    assert outputs <= set(MAIN.outputs)
    shown = re.findall(r"\b[a-z]+[A-Z]\w*", BLOCKS)  # properties in Graph, which the commands show
    known = {*MAIN.parameters, *MAIN.outputs, "passwordAuth", "groupId", *shown}
    camel = {one.partition("=")[0] for one in CODE if re.fullmatch(r"[a-z]+[A-Z]\w*(=\w+)?", one)}
    assert {"runBot", "approverChannel", "breakGlassObjectIds"} <= camel
    assert camel <= known


def test_every_output_is_explained() -> None:
    assert not [name for name in MAIN.outputs if f"`{name}`" not in PAGE]


def commands() -> list[str]:
    joined = SHELL.replace("\\\n", " ")
    return re.findall(r'(?:\.venv/bin/|--command ")secondkey ([^"\n]+)', joined)


@pytest.mark.parametrize("said", commands())
def test_commands_and_their_options_exist(said: str) -> None:
    name, *_ = said.split()
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert name in known
    options = {option for one in known[name].params for option in one.opts}
    assert set(re.findall(r"(?<=\s)--[a-z-]+", said)) <= options


def test_permissions_that_it_names_are_asked_for() -> None:
    named = {one for one in CODE if re.fullmatch(r"[A-Z]\w+\.(Read|ReadWrite|ReadBasic)(\.\w+)*", one)}
    assert named
    assert named <= {permission for call in CALLS for permission in call.asks}


def test_files_that_it_names_exist() -> None:
    files = set(re.findall(r"\]\(((?:\.\./)?[\w./-]+)\)", PAGE))
    assert {"../Dockerfile", "permissions.md", "operations.md"} <= files
    assert not [one for one in files if not (ROOT / "docs" / one).exists()]
    for one in ("infra/main.bicep", "infra/main.bicepparam", "infra/database.sql", "infra/README.md"):
        assert one in PAGE
        assert (ROOT / one).is_file()


def test_every_resource_provider_that_the_infrastructure_uses_is_registered() -> None:
    """Whoever has rights to the resource group alone can't have it done on the way."""
    everywhere = {"Microsoft.Authorization", "Microsoft.Graph"}
    used = {
        one["type"].partition("/")[0] for file in modules() for one in file.tree.get("resources", {}).values()
    }
    listed = re.search(r"^for PROVIDER in ([\w\s\\]+); do\n  az provider register", SHELL, re.MULTILINE)
    assert listed is not None
    assert {f"Microsoft.{name}" for name in listed[1].replace("\\", " ").split()} == used - everywhere


def test_a_shell_variable_is_set_before_it_is_used() -> None:
    known = {"PATH"}
    for line in SHELL.splitlines():
        used = set(re.findall(r"\$([A-Z_]+)", line))
        assert used <= known, line
        known |= set(re.findall(r"^(?:export )?([A-Z_]+)=", line)) | set(re.findall(r"^for (\w+) in", line))


def test_every_required_parameter_is_spoken_of_where_they_are_filled_in() -> None:
    (step,) = (text for title, text in STEPS if title.startswith("2."))
    for name, one in MAIN.parameters.items():
        assert one["default"] is not None or f"`{name}`" in step, name


def test_what_it_says_of_the_exit_code_is_what_the_bot_prints() -> None:
    (said,) = re.findall(r"An exit code of 2 means [^`]*`([^`]+)`", PAGE)
    assert f'"{said}"' in (ROOT / "bot" / "cli.py").read_text(encoding="utf-8")


def test_the_image_has_the_shell_that_is_the_way_out() -> None:
    assert re.search(r"az containerapp exec .*--command sh$", SHELL, re.MULTILINE)
    assert re.fullmatch(r"python:[\d.]+-slim-\w+", dockerfile.read().arguments["PYTHON_IMAGE"])


def test_what_it_names_in_azure_is_what_the_infrastructure_calls_it() -> None:
    assert "name: 'ca-${name}'" in MAIN.text
    assert MAIN.parameters["name"]["default"] == "secondkey"
    assert "--name ca-secondkey" in SHELL
    registration = module("modules/registration")
    assert "name: '${app.uniqueName}/bot-token-service'" in registration.text
    assert "displayName: 'Second Key'" in registration.text
    assert MAIN.tree["variables"]["connectionName"]["value"] == "graph"


def test_the_readiness_answer_that_it_shows_has_the_bots_checks() -> None:
    shown = re.search(r'"checks": \{(.*?)\}', PAGE)
    source = (ROOT / "bot" / "bootstrap.py").read_text(encoding="utf-8")
    assert shown is not None
    assert re.findall(r'"(\w+)": "ok"', shown[1]) == re.findall(
        r'^        "(\w+)": \w+,$', source, re.MULTILINE
    )


# Each step ---------------------------------------------------------------------------------

STEPS = re.findall(r"^## (\d+\. .*?)\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", [pytest.param(text, id=title) for title, text in STEPS])
def test_every_step_has_commands_clicks_and_what_to_see(text: str) -> None:
    assert re.search(r"^```(sh|powershell)\n", text, re.MULTILINE)
    assert re.search(r"\*[^*`]+→[^*`]+\*", text), "no way through a portal"
    assert "You should see" in text


def test_steps_are_counted_without_a_gap() -> None:
    assert [title.partition(".")[0] for title, _ in STEPS] == [
        str(number) for number in range(1, len(STEPS) + 1)
    ]


def test_a_command_in_the_container_says_in_which_of_its_two() -> None:
    inside = [line for line in SHELL.splitlines() if re.search("az containerapp (exec|logs)", line)]
    assert inside
    assert all(re.search(r"--container (secondkey|collector)\b", line) for line in inside)


# What it writes to PIM ---------------------------------------------------------------------

BODIES: list[dict[str, Any]] = [json.loads(one) for one in re.findall(r"@'\n(.*?)\n'@", PAGE, re.DOTALL)]
RULES = {one["id"]: one for one in BODIES if "id" in one}


def test_the_bot_reads_from_the_rules_what_the_page_means() -> None:
    terms, policy = terms_of(RULES.values()), policy_of(list(RULES.values()))
    assert terms.approval_required
    assert (terms.users, terms.groups) == (("approver_1", "approver_2"), ("or_a_group",))
    assert terms.justification_required
    assert policy.longest == timedelta(hours=2)
    assert (policy.mfa_required, policy.reason_required, policy.ticket_required) == (True, True, False)
    assert policy.approval_required


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_a_rule_is_written_as_graph_shows_it_and_to_where_it_belongs(rule: dict[str, Any]) -> None:
    world = seeded()
    (shown,) = (
        one
        for one in policies.rules(world, next(iter(world.tenant.policies.values())))
        if one["id"] == rule["id"]
    )
    assert rule["@odata.type"] == shown["@odata.type"]
    assert shape(rule) == shape(shown)
    assert {**rule["target"], "@odata.type": ""} == {**shown["target"], "@odata.type": ""}
    assert f'-Method PATCH -Uri "$rules/{rule["id"]}"' in PAGE


def shape(value: Any) -> Any:
    """Its properties, without who approves and what kind each part is."""
    if isinstance(value, dict):
        left_out = {"@odata.type", "primaryApprovers", "enabledRules"}
        return {name: shape(one) for name, one in value.items() if name not in left_out}
    return [shape(one) for one in value] if isinstance(value, list) else type(value)


def test_the_requester_becomes_eligible_and_not_active() -> None:
    (request,) = (one for one in BODIES if "action" in one)
    assert "-Method POST -Uri '/v1.0/roleManagement/directory/roleEligibilityScheduleRequests'" in PAGE
    assert (request["action"], request["directoryScopeId"]) == ("adminAssign", "/")
    expiration = request["scheduleInfo"]["expiration"]
    assert expiration["type"] == "afterDuration"
    assert parse_iso_duration(expiration["duration"]) == timedelta(days=90)


def test_eligibility_begins_when_the_commands_are_run() -> None:
    """A day that is written down is past some day, and the ninety days after it too."""
    (request,) = (one for one in BODIES if "action" in one)
    start = request["scheduleInfo"]["startDateTime"]
    assert f".Replace('{start}', (Get-Date).ToUniversalTime().ToString('o'))" in PAGE
    assert not re.search(r"\b20\d\d-\d\d-\d\d", BLOCKS)
    assert BLOCKS.count(f'"{start}"') == 1


def test_the_policy_is_asked_for_as_the_bot_asks() -> None:
    assert f'"{policy_filter("$role")}"' in PAGE

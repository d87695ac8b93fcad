"""docs/setup.md names what there is: settings, parameters, outputs, commands and their options, files."""

from __future__ import annotations

import re

import pytest
import typer
from deploy.bicep import module
from deploy.dockerfile import ROOT

from bot.cli import app
from bot.graph.permissions import CALLS
from bot.settings import Settings

PAGE = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8")
MAIN = module("main")
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
CODE = [one for one in re.findall(r"`([^`\n]+)`", PAGE) if "\n" not in one]


def test_settings_that_it_names_are_settings() -> None:
    named = set(re.findall(r"SECONDKEY_([A-Z_]+)", PAGE))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_parameters_and_outputs_that_it_names_are_those_of_the_infrastructure() -> None:
    outputs = {*re.findall(r"\bout (\w+)\)", SHELL), *re.findall(r"^out (\w+)$", SHELL, re.MULTILINE)}
    assert outputs
    assert outputs <= set(MAIN.outputs)
    known = {*MAIN.parameters, *MAIN.outputs, "passwordAuth"}
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

"""The manifest and its translations, against Microsoft's own schema and the rest of the project."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft7Validator

from bot import sso
from bot.domain.commands import COMMANDS, MAX_LISTED
from manifest import texts
from manifest.app import App, PackageError, localization_of, manifest_of

HERE = Path(__file__).parent / "schema"
CLIENT = "22222222-2222-4222-8222-22222222AAAA"
GOOD = {
    "client_id": CLIENT,
    "host": "bot.example.com",
    "token_service_host": "token.botframework.com",
    "version": "1.2.3",
}


def schema(name: str) -> dict[str, Any]:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def faults_in(value: Any, name: str) -> list[str]:
    """By draft 4, which the schema names, and by draft 7, which knows the ``const`` that it uses."""
    rules = schema(name)
    found = [*Draft4Validator(rules).iter_errors(value), *Draft7Validator(rules).iter_errors(value)]
    return [f"{'/'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in found]


def made(**changed: str) -> dict[str, Any]:
    return manifest_of(App(**{**GOOD, **changed}))


def test_the_schema_files_are_microsofts_unchanged() -> None:
    said = dict(re.findall(r"`(\S+)` ([0-9a-f]{64})", (HERE / "README.md").read_text(encoding="utf-8")))
    files = {file.name: file.read_bytes() for file in HERE.glob("*.json")}
    assert said == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def test_the_manifest_is_valid() -> None:
    assert faults_in(made(), "MicrosoftTeams.schema.json") == []


@pytest.mark.parametrize("language", texts.OTHERS, ids=lambda one: one.tag)
def test_each_translation_is_valid(language: texts.Texts) -> None:
    assert faults_in(localization_of(language), "MicrosoftTeams.Localization.schema.json") == []


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"bots": []} | {"unknown": 1}, id="unknown property"),
        pytest.param({"manifestVersion": "1.18"}, id="another version"),
        pytest.param({"id": "none"}, id="no GUID"),
        pytest.param({"name": {"short": "x" * 31, "full": "x"}}, id="too long a name"),
    ],
)
def test_the_schema_would_notice(broken: dict[str, Any]) -> None:
    assert faults_in({**made(), **broken}, "MicrosoftTeams.schema.json") != []


def test_the_command_lists_are_the_command_table_for_both_scopes() -> None:
    bot = made()["bots"][0]
    listed = [(one.name.value, one.help) for one in COMMANDS if one.listed]
    assert 0 < len(listed) <= MAX_LISTED
    assert bot["scopes"] == ["personal", "team"]
    assert [one["scopes"] for one in bot["commandLists"]] == [["personal"], ["team"]]
    for one in bot["commandLists"]:
        assert [(c["title"], c["description"]) for c in one["commands"]] == listed


@pytest.mark.parametrize("language", texts.OTHERS, ids=lambda one: one.tag)
def test_every_command_is_explained_in_every_language_at_its_own_place(language: texts.Texts) -> None:
    assert set(language.commands) == {one.name for one in COMMANDS}
    translated = localization_of(language)
    for at, command_list in enumerate(made()["bots"][0]["commandLists"]):
        for n, command in enumerate(command_list["commands"]):
            own = next(one.name for one in COMMANDS if one.name.value == command["title"])
            place = f"bots[0].commandLists[{at}].commands[{n}].description"
            assert translated[place] == language.commands[own] != command["description"]


def test_the_languages_that_the_manifest_names_are_those_there_are() -> None:
    named = made()["localizationInfo"]
    assert named["defaultLanguageTag"] == "en"
    assert named["additionalLanguages"] == [
        {"languageTag": one.tag, "file": f"{one.tag}.json"} for one in texts.OTHERS
    ]


def test_the_bot_and_single_sign_on_are_of_the_registration() -> None:
    manifest, lower = made(), CLIENT.lower()
    assert manifest["bots"][0]["botId"] == manifest["webApplicationInfo"]["id"] == lower
    assert manifest["webApplicationInfo"]["resource"] == f"api://botid-{lower}"
    assert sso.connection_scopes(CLIENT)[-1] == f"api://botid-{lower}/access_as_user"


def test_the_app_id_follows_from_the_registration_however_it_is_written_and_is_another() -> None:
    assert made()["id"] == made(client_id=CLIENT.lower())["id"]
    assert made()["id"] not in {CLIENT.lower(), made(client_id="3" + CLIENT[1:])["id"]}


def test_only_the_bots_own_host_and_the_sign_in_are_valid_domains() -> None:
    assert made()["validDomains"] == ["bot.example.com", "token.botframework.com"]


def test_nothing_is_asked_for_that_is_not_used() -> None:
    manifest = made()
    assert {"authorization", "devicePermissions", "staticTabs", "composeExtensions"} & set(manifest) == set()
    flags = ("supportsFiles", "supportsCalling", "supportsVideo", "isNotificationOnly")
    assert [manifest["bots"][0][flag] for flag in flags] == [False] * 4
    assert (manifest["defaultInstallScope"], manifest["permissions"]) == (
        "team",
        ["identity", "messageTeamMembers"],
    )


def test_the_developers_pages_are_the_bots_unless_said_otherwise() -> None:
    assert made()["developer"] == {
        "name": "Second Key",
        "websiteUrl": "https://bot.example.com/about",
        "privacyUrl": "https://bot.example.com/about/privacy",
        "termsOfUseUrl": "https://bot.example.com/about/terms",
    }
    own = made(developer="Contoso IT", privacy_url="https://contoso.example/privacy")["developer"]
    assert (own["name"], own["privacyUrl"]) == ("Contoso IT", "https://contoso.example/privacy")


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        pytest.param({"client_id": "2222"}, "client id: must be a GUID", id="short id"),
        pytest.param({"client_id": "{" + CLIENT + "}"}, "client id", id="id in braces"),
        pytest.param({"client_id": CLIENT + "\n"}, "client id", id="id with a line break"),
        pytest.param({"host": "https://bot.example.com"}, "host: must be a host name", id="with scheme"),
        pytest.param({"host": "bot.example.com/api"}, "host", id="with a path"),
        pytest.param({"host": "bot.example.com:443"}, "host", id="with a port"),
        pytest.param({"host": "*.example.com"}, "host", id="wildcard"),
        pytest.param({"host": "localhost"}, "host", id="localhost"),
        pytest.param({"host": "10.0.0.1"}, "host", id="address"),
        pytest.param({"host": "-bot.example.com"}, "host", id="hyphen first"),
        pytest.param({"host": ""}, "host", id="no host"),
        pytest.param({"host": "a." * 130 + "com"}, "host", id="too long a host"),
        pytest.param({"version": "1.2"}, "version: must be three numbers", id="two numbers"),
        pytest.param({"version": "1.2.3-dev"}, "version", id="suffix"),
        pytest.param({"version": "01.2.3"}, "version", id="leading zero"),
        pytest.param({"developer": " "}, "developer", id="no developer"),
        pytest.param({"developer": "x" * 33}, "developer", id="too long a developer"),
        pytest.param({"website_url": "http://a.example"}, "website url: must be an https", id="http"),
        pytest.param({"privacy_url": "javascript:alert(1)"}, "privacy url", id="script"),
        pytest.param({"terms_url": "https://a.example/ x"}, "terms url", id="space"),
    ],
)
def test_what_teams_would_refuse_is_refused_here_and_named(changed: dict[str, str], fault: str) -> None:
    with pytest.raises(PackageError, match=re.escape(fault)):
        App(**{**GOOD, **changed})


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(PackageError) as refused:
        App("x", "y", "token.botframework.com", "z")
    assert [one.split(":")[0] for one in refused.value.faults] == ["client id", "host", "version"]


labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


@given(
    client=st.uuids().map(str),
    labels=st.lists(labels, min_size=1, max_size=4),
    version=st.tuples(*[st.integers(0, 999)] * 3),
    developer=st.text(min_size=1, max_size=32).filter(str.strip),
)
def test_whatever_is_accepted_makes_a_valid_manifest(
    client: str, labels: list[str], version: tuple[int, int, int], developer: str
) -> None:
    app = App(
        client,
        ".".join([*labels, "example"]),
        "token.botframework.com",
        ".".join(map(str, version)),
        developer,
    )
    assert faults_in(manifest_of(app), "MicrosoftTeams.schema.json") == []

"""``secondkey package`` and ``secondkey consent-link``: defaults, clouds and refusals."""

from __future__ import annotations

import json
import os
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from bot import packaging
from bot.cli import app
from bot.clouds import CLOUDS

CLIENT = "22222222-2222-4222-8222-222222222222"
TENANT = "11111111-1111-4111-8111-111111111111"
run = CliRunner().invoke


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SECONDKEY_")]:
        monkeypatch.delenv(name)


def manifest(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("manifest.json"))


def test_a_package_is_written_from_what_is_said(tmp_path: Path) -> None:
    out = tmp_path / "app.zip"
    done = run(app, ["package", "--client-id", CLIENT, "--host", "Bot.Example.com", "--out", str(out)])
    assert done.exit_code == 0, done.output
    made = manifest(out)
    assert (made["webApplicationInfo"]["id"], made["validDomains"][0]) == (CLIENT, "bot.example.com")
    assert made["id"] in done.output
    assert "consent" not in done.output


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        run(app, ["package", "--client-id", CLIENT, "--host", "bot.example.com", "--out", name])
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_settings_are_the_defaults_and_few_of_them_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("secondkey.toml").write_text(f'client_id = "{CLIENT}"\npoll_seconds = "of no concern here"\n')
    monkeypatch.setenv("SECONDKEY_PUBLIC_URL", "https://bot.example.com:8443/base")
    monkeypatch.setenv("SECONDKEY_TENANT_ID", TENANT)
    done = run(app, ["package"])
    assert done.exit_code == 0, done.output
    made = manifest(Path("secondkey-teams.zip"))
    assert (made["bots"][0]["botId"], made["validDomains"][0]) == (CLIENT, "bot.example.com")
    assert f"/{TENANT}/v2.0/adminconsent" in done.output


def test_what_is_said_wins_over_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDKEY_PUBLIC_URL", "https://other.example.com")
    monkeypatch.setenv("SECONDKEY_CLIENT_ID", TENANT)
    run(app, ["package", "--client-id", CLIENT, "--host", "bot.example.com"])
    made = manifest(Path("secondkey-teams.zip"))
    assert (made["bots"][0]["botId"], made["validDomains"][0]) == (CLIENT, "bot.example.com")


def test_the_version_is_the_packages_own_as_three_numbers_unless_said() -> None:
    base = ["package", "--client-id", CLIENT, "--host", "bot.example.com"]
    run(app, base)
    own = manifest(Path("secondkey-teams.zip"))["version"]
    assert own.count(".") == 2
    assert version("second-key").startswith(own)
    run(app, [*base, "--app-version", "2.0.1"])
    assert manifest(Path("secondkey-teams.zip"))["version"] == "2.0.1"


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        pytest.param("0.1.0.dev0", "0.1.0", id="development"),
        pytest.param("1.2", "1.2.0", id="two numbers"),
        pytest.param("3", "3.0.0", id="one number"),
        pytest.param("1.2.3.4", "1.2.3", id="four numbers"),
        pytest.param("1.2.3rc1", "1.2.3", id="candidate"),
        pytest.param("unknown", "0.0.0", id="none"),
    ],
)
def test_any_version_becomes_three_numbers(
    monkeypatch: pytest.MonkeyPatch, installed: str, said: str
) -> None:
    monkeypatch.setattr(packaging, "version", lambda _: installed)
    assert packaging.own_version() == said


@pytest.mark.parametrize("cloud", CLOUDS)
def test_each_cloud_has_its_own_sign_in_among_the_domains_and_its_own_login_in_the_link(cloud: str) -> None:
    options = ["--client-id", CLIENT, "--host", "bot.example.com", "--tenant", TENANT, "--cloud", cloud]
    done = run(app, ["package", *options])
    assert done.exit_code == 0, done.output
    assert manifest(Path("secondkey-teams.zip"))["validDomains"] == [
        "bot.example.com",
        urlsplit(CLOUDS[cloud].token_service_url).hostname,
    ]
    link = urlsplit(run(app, ["consent-link", *options]).output.strip())
    assert f"{link.scheme}://{link.netloc}" == CLOUDS[cloud].login_url
    assert parse_qs(link.query)["scope"] == [CLOUDS[cloud].graph_scope]


def test_a_custom_cloud_needs_its_endpoints_and_uses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--client-id", CLIENT, "--host", "bot.example.com", "--cloud", "custom"]
    refused = run(app, ["package", *options])
    assert (refused.exit_code, "SECONDKEY_TOKEN_SERVICE_URL: is required with custom" in refused.output) == (
        2,
        True,
    )
    names = ("login", "graph", "connector", "token_service", "bot_openid")
    for name in names:
        monkeypatch.setenv(f"SECONDKEY_{name.upper()}_URL", f"https://{name.replace('_', '-')}.example")
    monkeypatch.setenv("SECONDKEY_BOT_ISSUER", "https://issuer.example")
    assert run(app, ["package", *options]).exit_code == 0
    assert manifest(Path("secondkey-teams.zip"))["validDomains"][1] == "token-service.example"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], ["client id: say it with --client-id", "host: say it with --host"], id="nothing"),
        pytest.param(["--host", "bot.example.com"], ["SECONDKEY_CLIENT_ID"], id="no client id"),
        pytest.param(
            ["--client-id", "x", "--host", "https://bot.example.com"],
            ["client id: must be a GUID", "host: must be a host name alone"],
            id="both wrong",
        ),
        pytest.param(["--cloud", "moon"], ["cloud: input should be 'public'"], id="cloud"),
        pytest.param(
            ["--client-id", CLIENT, "--host", "bot.example.com", "--tenant", "a b"],
            ["tenant: must be its GUID or one of its domains"],
            id="tenant",
        ),
        pytest.param(
            ["--client-id", CLIENT, "--host", "bot.example.com", "--app-version", "1"],
            ["version: must be three numbers"],
            id="version",
        ),
    ],
)
def test_a_package_that_cant_be_made_is_refused_with_what_to_do(
    arguments: list[str], said: list[str]
) -> None:
    done = run(app, ["package", *arguments])
    assert done.exit_code == 2
    assert [one for one in said if one not in done.output] == []
    assert not Path("secondkey-teams.zip").exists()


def test_a_settings_file_that_cant_be_read_is_named() -> None:
    Path("secondkey.toml").write_text("client_id = ")
    done = run(app, ["package", "--client-id", CLIENT, "--host", "bot.example.com"])
    assert (done.exit_code, "secondkey.toml: " in done.output) == (2, True)


def test_a_public_url_that_is_none_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDKEY_PUBLIC_URL", "https://[bad")
    assert "host: say it" in run(app, ["package", "--client-id", CLIENT]).output


def test_a_file_that_cant_be_written_is_named(tmp_path: Path) -> None:
    options = ["--client-id", CLIENT, "--host", "bot.example.com", "--out", str(tmp_path / "no" / "app.zip")]
    done = run(app, ["package", *options])
    assert (done.exit_code, "app.zip: No such file" in done.output) == (1, True)


def test_the_consent_link_asks_for_what_the_registration_lists_and_returns_to_the_bot() -> None:
    done = run(app, ["consent-link", "--client-id", CLIENT, "--tenant", TENANT, "--host", "bot.example.com"])
    link = urlsplit(done.output.strip())
    assert (link.netloc, link.path) == ("login.microsoftonline.com", f"/{TENANT}/v2.0/adminconsent")
    assert parse_qs(link.query) == {
        "client_id": [CLIENT],
        "scope": ["https://graph.microsoft.com/.default"],
        "redirect_uri": ["https://bot.example.com/about/consented"],
    }


def test_the_consent_link_takes_another_redirect_and_then_needs_no_host() -> None:
    redirect = "https://token.botframework.com/.auth/web/redirect"
    options = ["--client-id", CLIENT, "--tenant", "contoso.example", "--redirect-uri", redirect]
    done = run(app, ["consent-link", *options])
    assert done.exit_code == 0, done.output
    assert parse_qs(urlsplit(done.output.strip()).query)["redirect_uri"] == [redirect]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"--tenant": ""}, "tenant: say it with --tenant", id="no tenant"),
        pytest.param({"--host": ""}, "host: say it with --host", id="no host"),
        pytest.param({"--client-id": "x"}, "client id: must be a GUID", id="client id"),
        pytest.param({"--tenant": "a/b"}, "tenant: must be", id="tenant with a path"),
    ],
)
def test_a_consent_link_that_cant_be_made_is_refused_by_name(changed: dict[str, str], said: str) -> None:
    options = {"--client-id": CLIENT, "--tenant": TENANT, "--host": "bot.example.com", **changed}
    done = run(app, ["consent-link", *(part for pair in options.items() for part in pair)])
    assert (done.exit_code, said in done.output) == (2, True)

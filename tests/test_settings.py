"""Settings: where they come from, what is wrong with them, and what they never show."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.clouds import CLOUDS, CUSTOM_URLS, Cloud
from bot.domain.model import Danger, Role
from bot.settings import Settings, SettingsError, load

GUID = "aaaaaaaa-0000-4000-8000-00000000000"
CHANNEL = "19:approvers@thread.tacv2"
OPS = "19:ops@thread.tacv2"
SECRET = "hunter2-and-more"
GOOD = {
    "TENANT_ID": f"{GUID}1",
    "CLIENT_ID": f"{GUID}2",
    "CLIENT_SECRET": SECRET,
    "PUBLIC_URL": "https://bot.example",
    "APPROVER_CHANNEL": CHANNEL,
    "OPS_CHANNEL": OPS,
}
CUSTOM = {
    "CLOUD": "custom",
    "LOGIN_URL": "https://localhost:8443",
    "GRAPH_URL": "http://127.0.0.1:8080",
    "CONNECTOR_URL": "http://127.0.0.1:8080/connector",
    "TOKEN_SERVICE_URL": "http://127.0.0.1:8080/token",
    "BOT_OPENID_URL": "http://127.0.0.1:8080/openid",
    "BOT_ISSUER": "https://api.botframework.com",
}


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty directory to be in, and no settings in the environment."""
    for name in [name for name in os.environ if name.upper().startswith("SECONDKEY_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch):
    def set_all(*sets: dict[str, str], **more: str | None) -> None:
        merged: dict[str, str | None] = {}
        for one in (*sets, more):
            merged.update(one)
        for name, value in merged.items():
            if value is not None:
                monkeypatch.setenv(f"SECONDKEY_{name}", value)
            else:
                monkeypatch.delenv(f"SECONDKEY_{name}", raising=False)

    return set_all


def faults() -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load()
    return caught.value.faults


def named(said: tuple[str, ...]) -> set[str]:
    return {fault.partition(":")[0] for fault in said}


# Where they come from ----------------------------------------------------------------------


def test_the_required_ones_are_enough(given):
    given(GOOD)
    settings = load()
    assert (settings.port, settings.cloud, settings.poll_seconds) == (3978, "public", 10)
    assert settings.notification_url == "https://bot.example/api/notifications"
    assert settings.lifecycle_url == "https://bot.example/api/lifecycle"


def test_the_environment_wins_over_the_file_in_the_current_directory(given, nowhere: Path):
    (nowhere / "secondkey.toml").write_text("port = 4000\npoll_seconds = 20\nbreak_glass = []\n")
    given(GOOD, PORT="5000")
    settings = load()
    assert (settings.port, settings.poll_seconds) == (5000, 20)
    assert load(port=6000).port == 6000


def test_an_empty_variable_is_one_that_is_not_set(given, nowhere: Path):
    (nowhere / "secondkey.toml").write_text('port = 4000\nca_bundle = ""\n')
    given(GOOD, CLIENT_SECRET="", MANAGED_IDENTITY=f"{GUID}3", PORT="", LOGIN_URL="", BREAK_GLASS="")
    settings = load()
    assert (settings.client_secret, settings.managed_identity) == (None, f"{GUID}3")
    assert (settings.port, settings.login_url, settings.ca_bundle) == (4000, None, None)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        pytest.param(f"{GUID}4", (f"{GUID}4",), id="one"),
        pytest.param(f" {GUID}4 ,{GUID}5,", (f"{GUID}4", f"{GUID}5"), id="spaces and a last comma"),
        pytest.param(",", (), id="only a comma"),
    ],
)
def test_lists_are_separated_by_commas(given, value: str, read: tuple[str, ...]):
    given(GOOD, BREAK_GLASS=value)
    assert load().break_glass == read


@pytest.mark.parametrize(
    ("value", "groups"),
    [
        pytest.param(None, None, id="by-default-all-that-pim-manages"),
        pytest.param("auto", None, id="all-that-pim-manages"),
        pytest.param("None", (), id="none"),
        pytest.param(f"{GUID}7, {GUID.upper()}8,{GUID}7", (f"{GUID}7", f"{GUID}8"), id="named"),
    ],
)
def test_groups_are_named_or_found(given, value: str | None, groups: tuple[str, ...] | None):
    given(GOOD, PIM_GROUPS=value)
    assert load().managed_groups == groups


@pytest.mark.parametrize("value", ["Finance Vault", f"auto,{GUID}7", f"{GUID}7,none", f"{GUID}7-x", ","])
def test_anything_else_for_groups_is_a_fault(given, value: str):
    given(GOOD, PIM_GROUPS=value)
    (fault,) = faults()
    assert fault == "SECONDKEY_PIM_GROUPS: must be object ids of groups, or the one word auto or none"


def test_lists_of_numbers_and_resources_are_separated_by_commas_too(given):
    given(GOOD, SLA_FURTHER_SECONDS="600, 1200.5", SUBSCRIPTIONS="users/1/messages,security/alerts_v2")
    settings = load()
    assert settings.sla_further_seconds == (600.0, 1200.5)
    assert settings.subscriptions == ("users/1/messages", "security/alerts_v2")


ROUTES = f"""
[roles."{GUID}7"]
approver_channel = "19:by-id@thread.tacv2"

[roles."Global Administrator"]
ops_channel = "19:by-name@thread.tacv2"
"""


@pytest.mark.parametrize(
    ("role", "approvers", "ops"),
    [
        pytest.param(Role(f"{GUID}7", "Any", Danger.HIGH), "19:by-id@thread.tacv2", OPS, id="by id"),
        pytest.param(
            Role(f"{GUID}7".upper(), "Any", Danger.HIGH), "19:by-id@thread.tacv2", OPS, id="by id in capitals"
        ),
        pytest.param(
            Role("x", "global administrator", Danger.HIGH), CHANNEL, "19:by-name@thread.tacv2", id="by name"
        ),
        pytest.param(Role("x", "Other", Danger.HIGH), CHANNEL, OPS, id="not routed"),
    ],
)
def test_a_roles_cards_go_where_the_file_says(given, nowhere: Path, role: Role, approvers: str, ops: str):
    (nowhere / "secondkey.toml").write_text(ROUTES)
    given(GOOD)
    settings = load()
    assert (settings.approver_channel_of(role), settings.ops_channel_of(role)) == (approvers, ops)


def test_a_roles_other_names_and_the_look_of_tickets_are_read(given, nowhere: Path):
    (nowhere / "secondkey.toml").write_text(
        '[roles."Exchange Administrator"]\naliases = ["mail admin"]\n'
        '[ticket_patterns]\n"Help desk" = "HD-[0-9]+"\n'
    )
    given(GOOD)
    settings = load()
    assert settings.aliases == {"exchange administrator": ("mail admin",)}
    assert settings.ticket_patterns == {"Help desk": "HD-[0-9]+"}


# What is wrong with them -------------------------------------------------------------------


def test_with_nothing_set_everything_required_is_named_at_once():
    assert named(faults()) == {
        "SECONDKEY_TENANT_ID",
        "SECONDKEY_CLIENT_ID",
        "SECONDKEY_PUBLIC_URL",
        "SECONDKEY_APPROVER_CHANNEL",
        "SECONDKEY_OPS_CHANNEL",
        "SECONDKEY_CLIENT_SECRET, SECONDKEY_CLIENT_CERTIFICATE, SECONDKEY_MANAGED_IDENTITY",
    }


def test_faults_of_every_sort_are_named_together(given, nowhere: Path):
    (nowhere / "secondkey.toml").write_text('[roles.x]\napprover_channel = "general"\nchanel = "y"\n')
    given(
        GOOD,
        TENANT_ID="contoso",
        PUBLIC_URL="http://bot.example",
        OPS_CHANNEL="ops",
        PORT="many",
        CLOUD="mars",
        BREAK_GLASS=f"{GUID}4,nobody",
        GRAPH_URL="https://graph.example",
        POL_SECONDS="1",
    )
    assert named(faults()) == {
        "SECONDKEY_TENANT_ID",
        "SECONDKEY_PUBLIC_URL",
        "SECONDKEY_OPS_CHANNEL",
        "SECONDKEY_PORT",
        "SECONDKEY_CLOUD",
        "SECONDKEY_BREAK_GLASS[1]",
        "SECONDKEY_GRAPH_URL",
        "SECONDKEY_POL_SECONDS",
        "SECONDKEY_ROLES[x][approver_channel]",
        "SECONDKEY_ROLES[x][chanel]",
    }


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param({"CLIENT_SECRET": None}, "exactly one", id="no credential"),
        pytest.param({"MANAGED_IDENTITY": f"{GUID}3"}, "exactly one", id="two credentials"),
        pytest.param({"TENANT_ID": "contoso.com"}, "must be a GUID", id="tenant is a name"),
        pytest.param({"APPROVER_CHANNEL": "General"}, "must be a Teams channel id", id="channel is a name"),
        pytest.param({"PUBLIC_URL": "https://u:p@bot.example"}, "must be an https:// URL", id="user in URL"),
        pytest.param({"PUBLIC_URL": "https://"}, "must be an https:// URL", id="no host"),
        pytest.param({"PUBLIC_URL": "https://[x"}, "must be an https:// URL", id="no URL"),
        pytest.param({"PUBLIC_URL": "http://127.0.0.1"}, "must be an https:// URL", id="http without custom"),
        pytest.param({"PORT": "65536"}, "less than or equal", id="port too high"),
        pytest.param({"POLL_SECONDS": "nan"}, "finite", id="poll is no number"),
        pytest.param({"POLL_SECONDS": "0"}, "greater than or equal", id="poll too often"),
        pytest.param({"SLA_SECONDS": "inf"}, "finite", id="a rung that never comes"),
        pytest.param({"SLA_FURTHER_SECONDS": "900,-5"}, "greater than 0", id="a rung before the request"),
        pytest.param({"SLA_FURTHER_SECONDS": "900,soon"}, "valid number", id="a rung in words"),
        pytest.param({"SLA_REPEAT_SECONDS": "1e300"}, "less than or equal", id="a repeat past all time"),
        pytest.param({"ROLES": '{"x": {}}'}, "valid dictionary", id="routing in the environment"),
        pytest.param({"TIME_ZONE": "Mars/Olympus"}, "no such time zone", id="a zone of no place"),
        pytest.param({"TIME_ZONE": "../etc/passwd"}, "no such time zone", id="a zone that is a path"),
        pytest.param({"ACTIVATIONS_PER_HOUR": "0"}, "greater than or equal", id="no activations at all"),
        pytest.param(
            {"TICKET_PATTERNS": '{"x": "(a+)+b"}'}, "must consist of", id="a pattern that could take long"
        ),
        pytest.param({"DANGEROUSLY_CLOCK_URL": "https://c.example"}, "only with SECONDKEY_CLOUD", id="clock"),
        pytest.param({"CA_BUNDLE": "setup.cfg"}, "only with SECONDKEY_CLOUD", id="bundle"),
        pytest.param({"CLIENT_SECRET": None, "CLIENT_CERTIFICATE": "gone.pem"}, "no such file", id="PEM"),
        pytest.param({"DATABASE_IDENTITY": f"{GUID}3"}, "only with a PostgreSQL", id="tokens for SQLite"),
        pytest.param(
            {"DATABASE_IDENTITY": f"{GUID}3", "DATABASE_URL": "postgresql://bot:x@db/bot"},
            "must hold no password",
            id="token and password",
        ),
        pytest.param(
            {"DATABASE_IDENTITY": f"{GUID}3", "DATABASE_URL": "postgresql://bot@db/bot?password=x"},
            "must hold no password",
            id="token and a password at the end",
        ),
        pytest.param({"METRICS_PORT": "3978"}, "must be another port", id="metrics on the default"),
        pytest.param(
            {"METRICS_PORT": "8080", "PORT": "08080"},
            "must be another port",
            id="metrics on ours",
        ),
        pytest.param({"METRICS_PORT": "9464x"}, "METRICS_PORT: input should be a valid", id="no number"),
    ],
)
def test_a_fault_says_what_is_wrong(given, changes: dict[str, str | None], fault: str):
    given(GOOD, changes)
    assert fault in "\n".join(faults())


@pytest.mark.parametrize("missing", CUSTOM_URLS)
def test_a_custom_cloud_has_to_name_each_endpoint(given, missing: str):
    given(GOOD, CUSTOM, **{missing.upper(): None})
    assert named(faults()) == {f"SECONDKEY_{missing.upper()}"}


@pytest.mark.parametrize("name", [*CUSTOM_URLS, "public_url", "dangerously_clock_url"])
def test_plain_http_is_for_loopback_in_a_custom_cloud_only(given, name: str):
    given(GOOD, CUSTOM, **{name.upper(): "http://127.0.0.1:1"})
    load()
    given({name.upper(): "http://10.0.0.1:1"})
    assert named(faults()) == {f"SECONDKEY_{name.upper()}"}


@pytest.mark.parametrize(
    "toml",
    [
        pytest.param(b"port = ", id="broken"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(f'client_secret = "{SECRET}'.encode(), id="a secret without its end"),
    ],
)
def test_a_file_that_can_not_be_read_is_named(given, nowhere: Path, toml: bytes):
    (nowhere / "secondkey.toml").write_bytes(toml)
    given(GOOD, NOSUCH="1")
    said = faults()
    assert named(said) == {"secondkey.toml", "SECONDKEY_NOSUCH"}
    assert SECRET not in "\n".join(said)


def test_an_unknown_key_in_the_file_is_named(given, nowhere: Path):
    (nowhere / "secondkey.toml").write_text("prot = 1\n")
    given(GOOD)
    assert faults() == ("SECONDKEY_PROT: there is no such setting",)


@pytest.mark.parametrize(
    ("file", "variables"),
    [
        pytest.param("", {"APP_ID_URI": "api://left.over"}, id="in the environment"),
        pytest.param('app_id_uri = "api://left.over"\n', {}, id="in the file"),
        pytest.param('app_id_uri = "api://left.over"\n', {"APP_ID_URI": "api://left.over"}, id="in both"),
    ],
)
def test_a_setting_that_is_no_more_gets_one_message_that_says_what_to_do(
    given, nowhere: Path, file: str, variables: dict[str, str]
):
    (nowhere / "secondkey.toml").write_text(file)
    given(GOOD, **variables)
    (said,) = faults()
    assert said == (
        "SECONDKEY_APP_ID_URI: is no setting any more. Delete it, and see that the app registration's"
        " Application ID URI is api://botid-{client id}"
    )


def test_a_database_identity_goes_with_a_url_without_a_password(given):
    given(GOOD, DATABASE_IDENTITY=f"{GUID}3", DATABASE_URL="postgresql+asyncpg://bot@db:5432/bot")
    assert load().database_identity == f"{GUID}3"


def test_metrics_have_a_port_of_their_own(given):
    given(GOOD, METRICS_PORT="9464")
    assert (load().port, load().metrics_port) == (3978, 9464)


# What they never show ----------------------------------------------------------------------


def test_settings_do_not_show_secrets(given):
    given(GOOD, DATABASE_URL=f"postgresql+asyncpg://bot:{SECRET}@db/bot")
    settings = load()
    assert SECRET in settings.database_url
    assert SECRET not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("CLIENT_CERTIFICATE", id="where a path belongs"),
        pytest.param("MANAGED_IDENTITY", id="where a client id belongs"),
        pytest.param("TENANT_ID", id="where a tenant id belongs"),
        pytest.param("APPROVER_CHANNEL", id="where a channel belongs"),
        pytest.param("PUBLIC_URL", id="where a URL belongs"),
        pytest.param("PORT", id="where a number belongs"),
        pytest.param("CLOUD", id="where a word belongs"),
    ],
)
def test_faults_do_not_show_values_put_where_they_do_not_belong(given, name: str):
    key = f"-----BEGIN PRIVATE KEY----- {SECRET * 400}"
    given(GOOD, **{name: key})
    said = "\n".join(faults())
    assert f"SECONDKEY_{name}" in said
    assert SECRET not in said


def test_serve_names_every_fault_and_exits_2_without_showing_a_value(nowhere: Path):
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "serve"],
        env={"PATH": os.environ["PATH"], "SECONDKEY_TENANT_ID": SECRET, "SECONDKEY_NOSUCH": SECRET},
        cwd=nowhere,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    for name in ("TENANT_ID", "CLIENT_ID", "PUBLIC_URL", "OPS_CHANNEL", "NOSUCH", "MANAGED_IDENTITY"):
        assert f"SECONDKEY_{name}" in ended.stderr
    assert SECRET not in ended.stderr
    assert "Traceback" not in ended.stderr


# Clouds ------------------------------------------------------------------------------------


def urls(cloud: Cloud) -> list[str]:
    return [url for name, url in dataclasses.asdict(cloud).items() if name != "federation_audience"]


def hosts(cloud: Cloud) -> set[str]:
    return {str(urlsplit(url).hostname) for url in urls(cloud)}


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in CLOUDS])
def test_a_clouds_endpoints_are_https_and_shaped_as_promised(given, name: str):
    given(GOOD, CLOUD=name)
    cloud = load().endpoints
    assert all(url.startswith("https://") for url in urls(cloud))
    assert cloud.connector_url.endswith("/")
    assert not cloud.login_url.endswith("/")
    assert not cloud.graph_url.endswith("/")
    assert cloud.graph_scope == f"{cloud.graph_url}/.default"
    assert cloud.bot_openid_url.endswith("/v1/.well-known/openidconfiguration")


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in CLOUDS])
def test_a_clouds_hosts_are_in_no_other_sovereignty(name: str):
    # Azure Government's two environments share sign-in and the bot channel.
    together = {"usgov", "usdod"}
    for other in CLOUDS:
        if other != name and {name, other} != together:
            assert not hosts(CLOUDS[name]) & hosts(CLOUDS[other])


SUFFIXES = {
    "public": (".com", ".net"),
    "usgov": (".us", ".usgovcloudapi.net"),
    "usdod": (".us", ".usgovcloudapi.net"),
    "china": (".cn",),
}


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in CLOUDS])
def test_a_clouds_hosts_are_under_its_own_domains(name: str):
    assert [host for host in hosts(CLOUDS[name]) if not host.endswith(SUFFIXES[name])] == []


def test_the_choice_of_clouds_is_the_table_and_custom():
    choices = Settings.model_fields["cloud"].annotation.__args__  # type: ignore[union-attr]
    assert set(choices) == {*CLOUDS, "custom"}


def test_a_custom_clouds_endpoints_are_as_given(given):
    given(GOOD, CUSTOM)
    cloud = load().endpoints
    assert (cloud.graph_url, cloud.login_url) == ("http://127.0.0.1:8080", "https://localhost:8443")
    assert cloud.connector_url == "http://127.0.0.1:8080/connector/"

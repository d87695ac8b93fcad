"""What has to hold of infra/, over the parsed files."""

from __future__ import annotations

import json
import re

import pytest
from deploy import dockerfile, parameters
from deploy.bicep import INFRA, Module, arguments, decorated, module, modules, without_comments

from bot import sso
from bot.graph.permissions import GRAPH_APP_ID, Kind, asked
from bot.settings import PREFIX, Settings

MAIN = module("main")
ALL = [pytest.param(one, id=one.name) for one in modules()]


def test_the_code_and_the_infrastructure_ask_for_the_same_permissions() -> None:
    lists = module("modules/permissions").tree["variables"]
    assert lists["application"]["value"] == list(asked(Kind.APPLICATION))
    assert lists["delegated"]["value"] == list(asked(Kind.DELEGATED))


def test_permissions_are_microsoft_graphs_and_no_other_apis() -> None:
    app = module("modules/registration").resource("Microsoft.Graph/applications")
    (access,) = app["requiredResourceAccess"]
    assert access == {"resourceAppId": GRAPH_APP_ID, "resourceAccess": "resourceAccess"}
    for name in ("modules/permissions", "modules/consent"):
        assert f"appId: '{GRAPH_APP_ID}'" in module(name).text


def test_the_app_is_of_one_tenant_and_has_no_secret() -> None:
    app = module("modules/registration").resource("Microsoft.Graph/applications")
    assert app["signInAudience"] == "AzureADMyOrg"
    assert not {"passwordCredentials", "keyCredentials"} & set(app)
    assert app["web"]["implicitGrantSettings"] == {
        "enableAccessTokenIssuance": False,
        "enableIdTokenIssuance": False,
    }


def test_teams_may_sign_users_in_to_the_bots_api_and_nobody_else_may() -> None:
    registration = module("modules/registration")
    app = registration.resource("Microsoft.Graph/applications")
    (scope,) = app["api"]["oauth2PermissionScopes"]
    assert (scope["value"], scope["type"]) == ("access_as_user", "User")
    assert registration.tree["variables"]["teamsClients"]["value"] == [
        "1fec8e78-bce4-4aaf-ab1b-5451cc387264",
        "5e3ce6c0-2b1f-4285-8d4b-75ee78787346",
    ]
    address = module("modules/registration-address").tree["variables"]["apiUri"]["value"]
    assert address.replace("${clientId}", "0") == sso.application_id_uri("0")
    assert scope["value"] == sso.SCOPE


def test_the_bot_is_of_one_tenant_reached_by_https_and_takes_no_keys() -> None:
    bot = module("modules/bot").resource("Microsoft.BotService/botServices")["properties"]
    assert (bot["msaAppType"], bot["disableLocalAuth"]) == ("SingleTenant", True)
    assert "var publicUrl = 'https://${host}'" in MAIN.text
    assert "endpoint: '${publicUrl}/api/messages'" in MAIN.text


def test_the_oauth_connection_has_no_secret_and_gives_tokens_for_the_bots_own_api() -> None:
    connection = module("modules/bot").resource("Microsoft.BotService/botServices/connections")["properties"]
    assert "clientSecret" not in connection
    wanted = " ".join(sso.connection_scopes("0"))
    assert connection["scopes"].replace("${apiUri}", sso.application_id_uri("0")) == wanted
    parameters = {one["key"]: one["value"] for one in connection["parameters"]}
    assert parameters["TokenExchangeUrl"] == "apiUri"
    assert parameters["UniqueIdentifier"] == "tokenStoreIdentifier"


# The container -----------------------------------------------------------------------------

CONTAINER = module("modules/container")
APP = CONTAINER.resource("Microsoft.App/containerApps")["properties"]
(IMAGE,) = arguments(APP["template"]["containers"], "concat")["arg_1"]


def passed() -> dict[str, object]:
    (given,) = (given for name, _, given in MAIN.calls() if name == "container")
    return given["settings"]


def test_every_variable_that_the_container_gets_is_a_setting() -> None:
    names = {*passed(), *re.findall(r"^  ([A-Z_]+): ", CONTAINER.text, re.MULTILINE)}
    assert "CLIENT_CERTIFICATE" in names
    assert {name.lower() for name in names} <= set(Settings.model_fields)
    assert f"name: '{PREFIX}${{setting.key}}'" in CONTAINER.text


def test_every_required_setting_is_passed_and_nothing_secret() -> None:
    required = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
    assert required <= set(passed())
    assert {"MANAGED_IDENTITY", "DATABASE_URL", "DATABASE_IDENTITY"} <= set(passed())
    assert "CLIENT_SECRET" not in passed()


def test_the_database_url_names_the_identity_the_owner_and_no_password() -> None:
    login, role = str(passed()["DATABASE_URL"]).split("?role=")
    assert re.fullmatch(
        r"postgresql\+asyncpg://\$\{identity\.outputs\.name\}@\$\{[\w.]+\}:5432/\$\{[\w.]+\}", login
    )
    assert f"\\set owner {role}\n" in (INFRA / "database.sql").read_text(encoding="utf-8")


def test_no_database_is_made_here_since_it_may_belong_to_azures_own_azuresu() -> None:
    assert not [file.name for file in modules() if "flexibleServers/databases" in file.text]


def test_the_oauth_connection_is_called_the_same_on_both_sides() -> None:
    given = {name: given for name, _, given in MAIN.calls()}
    assert given["bot"]["connectionName"] == passed()["OAUTH_CONNECTION"] == "connectionName"


@pytest.mark.parametrize(
    ("kind", "path"), [("Startup", "/healthz"), ("Liveness", "/healthz"), ("Readiness", "/readyz")]
)
def test_probes_ask_what_the_bot_answers(kind: str, path: str) -> None:
    (probe,) = (one for one in IMAGE["probes"] if one["type"] == kind)
    assert probe["httpGet"] == {"path": path, "port": "port", "scheme": "HTTP"}
    assert APP["configuration"]["ingress"]["targetPort"] == "port"
    assert str(passed()["PORT"]) == str(
        {"function": {"type": "string", "parameters": {"value_to_convert": "port"}}}
    )


def test_readiness_waits_longer_than_the_bots_own_checks_may_take() -> None:
    from bot.web.health import _CHECK_SECONDS  # noqa: PLC0415 - only here

    (probe,) = (one for one in IMAGE["probes"] if one["type"] == "Readiness")
    assert _CHECK_SECONDS < probe["timeoutSeconds"] <= probe["periodSeconds"]


def test_traces_go_to_application_insights_with_the_identitys_token() -> None:
    assert set(re.findall(r"azure-monitor|off", json.dumps(passed()["TRACES"]))) == {"azure-monitor", "off"}
    names = [one["name"] for one in CONTAINER.tree["variables"]["exporter"]["value"]]
    assert names == ["APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"]
    monitoring = module("modules/monitoring")
    assert monitoring.resource("Microsoft.Insights/components")["properties"]["DisableLocalAuth"] is True


def test_there_are_two_replicas_at_least() -> None:
    for one in (MAIN, CONTAINER):
        assert decorated(one.parameters["minReplicas"], "min_value") == 2
    assert MAIN.parameters["minReplicas"]["default"] == 2
    assert APP["template"]["scale"]["minReplicas"] == "minReplicas"


def test_the_bot_is_given_longer_to_stop_than_it_takes() -> None:
    assert APP["template"]["terminationGracePeriodSeconds"] > 10


def test_a_new_revision_takes_over_when_it_is_ready_and_only_https_gets_in() -> None:
    assert APP["configuration"]["activeRevisionsMode"] == "Single"
    assert APP["configuration"]["ingress"]["allowInsecure"] is False


def test_the_image_is_pulled_as_the_identity() -> None:
    assert APP["configuration"]["registries"] == [{"server": "registryServer", "identity": "identityId"}]


# Data --------------------------------------------------------------------------------------


def test_the_database_takes_entra_tokens_over_tls_and_no_passwords() -> None:
    database = module("modules/database")
    server = database.resource("Microsoft.DBforPostgreSQL/flexibleServers")["properties"]
    assert server["authConfig"]["activeDirectoryAuth"] == "Enabled"
    assert server["authConfig"]["passwordAuth"] == "Disabled"
    assert not [name for name in server if name.startswith("administratorLogin")]
    settings = database.resources("Microsoft.DBforPostgreSQL/flexibleServers/configurations").values()
    assert {one["name"]: one["properties"]["value"] for one in settings} == {
        "require_secure_transport": "ON",
        "ssl_min_protocol_version": "TLSv1.2",
        "connection_throttle.enable": "ON",
    }


def test_private_networking_is_the_default_and_leaves_no_way_in_from_the_internet() -> None:
    assert MAIN.parameters["privateNetworking"]["default"] is True
    text = module("modules/database").text
    assert "publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'" in text
    assert re.search(r"firewallRules@[\d-]+' = if \(!privateNetworking\)", text)
    assert (
        module("modules/vault").resource("Microsoft.KeyVault/vaults")["properties"]["publicNetworkAccess"]
        == "Disabled"
    )


def test_role_assignments_are_for_one_resource_and_from_a_short_list() -> None:
    least = {
        "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
        "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
        "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    }
    found = [
        one
        for file in modules()
        for one in file.resources("Microsoft.Authorization/roleAssignments").values()
    ]
    assert sorted(one["scope"] for one in found) == ["insights", "registry", "rule", "vault"]
    for one in found:
        assert one["properties"]["roleDefinitionId"]["function"]["type"] == "subscription_resource_id"
        assert any(role in json.dumps(one["properties"]["roleDefinitionId"]) for role in least)


@pytest.mark.parametrize("name", ["bot", "database", "environment", "vault"])
def test_diagnostics_go_to_log_analytics(name: str) -> None:
    logs = module(f"modules/{name}").resource("Microsoft.Insights/diagnosticSettings")
    assert logs["properties"]["logs"] == [{"categoryGroup": "allLogs", "enabled": True}]


# All of it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ALL)
def test_no_output_is_or_holds_a_secret(file: Module) -> None:
    for name, output in file.outputs.items():
        assert not re.search("secret|password|key|connectionstring", name, re.IGNORECASE), name
        assert not re.search(
            r"list(Keys|Secrets|\w*)\(|ConnectionString|InstrumentationKey", json.dumps(output)
        )


@pytest.mark.parametrize("file", ALL)
def test_no_parameter_takes_a_secret(file: Module) -> None:
    """There is none to take. Should one come, it has to be @secure and without a default."""
    for name, parameter in file.parameters.items():
        secure = "secure" in {one["type"] for one in parameter["decorators"]}
        suspicious = re.search(r"password|secret(?!Uri)|connectionstring", name, re.IGNORECASE)
        assert not suspicious or (secure and parameter["default"] is None), name


@pytest.mark.parametrize("file", ALL)
def test_the_same_parameters_make_the_same_deployment(file: Module) -> None:
    code = without_comments(file.text)
    assert not re.search(r"\b(utcNow|newGuid|dateTimeAdd|listKeys)\(", code)
    assert "deploymentScripts" not in code


@pytest.mark.parametrize("file", ALL)
def test_every_parameter_is_described_and_used(file: Module) -> None:
    code = without_comments(file.text)
    for name, parameter in file.parameters.items():
        assert decorated(parameter, "description"), name
        assert len(re.findall(rf"\b{name}\b", code)) > 1, f"{name} is not used"


def test_numbers_have_limits() -> None:
    numbers = {name: one for name, one in MAIN.parameters.items() if one["type"] == "int"}
    for name, one in numbers.items():
        low, high = decorated(one, "min_value"), decorated(one, "max_value")
        assert low is not None, name
        assert high is not None, name
        assert low <= one["default"] <= high, name


@pytest.mark.parametrize(
    ("parameter", "setting"),
    [("slaSeconds", "sla_seconds"), ("pollSeconds", "poll_seconds"), ("logLevel", "log_level")],
)
def test_defaults_are_the_bots(parameter: str, setting: str) -> None:
    assert MAIN.parameters[parameter]["default"] == Settings.model_fields[setting].default


@pytest.mark.parametrize("file", ALL)
def test_modules_are_given_what_they_take_and_give_what_is_asked_of_them(file: Module) -> None:
    for name, called, given in file.calls():
        required = {one for one, parameter in called.parameters.items() if parameter["default"] is None}
        assert required <= set(given), f"{name} lacks {required - set(given)}"
        assert set(given) <= set(called.parameters), (
            f"{name} does not know {set(given) - set(called.parameters)}"
        )
        used = set(re.findall(rf"\b{name}!?\.outputs\.(\w+)", file.text))
        assert used <= set(called.outputs), f"{name} does not give {used - set(called.outputs)}"


def test_the_example_gives_every_required_parameter_and_no_unknown_one() -> None:
    example = (INFRA / "main.bicepparam").read_text(encoding="utf-8")
    given = set(re.findall(r"^param (\w+) =", example, re.MULTILINE))
    required = {name for name, one in MAIN.parameters.items() if one["default"] is None}
    assert example.index("using 'main.bicep'") >= 0
    assert required <= given <= set(MAIN.parameters)


def test_the_graph_extension_is_pinned_and_every_file_that_needs_it_says_so() -> None:
    config = json.loads((INFRA / "bicepconfig.json").read_text(encoding="utf-8"))
    assert re.search(r"/v1\.0:\d+\.\d+\.\d+$", config["extensions"]["microsoftGraphV1"])
    for file in modules():
        assert ("Microsoft.Graph/" in file.text) == ("microsoftGraphV1" in file.tree.get("extensions", {}))


def test_the_table_of_parameters_is_up_to_date() -> None:
    assert parameters.current() == parameters.table(), "run: make docs"


def test_the_settings_file_is_mounted_where_the_image_looks_for_it() -> None:
    final = dockerfile.read().final
    assert f"mountPath: '{final.one('WORKDIR')}'" in CONTAINER.text
    assert Settings.model_config["toml_file"] == "secondkey.toml"
    assert "path: 'secondkey.toml'" in CONTAINER.text

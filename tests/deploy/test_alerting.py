"""From the bot's metrics to somebody who is told: the collector, where it writes to, and the rules."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from deploy import dockerfile
from deploy.bicep import INFRA, arguments, decorated, module
from deploy.dockerfile import ROOT

from bot.settings import PREFIX, Settings

MAIN, CONTAINER, METRICS, ALERTS = (
    module(name) for name in ("main", "modules/container", "modules/metrics", "modules/alerts")
)
COLLECTOR = INFRA / "collector"
CONFIG: dict[str, Any] = yaml.safe_load((COLLECTOR / "config.yaml").read_text(encoding="utf-8"))
FILE = dockerfile.read(COLLECTOR / "Dockerfile")
RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "docs" / "alerts.yaml").read_text(encoding="utf-8"))[
    "groups"
][0]["rules"]
GIVEN = {name: given for name, _, given in MAIN.calls()}

TEMPLATE = CONTAINER.resource("Microsoft.App/containerApps")["properties"]["template"]
BESIDE = arguments(TEMPLATE["containers"], "concat")
(BOT,) = BESIDE["arg_1"]
CHOICE = BESIDE["arg_2"]["operator"]["operands"]
(SIDECAR,) = CHOICE["false_value"]
ENV = {one["name"]: one["value"] for one in SIDECAR["env"]}


def accessed(value: Any) -> str:
    """``a.b`` of a parsed ``a.b``."""
    operands = value["operator"]["operands"]
    return f"{operands['operand_1']}.{operands['operand_2']}"


# The collector -----------------------------------------------------------------------------


def test_each_replica_has_a_collector_unless_it_is_switched_off() -> None:
    assert MAIN.parameters["alerting"]["default"] is True
    assert (arguments(CHOICE["condition"], "empty"), CHOICE["true_value"]) == (
        {"item_to_test": "collectorImage"},
        [],
    )
    for line in (
        "collectorImage: alerting ? '${registryAccess.outputs.loginServer}/${collectorImage}' : ''",
        "module metrics 'modules/metrics.bicep' = if (alerting) {",
        "module alerts 'modules/alerts.bicep' = if (alerting && runBot) {",
    ):
        assert line in MAIN.text


def test_it_reads_the_port_that_the_bot_is_given() -> None:
    settings = GIVEN["container"]["settings"]
    assert "metrics_port" in Settings.model_fields
    assert settings["METRICS_PORT"] == "checkedMetricsPort"
    assert accessed(ENV[f"{PREFIX}METRICS_PORT"]) == "settings.METRICS_PORT"
    (scraped,) = CONFIG["receivers"]["prometheus"]["config"]["scrape_configs"]
    (target,) = scraped["static_configs"]
    assert target["targets"] == [f"127.0.0.1:${{env:{PREFIX}METRICS_PORT}}"]
    assert scraped.get("metrics_path", "/metrics") == "/metrics"


def test_nobody_else_reaches_the_metrics() -> None:
    assert GIVEN["container"]["settings"]["METRICS_HOST"] == Settings.model_fields["metrics_host"].default
    assert GIVEN["container"]["settings"]["METRICS_HOST"] == "127.0.0.1"


def test_the_metrics_port_is_refused_where_it_would_be_the_bots_or_none_with_alerting() -> None:
    port = MAIN.tree["variables"]["port"]["value"]
    assert port == Settings.model_fields["port"].default != MAIN.parameters["metricsPort"]["default"]
    for line in (
        r"var freeMetricsPort = metricsPort == port \? fail\('[^']+'\) : shownMetricsPort",
        r"var checkedMetricsPort = alerting && metricsPort == 0 \? fail\('[^']+'\) : freeMetricsPort",
    ):
        assert re.search(line, MAIN.text)


def test_replicas_do_not_overwrite_each_others_figures() -> None:
    (scraped,) = CONFIG["receivers"]["prometheus"]["config"]["scrape_configs"]
    (target,) = scraped["static_configs"]
    assert target["labels"] == {"instance": "${env:CONTAINER_APP_REPLICA_NAME}"}


def test_what_is_configured_is_used_and_what_is_used_is_configured() -> None:
    (pipeline,) = CONFIG["service"]["pipelines"].values()
    assert pipeline["receivers"] == list(CONFIG["receivers"])
    assert pipeline["exporters"] == list(CONFIG["exporters"])
    assert CONFIG["service"]["extensions"] == list(CONFIG["extensions"])
    (exporter,) = CONFIG["exporters"].values()
    assert [exporter["auth"]["authenticator"]] == list(CONFIG["extensions"])
    assert set(CONFIG) == {"receivers", "exporters", "extensions", "service"}


def test_it_has_the_variables_that_its_configuration_names_and_no_idle_ones() -> None:
    named = set(re.findall(r"\$\{env:(\w+)\}", json.dumps(CONFIG)))
    assert named == {*ENV, "CONTAINER_APP_REPLICA_NAME"} - {"GOMEMLIMIT"}
    assert not re.search(r"\$(?!\{env:\w+\})", json.dumps(CONFIG)), "the collector would fill it in"


def test_names_arrive_as_the_rules_have_them() -> None:
    (exporter,) = CONFIG["exporters"].values()
    assert exporter["translation_strategy"] == "UnderscoreEscapingWithoutSuffixes"


def test_it_writes_as_the_identity_by_its_own_rule() -> None:
    (extension,) = CONFIG["extensions"].values()
    assert extension == {
        "managed_identity": {"client_id": "${env:IDENTITY_CLIENT_ID}"},
        "scopes": ["${env:METRICS_SCOPE}"],
    }
    assert (ENV["IDENTITY_CLIENT_ID"], ENV["METRICS_URL"], ENV["METRICS_SCOPE"]) == (
        "identityClientId",
        "metricsUrl",
        "metricsScope",
    )
    for line in (
        "metricsUrl: alerting ? metrics!.outputs.writeUrl : ''",
        "metricsScope: metricsScopes[cloud]",
        "identityClientId: identity.outputs.clientId",
    ):
        assert line in MAIN.text
    for scope in MAIN.tree["variables"]["metricsScopes"]["value"].values():
        assert re.fullmatch(r"https://monitor\.azure\.(com|us|cn)/\.default", scope)


def test_it_listens_to_nobody_and_holds_no_secret() -> None:
    assert CONFIG["service"]["telemetry"]["metrics"] == {"level": "none"}
    assert not re.search(r"secret|password|bearer|0\.0\.0\.0", json.dumps(CONFIG), re.IGNORECASE)
    assert not [one for one in SIDECAR["env"] if "secretRef" in one]


def test_the_containers_together_are_a_size_that_container_apps_has() -> None:
    """0.25 cores and 0.5 GiB, and so on up to 4 cores: twice as many GiB as cores."""
    both = [BOT["resources"], SIDECAR["resources"]]
    for containers in (both[:1], both):
        cores = sum(float(arguments(one["cpu"], "json")["arg_1"]) for one in containers)
        memory = sum(float(one["memory"].removesuffix("Gi")) for one in containers)
        assert memory == 2 * cores
        assert (cores * 4).is_integer()


def test_the_collector_may_use_less_memory_than_its_container_has() -> None:
    limit = int(ENV["GOMEMLIMIT"].removesuffix("MiB"))
    assert limit < float(SIDECAR["resources"]["memory"].removesuffix("Gi")) * 1024


def test_the_bot_does_not_depend_on_its_collector() -> None:
    assert "probes" not in SIDECAR


def test_its_image_is_one_release_runs_as_no_root_and_comes_from_the_own_registry() -> None:
    assert re.fullmatch(
        r"otel/opentelemetry-collector-contrib:0\.\d+\.\d+", FILE.arguments["COLLECTOR_IMAGE"]
    )
    assert FILE.final.base == "${COLLECTOR_IMAGE}"
    assert FILE.final.one("USER") == "10001:10001"
    assert not FILE.final.all("RUN")
    (copied,) = FILE.final.all("COPY")
    source, target = copied.split()
    assert (COLLECTOR / source).is_file()
    assert FILE.final.words("CMD") == ["--config", target]
    assert SIDECAR["image"] == "collectorImage"
    name, _, tag = MAIN.parameters["collectorImage"]["default"].partition(":")
    setup = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8")
    assert re.search(
        rf"az acr build [^\n]*--image {name}:{re.escape(tag)} (\\\n +)?infra/collector$", setup, re.MULTILINE
    )


# Where the metrics go ----------------------------------------------------------------------


def test_metrics_flow_from_the_collector_to_the_workspace() -> None:
    rule = METRICS.resource("Microsoft.Insights/dataCollectionRules")["properties"]
    (source,) = rule["dataSources"]["prometheusForwarder"]
    (destination,) = rule["destinations"]["monitoringAccounts"]
    assert rule["dataFlows"] == [{"streams": source["streams"], "destinations": [destination["name"]]}]
    assert accessed(destination["accountResourceId"]) == "workspace.id"
    assert accessed(rule["dataCollectionEndpointId"]) == "endpoint.id"
    assert METRICS.tree["variables"]["stream"]["value"] == "Microsoft-PrometheusMetrics"


def test_they_are_written_by_that_rule_over_https() -> None:
    url = METRICS.outputs["writeUrl"]["value"]
    assert url.startswith("${endpoint.properties.metricsIngestion.endpoint}/")
    assert "/dataCollectionRules/${rule.properties.immutableId}/streams/${stream}/api/v1/write?" in url
    assert CONFIG["exporters"]["prometheus_remote_write"]["endpoint"] == "${env:METRICS_URL}"
    assert "tls" not in CONFIG["exporters"]["prometheus_remote_write"]


def test_the_identity_may_write_by_that_rule_and_do_nothing_else_there() -> None:
    role = METRICS.resource("Microsoft.Authorization/roleAssignments")
    assert role["scope"] == "rule"
    assert "3913510d-42f4-4e42-8a64-420c390055eb" in json.dumps(role["properties"]["roleDefinitionId"])
    assert role["properties"]["principalId"] == "writerPrincipalId"
    assert "writerPrincipalId: identity.outputs.principalId" in MAIN.text


# Who is told -------------------------------------------------------------------------------

GROUPS = ALERTS.resources("Microsoft.AlertsManagement/prometheusRuleGroups")


def test_azures_rules_are_those_of_the_page() -> None:
    assert "var rules = any(loadYamlContent('../../docs/alerts.yaml')).groups[0].rules\n" in ALERTS.text
    for line in (
        "alert: rule.alert\n",
        "expression: rule.expr\n",
        "labels: rule.labels\n",
        "for: 'PT${toUpper(rule.for)}' ",
        "severity: severities[rule.labels.severity]\n",
        "runbook: 'docs/operations.md#${toLower(rule.alert)}'\n",
    ):
        assert ALERTS.text.count(line) == 1
    assert set().union(*RULES) == {"alert", "expr", "for", "labels", "annotations"}, "the Bicep knows no more"


@pytest.mark.parametrize("severity", ["page", "ticket"])
def test_a_group_has_as_many_rules_as_azure_takes(severity: str) -> None:
    assert 1 <= len([rule for rule in RULES if rule["labels"]["severity"] == severity]) <= 20


def test_every_rule_is_in_a_group() -> None:
    levels = ALERTS.tree["variables"]["severities"]["value"]
    assert all(0 <= one <= 4 for one in levels.values())
    assert {rule["labels"]["severity"] for rule in RULES} == set(levels)
    chosen = re.findall(
        r"rules: filter\(azureRules, rule => rule\.labels\.severity == '(\w+)'\)", ALERTS.text
    )
    assert sorted(chosen) == sorted(levels)
    assert len(GROUPS) == len(levels)


@pytest.mark.parametrize("rule", [pytest.param(one, id=one["alert"]) for one in RULES])
def test_a_rule_is_one_that_azure_takes(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"[1-9]\d*[mh]", rule.get("for", "1m")), "PT and the same in capitals is its ISO 8601"
    assert "\n" not in rule["expr"]
    assert all(isinstance(value, str) for part in ("labels", "annotations") for value in rule[part].values())
    runbooks = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"### {rule['alert']}\n" in runbooks


@pytest.mark.parametrize("group", GROUPS.values(), ids=list(GROUPS))
def test_rules_are_tried_every_minute_on_the_workspace_and_tell(group: dict[str, Any]) -> None:
    properties = group["properties"]
    assert (properties["enabled"], properties["interval"], properties["scopes"]) == (
        True,
        "PT1M",
        ["workspaceId"],
    )
    assert "workspaceId: metrics!.outputs.workspaceId" in MAIN.text
    assert re.search(r"actions: map\(concat\(\[\s+mail\.id\s+\], actionGroupIds\)", ALERTS.text)


def test_mail_goes_to_whom_the_deployment_names() -> None:
    mail = ALERTS.resource("Microsoft.Insights/actionGroups")
    receivers = mail["properties"]["emailReceivers"]
    assert receivers["loop_type"]["detail"]["array_name"] == "emails"
    assert receivers["config"]["emailAddress"] == "address"
    assert mail["location"] == "global"
    assert GIVEN["alerts"]["emails"] == "alertEmails"
    assert GIVEN["alerts"]["actionGroupIds"] == "alertActionGroupIds"
    example = (INFRA / "main.bicepparam").read_text(encoding="utf-8")
    assert "param alertEmails = [" in example


def test_short_names_are_as_short_as_azure_wants_them() -> None:
    mail = ALERTS.resource("Microsoft.Insights/actionGroups")["properties"]
    assert arguments(mail["groupShortName"], "take")["number_to_take"] == 12
    assert decorated(MAIN.parameters["name"], "max_length") == 16


def test_an_absent_bot_is_no_alert_before_it_is_to_be_there() -> None:
    assert GIVEN["alerts"]
    called = MAIN.tree["modules"]["alerts"]["config"]["config"]
    assert called["dependsOn"] == ["container"]

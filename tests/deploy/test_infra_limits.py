"""What Azure takes, and in which order."""

from __future__ import annotations

import re

from deploy.bicep import arguments, decorated, module
from deploy.dockerfile import ROOT

from bot.store.opening import POOL

MAIN = module("main")
APP = module("modules/container").resource("Microsoft.App/containerApps")["properties"]
(IMAGE,) = arguments(APP["template"]["containers"], "concat")["arg_1"]


def test_probes_keep_to_what_container_apps_takes() -> None:
    """The bounds of its API, which are narrower than Kubernetes'."""
    bounds = {"failureThreshold": 10, "successThreshold": 10, "periodSeconds": 240, "timeoutSeconds": 240}
    for probe in IMAGE["probes"]:
        numbers = {name: value for name, value in probe.items() if name not in {"type", "httpGet"}}
        assert {"failureThreshold", "periodSeconds", "timeoutSeconds"} <= set(numbers) <= set(bounds)
        for name, value in numbers.items():
            assert 1 <= value <= bounds[name], (probe["type"], name)


def test_the_bot_has_two_minutes_to_bring_the_schema_up_to_date() -> None:
    (probe,) = (one for one in IMAGE["probes"] if one["type"] == "Startup")
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 120


def test_the_database_server_changes_one_thing_at_a_time_in_an_order_that_works() -> None:
    """An administrator of a server that is only just there is refused now and then."""
    made = module("modules/database")
    changes = {name: one for name, one in made.resources().items() if one.get("parent") == "server"}
    order: list[str] = []
    while following := [
        name for name, one in changes.items() if one.get("dependsOn", []) == order[-1:] and name not in order
    ]:
        order += following
    assert order == ["tlsOnly", "tlsVersion", "throttling", "administrator", "fromAzure"]
    assert set(order) == set(changes)


# Each default of Azure Database for PostgreSQL's page on limits, without the 15 that it keeps to itself.
USER_CONNECTIONS = {"Standard_B1ms": 35, "Standard_B2s": 414, "Standard_B2ms": 844}
FOR_PEOPLE = 10
"""Left for the doctor, a backup and whoever looks."""


def test_the_database_has_connections_for_as_many_replicas_as_there_may_be_old_and_new() -> None:
    replicas = decorated(MAIN.parameters["maxReplicas"], "max_value")
    assert decorated(MAIN.parameters["minReplicas"], "max_value") <= replicas
    needed = replicas * sum(POOL.values()) * 2 + FOR_PEOPLE
    assert needed <= USER_CONNECTIONS[MAIN.parameters["databaseSku"]["default"]]


def test_the_pages_name_as_many_connections_as_a_replica_takes() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    said = re.findall(r"(?:replica\s+takes|Each takes) up to (\d+)", operations)
    said += re.findall(
        r"Each replica takes up to (\d+)", decorated(MAIN.parameters["databaseSku"], "description")
    )
    assert said == [str(sum(POOL.values()))] * 3

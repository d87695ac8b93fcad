"""What Azure takes, and in which order."""

from __future__ import annotations

from deploy.bicep import arguments, module

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
    """An administrator of a server that is only just there is refused now and then; a database that is
    there before the administrator belongs to Azure's own `azuresu`.
    """
    made = module("modules/database")
    changes = {name: one for name, one in made.resources().items() if one.get("parent") == "server"}
    order: list[str] = []
    while following := [
        name for name, one in changes.items() if one.get("dependsOn", []) == order[-1:] and name not in order
    ]:
        order += following
    assert order == ["tlsOnly", "tlsVersion", "throttling", "administrator", "database", "fromAzure"]
    assert set(order) == set(changes)

"""The lines of Bicep that make Azure's rules of docs/alerts.yaml, run."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from deploy.bicep import module, without_comments
from deploy.dockerfile import ROOT

ALERTS = module("modules/alerts")
RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "docs" / "alerts.yaml").read_text(encoding="utf-8"))[
    "groups"
][0]["rules"]


def in_python(bicep: str) -> str:
    """They differ in the lambda's arrow, interpolation, properties, the conditional, and in that a line's
    end parts what an object or array holds.
    """
    text = re.sub(r"(\w+) => ", r"lambda \1: ", bicep)
    text = re.sub(r"'([^'$]*)\$\{([^}]*)\}'", r"('\1' + \2)", text)
    text = re.sub(
        r"\b(rule|mail)((?:\.\w+)+)", lambda m: m[1] + "".join(f"[{p!r}]" for p in m[2][1:].split(".")), text
    )
    text = re.sub(r"^(\s*)(\w+): ", r"\1'\2': ", text, flags=re.MULTILINE)
    text = re.sub(r"(contains\([^)]*\)) \? (\{.*?\}) : (\{\})", r"(\2 if \1 else \3)", text, flags=re.DOTALL)
    return re.sub(r"(?<![\[{(,])\s*\n(?!\s*[\]})])", ",\n", text.strip())


def made() -> dict[str, dict[str, Any]]:
    (bicep,) = re.findall(
        r"^var azureRules = (.*?)^resource ", without_comments(ALERTS.text), re.MULTILINE | re.DOTALL
    )
    names: dict[str, Any] = {
        "true": True,
        "map": lambda items, each: [each(item) for item in items],
        "union": lambda one, other: one | other,
        "concat": lambda one, other: one + other,
        "contains": lambda container, name: name in container,
        "toLower": str.lower,
        "toUpper": str.upper,
        "rules": RULES,
        "severities": ALERTS.tree["variables"]["severities"]["value"],
        "mail": {"id": "MAIL"},
        "actionGroupIds": ["PAGER"],
    }
    rules = eval(in_python(bicep), names)  # noqa: S307 - our own file
    return {one["alert"]: one for one in rules}


MADE = made()


def test_every_rule_is_made_once_and_in_order() -> None:
    assert list(MADE) == [rule["alert"] for rule in RULES]


def test_a_rule_is_made_whole() -> None:
    assert MADE["SecondKeyDown"] == {
        "alert": "SecondKeyDown",
        "expression": "absent(secondkey_info)",
        "enabled": True,
        "for": "PT2M",
        "severity": 1,
        "labels": {"severity": "page"},
        "annotations": {
            "summary": "No replica of Second Key is there to be scraped.",
            "runbook": "docs/operations.md#secondkeydown",
        },
        "resolveConfiguration": {"autoResolved": True, "timeToResolve": "PT10M"},
        "actions": [{"actionGroupId": "MAIL"}, {"actionGroupId": "PAGER"}],
    }


@pytest.mark.parametrize("rule", [pytest.param(one, id=one["alert"]) for one in RULES])
def test_what_the_page_says_of_a_rule_is_what_azure_gets(rule: dict[str, Any]) -> None:
    one = MADE[rule["alert"]]
    assert one["expression"] == rule["expr"]
    assert one.get("for") == (f"PT{rule['for'].upper()}" if "for" in rule else None)
    assert one["severity"] == {"page": 1, "ticket": 2}[rule["labels"]["severity"]]
    assert one["annotations"].items() >= rule["annotations"].items()

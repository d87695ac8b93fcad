"""What is generated from the permissions table: tables for people, data for the infrastructure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from bot import sso
from bot.graph.graph_call import Feature, GraphCall, Kind
from bot.graph.permissions import CALLS, GRAPH_APP_ID, WITHOUT, asked, calls_of


def readme_table() -> str:
    """Each permission, its kind, and what it is for."""
    rows = ["| permission | kind | for |", "|---|---|---|"]
    for kind, permission, calls in _permissions():
        only = "" if _always(calls) else f" ({calls[0].feature.label})"
        rows.append(f"| `{permission}` | {kind.value}{only} | {_why(calls)} |")
    return "\n".join(rows)


def plain() -> str:
    """For a terminal."""
    lines: list[str] = []
    for kind, permission, calls in _permissions():
        only = "" if _always(calls) else f", {calls[0].feature.label}"
        lines += [f"{permission} ({kind.value}{only})", f"  {_why(calls)}"]
    return "\n".join(lines)


def permissions_table() -> str:
    """Each permission with what else would do, and what breaks without it."""
    rows = ["| permission | kind | asked for | instead | without it |", "|---|---|---|---|---|"]
    for kind, permission, calls in _permissions():
        when = "always" if _always(calls) else f"not by default: {calls[0].feature.label}"
        instead = " or ".join(_instead(calls)) or "nothing else"
        rows.append(
            f"| `{permission}` | {kind.value} | {when} | {instead} | {WITHOUT[kind][permission]} |",
        )
    return "\n".join(rows)


def calls_table() -> str:
    """Every call with what it needs, why, and where that is known from."""
    rows = ["| call | as | needs | feature | for | source |", "|---|---|---|---|---|---|"]
    rows += [
        f"| `{call.method} /{call.version}/{call.path}` | {call.kind.value} | {_needs(call)}"
        f" | {call.feature.label} | {call.why} | {call.source} |"
        for call in CALLS
    ]
    return "\n".join(rows)


def features_table() -> str:
    """What the features are."""
    rows = ["| feature | asked for by default | what it is |", "|---|---|---|"]
    used = {call.feature for call in CALLS}
    rows += [f"| {f.label} | {'yes' if f.asked else 'no'} | {f.meaning} |" for f in Feature if f in used]
    return "\n".join(rows)


def bicep_lists() -> str:
    """What the app registration asks for, as two variables of the infrastructure."""
    return "\n\n".join(
        "\n".join([f"var {kind.value} = [", *(f"  '{permission}'" for permission in asked(kind)), "]"])
        for kind in (Kind.APPLICATION, Kind.DELEGATED)
    )


def as_json() -> str:
    """For scripts, and for whoever wants to compare with what a tenant has granted."""
    return json.dumps(
        {
            "resource_app_id": GRAPH_APP_ID,
            "connection_scopes": sso.connection_scopes("{client_id}"),
            "asked": {kind.value: asked(kind) for kind in Kind},
            "by_feature": {f.label: {kind.value: asked(kind, [f]) for kind in Kind} for f in Feature},
            "calls": [_row(call) for call in CALLS],
        },
        indent=2,
    )


def _row(call: GraphCall) -> dict[str, object]:
    return {
        "method": call.method,
        "version": call.version,
        "path": call.path,
        "kind": call.kind.value,
        "needs": call.needs,
        "feature": call.feature.label,
        "why": call.why,
        "source": call.source,
    }


def _permissions() -> Iterable[tuple[Kind, str, list[GraphCall]]]:
    """Those always asked for first."""
    found = [
        (kind, permission, list(calls_of(permission, kind)))
        for kind in Kind
        for permission in asked(kind, Feature)
    ]
    return sorted(found, key=lambda one: (not _always(one[2]), one[0] is Kind.DELEGATED))


def _always(calls: Iterable[GraphCall]) -> bool:
    return any(call.feature.asked for call in calls)


def _why(calls: Iterable[GraphCall]) -> str:
    return "; ".join(dict.fromkeys(call.why for call in calls))


def _instead(calls: list[GraphCall]) -> list[str]:
    """What would do in the place of the preferred permissions for all of the calls."""
    first, *others = [[" and ".join(f"`{one}`" for one in need) for need in call.needs[1:]] for call in calls]
    return [alternative for alternative in first if all(alternative in other for other in others)]


def _needs(call: GraphCall) -> str:
    return ", or ".join(" and ".join(f"`{one}`" for one in need) for need in call.needs)

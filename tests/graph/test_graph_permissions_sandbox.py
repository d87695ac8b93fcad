"""The permissions table, row by row, against what the sandbox accepts: an independent witness."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from sandbox.graph_house import House, house

from bot.graph.graph_call import GraphCall, Kind
from bot.graph.permissions import CALLS

NOBODY = "00000000-0000-4000-8000-000000000000"
UNCHECKED = {"subscriptions/{subscription}"}
"""Of a subscription there once is, the sandbox asks no permission again."""
BODIES = {
    "subscriptions": {
        "resource": f"users/{NOBODY}/mailFolders('inbox')/messages",
        "changeType": "created",
        "notificationUrl": "http://127.0.0.1:9/",
        "expirationDateTime": "2026-01-01T00:00:00Z",
    }
}


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


async def status_with(at: House, call: GraphCall, granted: Iterable[str]) -> int:
    """What the sandbox answers to such a call, for things that there are not, with these permissions."""
    at.world.app_roles = at.world.delegated_scopes = set(granted)
    token = at.app() if call.kind is Kind.APPLICATION else at.on_behalf_of("alex")
    path = f"/{call.version}/" + re.sub(r"\{.*?\}", NOBODY, call.path)
    path += f"?$filter=scopeId eq '{NOBODY}' and {call.only}" if call.only else ""
    body = None if call.method == "GET" else BODIES.get(call.path, {})
    return (await at.call(call.method, path, token, json=body)).status


def named(call: GraphCall) -> str:
    return f"{call.kind.value} {call.method} {call.path}"


async def test_each_alternative_of_each_row_is_enough(at: House) -> None:
    refused = [
        (named(call), need)
        for call in CALLS
        for need in call.needs
        if await status_with(at, call, need) in {401, 403, 405}
    ]
    assert refused == []


async def test_each_call_is_refused_without_any_permission(at: House) -> None:
    checked = [call for call in CALLS if call.path not in UNCHECKED]
    assert [named(call) for call in checked if await status_with(at, call, ()) != 403] == []


async def test_where_several_are_named_together_each_is_needed(at: House) -> None:
    idle = [
        (named(call), one)
        for call in CALLS
        for need in call.needs
        if len(need) > 1
        for one in need
        if await status_with(at, call, set(need) - {one}) != 403
    ]
    assert idle == []

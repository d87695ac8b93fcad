"""(f) What the verdict on one click costs in a large tenant, and how many requests to Graph."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Final

import aiohttp

from bot.clock import SystemClock
from bot.demo.processes import DemoError
from bot.demo.remote import Remote
from bot.domain import separation
from bot.domain.model import (
    ApprovalRequest,
    Danger,
    Identity,
    Person,
    Pool,
    PoolMember,
    Role,
    SlaPlan,
)
from bot.graph.adapters import open_graph
from bot.graph.config import ClientSecret, GraphConfig
from bot.ports import Directory
from bot.service.facts import FactsReader
from tests.bench.figures import Row, spread

_MOST_COLD: Final = 6
_PATIENCE: Final = 120.0


@dataclass(slots=True)
class Cost:
    milliseconds: list[float]
    requests: list[int]


async def measure(*, rows: int, groups: int, clicks: int) -> list[Row]:
    """Raises ``DemoError``."""
    async with _crowd(rows, groups) as at, aiohttp.ClientSession() as session:
        remote, clock = Remote(session, at["http"]), SystemClock()
        async with open_graph(_config(at), clock) as graph:
            await graph.tokens.token(_config(at).graph_scope)
            crowded = await _cold(remote, graph.directory, at, at["crowded"], clicks)
            lonely = await _cold(remote, graph.directory, at, at["lonely"], clicks)
            kept = FactsReader(graph.directory, clock)
            await _click(remote, kept, at, at["crowded"])
            cached = _of([await _click(remote, kept, at, at["crowded"]) for _ in range(clicks)])
    tenant = f"{rows:,} eligibility rows, {groups:,} groups"
    return [
        _row(f"(f) verdict on a click, {tenant}", crowded, _MOST_COLD),
        _row("(f) the same, a role that no group has", lonely, _MOST_COLD),
        _row("(f) the same, again within ten seconds", cached, 0),
    ]


async def _cold(remote: Remote, directory: Directory, at: Mapping[str, str], role: str, clicks: int) -> Cost:
    clock = SystemClock()
    return _of([await _click(remote, FactsReader(directory, clock), at, role) for _ in range(clicks)])


async def _click(remote: Remote, facts: FactsReader, at: Mapping[str, str], role: str) -> tuple[float, int]:
    """Milliseconds and requests of one verdict, which has to be that the approver may decide."""
    who = Identity(at["tenant"], at["approver"])
    request = _request(who, role)
    since = await remote.position()
    began = perf_counter()
    verdict = separation.judge(who, request, await facts.live(role, who), separation.Rules(at["tenant"]))
    took = (perf_counter() - began) * 1000
    if not isinstance(verdict, separation.Allowed):
        raise DemoError(f"the approver was refused: {verdict}")
    lines = (await remote.get("log", since=since))["lines"]
    sent = [one for one in lines if one["service"] == "graph" and not one.get("batched")]
    return took, len(sent)


def _request(approver: Identity, role: str) -> ApprovalRequest:
    now = datetime.now(UTC)  # noqa: TID251 - shown to nobody
    requester = Person(Identity(approver.tenant_id, "requester"), "Requester")
    return ApprovalRequest(
        id="r",
        tenant_id=approver.tenant_id,
        approval_id="r",
        action="selfActivate",
        requester=requester,
        role=Role(role, "Role", Danger.HIGH),
        scope="/",
        justification="",
        ticket=None,
        duration=None,
        starts_at=None,
        requested_at=now,
        expires_at=now + timedelta(hours=24),
        pool=Pool((PoolMember(Person(approver, "Approver")),)),
        sla=SlaPlan((timedelta(minutes=5),)),
    )


def _of(clicks: list[tuple[float, int]]) -> Cost:
    return Cost([took for took, _ in clicks], [sent for _, sent in clicks])


def _row(what: str, cost: Cost, most: int) -> Row:
    worst = max(cost.requests)
    noun = "request" if worst == 1 else "requests"
    shown = f"{worst} {noun} to Graph; {spread(cost.milliseconds)} ({len(cost.requests)} clicks)"
    aim = f"at most {most} requests" if most else "no request"
    return Row(what, shown, aim, met=worst <= most, must=True)


def _config(at: Mapping[str, str]) -> GraphConfig:
    return GraphConfig(
        tenant_id=at["tenant"],
        client_id=at["client"],
        credential=ClientSecret(at["secret"]),
        login_url=at["login"],
        graph_url=at["http"],
        graph_scope=f"{at['http']}/.default",
        notification_url=f"{at['http']}/api/notifications",
        lifecycle_url=f"{at['http']}/api/lifecycle",
        redirect_uri=f"{at['http']}/signin/callback",
        api_scope=f"api://{at['client']}/.default",
        ca_bundle=Path(at["ca"]),
    )


@asynccontextmanager
async def _crowd(rows: int, groups: int) -> AsyncIterator[Mapping[str, str]]:
    command = ["-m", "tests.bench.crowd", "--rows", str(rows), "--groups", str(groups)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdin=pipe, stdout=pipe)
    if process.stdin is None or process.stdout is None:
        raise DemoError("the large tenant has no pipes")
    try:
        async with asyncio.timeout(_PATIENCE):
            line = await process.stdout.readline()
        if not line:
            raise DemoError("the large tenant did not start")
        yield json.loads(line)
    finally:
        process.stdin.close()
        await process.wait()

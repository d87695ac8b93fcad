"""A healthy tenant in a box with a bot beside it, to break things in and to be mended afterwards."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from sqlalchemy import text

from bot.bootstrap import open_house
from bot.clock import SystemClock
from bot.demo.processes import _free_port
from bot.doctor.findings import Finding, Result, Severity
from bot.doctor.registry import CHECKS
from bot.doctor.running import run_all
from bot.doctor.tools import open_tools
from bot.sandbox.server import Sandbox, running
from bot.sandbox.teams_state import TeamsState
from bot.sandbox.world import Fault
from bot.settings import Settings
from bot.store import open_store

_RESTORED = (
    "tenant",
    "app_roles",
    "client_secret",
    "offset",
    "users",
    "client_certificates",
    "delegated_scopes",
    "consented",
)


@dataclass
class Clinic:
    """``env`` are the bot's settings, all lower case and without the prefix."""

    sandbox: Sandbox
    env: dict[str, Any]
    directory: Path
    results: tuple[Result, ...] = field(default=())

    @property
    def world(self) -> Any:
        return self.sandbox.world

    @property
    def teams(self) -> TeamsState:
        return TeamsState.of(self.world)

    def user(self, key: str) -> str:
        return str(self.world.user(key).object_id)

    def policy(self, role: str) -> Any:
        return self.world.tenant.policies[self.world.tenant.role(role).id]

    def group(self, name: str) -> str:
        return next(str(one.id) for one in self.world.tenant.groups.values() if one.display_name == name)

    def group_policy(self, name: str, access: str = "member") -> Any:
        return self.world.tenant.group_policies[self.group(name), access]

    def fault(self, service: str, match: str, **how: Any) -> None:
        made = Fault(id=self.world.new_id(), service=service, match=match, times=None, **how)
        self.world.faults[made.id] = made

    async def examine(self, *, person: str | None = None, **changes: Any) -> tuple[Result, ...]:
        """Every check, with these settings changed; None takes one away. ``person``: object id of whoever
        delegated permissions are tried as.
        """
        wanted = {name: value for name, value in {**self.env, **changes}.items() if value is not None}
        async with open_tools(Settings(**wanted), person=person) as tools:
            self.results = await run_all(CHECKS, tools, lambda *_: None)
        return self.results

    def codes(self, least: Severity = Severity.WARNING) -> set[str]:
        """Of what was found that is at least so bad."""
        return {finding.code for finding in self.findings() if finding.severity >= least}

    def findings(self, code: str | None = None) -> list[Finding]:
        found = [finding for result in self.results for finding in result.findings]
        return [finding for finding in found if code in {None, finding.code}]

    @contextmanager
    def mended_afterwards(self) -> Iterator[None]:
        before = {name: copy.deepcopy(getattr(self.world, name)) for name in _RESTORED if name != "users"}
        before["users"] = dict(self.world.users)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self.world, name, value)
            self.world.faults.clear()
            self.teams.uninstalled.clear()
            self.teams.signed_in.clear()
            self.teams.mixed_up.clear()
            self.teams.connection = "graph"


@asynccontextmanager
async def open_clinic(directory: Path) -> AsyncIterator[Clinic]:
    port = _free_port()
    async with running(directory, profile="healthy") as sandbox:
        variables = {
            **sandbox.env,
            "SECONDKEY_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "SECONDKEY_DATABASE_URL": f"sqlite+aiosqlite:///{directory / 'secondkey.db'}",
        }
        env = {name.removeprefix("SECONDKEY_").lower(): value for name, value in variables.items()}
        async with open_house(Settings(**env)) as house:
            server = web.AppRunner(house.app, access_log=None)
            await server.setup()
            await web.TCPSite(server, "127.0.0.1", port).start()
            async with house.working():
                await _ready(f"http://127.0.0.1:{port}")
                yield Clinic(sandbox, env, directory)
            await server.cleanup()


async def _ready(url: str) -> None:
    """Ready, and its first subscription made."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            async with session.get(f"{url}/readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.05)


async def a_database(clinic: Clinic, name: str, *statements: str) -> str:
    url = f"sqlite+aiosqlite:///{clinic.directory / name}.db"
    store = await open_store(url, SystemClock())
    async with store._session() as session:
        for statement in statements:
            await session.execute(text(statement))
    await store.close()
    return url

"""A sandbox and a bot, each a process of its own, as `secondkey demo` starts them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from bot.demo.processes import stage
from bot.demo.town import Town, edited, in_channel, shown
from bot.graph.graph_call import Feature, Kind
from bot.graph.permissions import asked

__all__ = ["SETTINGS", "Town", "a_day_later", "edited", "in_channel", "shown"]

SETTINGS = {"SECONDKEY_POLL_SECONDS": "1"}


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with _opened(tmp_path) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lasting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """One town for all stories of a module that leave it as they found it; see ``a_day_later``."""
    async with _opened(tmp_path_factory.mktemp("lasting")) as made:
        yield made


async def a_day_later(town: Town) -> None:
    """No fault is left, no activation is held, and nothing that was read before counts."""
    await town.remote.delete("faults")
    await town.remote.post("clock/advance", {"seconds": 24 * 3600})


@asynccontextmanager
async def _opened(directory: Path) -> AsyncIterator[Town]:
    async with stage(directory, SETTINGS) as set_up:
        made = Town.of(set_up)
        await grant(made)
        await made.open()
        yield made
        log = set_up.bot.log.read_text(encoding="utf-8", errors="replace")
        assert "graph_call_not_in_table" not in log, "the bot's log says which row of the table is missing"


async def grant(town: Town) -> None:
    """The bot has to do with what the permissions table asks for, in every story."""
    features = [feature for feature in Feature if feature.asked or feature is Feature.SUBSCRIPTIONS]
    granted = {"app_roles": Kind.APPLICATION, "delegated_scopes": Kind.DELEGATED}
    body = {name: list(asked(kind, features)) for name, kind in granted.items()}
    async with town.stage.session.patch(f"{town.remote.base}/_sandbox/world", json=body) as answer:
        assert answer.status == 200

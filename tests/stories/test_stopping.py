"""Told to stop while it has its hands full: over within ten seconds, and another takes up what is left."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from stories.conftest import SETTINGS, Town, in_channel, shown
from stories.test_sign_in import browse, link_of, sso

from bot.demo.processes import Bot, DemoError, _free_port, stage
from bot.demo.remote import words
from bot.store.opening import parse_url

WITHIN = 10.0


@pytest_asyncio.fixture
async def busy_town(tmp_path: Path, pg_url: str) -> AsyncIterator[Town]:
    """A bot on PostgreSQL, so that a second one can take over."""
    async with stage(tmp_path, {**SETTINGS, "SECONDKEY_DATABASE_URL": pg_url}) as set_up:
        made = Town.of(set_up)
        await made.open()
        yield made


@contextlib.asynccontextmanager
async def another(town: Town) -> AsyncIterator[Bot]:
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    env = {**town.bot.env, "SECONDKEY_PORT": str(port), "SECONDKEY_PUBLIC_URL": url}
    bot = Bot(env, town.stage.directory / "another.log", url)
    await bot.start(town.stage.session)
    try:
        yield bot
    finally:
        await bot.stop()


async def leased(pg_url: str) -> list[str]:
    engine = create_async_engine(parse_url(pg_url))
    try:
        async with engine.connect() as connection:
            rows = await connection.execute(text("SELECT key FROM effects WHERE lease_owner IS NOT NULL"))
            return [str(row[0]) for row in rows]
    finally:
        await engine.dispose()


async def stopped(bot: Bot, code: int = 0) -> float:
    began = time.monotonic()
    await bot.stop()
    took = time.monotonic() - began
    assert bot.process is not None
    assert bot.process.returncode == code, bot.log.read_text(errors="replace")[-2000:]
    return took


@pytest.mark.long
async def test_a_decision_in_flight_is_finished_and_effects_in_hand_are_given_back(
    busy_town: Town, pg_url: str
) -> None:
    town = busy_town
    decided, card = await town.ask()
    # Cards that Teams is slow to take, longer than stopping may last, and a decision Graph is slow with.
    await town.fault("connector", "POST /connector/v3/conversations", delay_seconds=30, times=4)
    slow = await town.fault("graph", "PATCH ", delay_seconds=3)
    others = [
        str((await town.remote.post("portal/activate", wish))["id"])
        for wish in (
            {"user": user, "role": role, "duration": "PT1H", "justification": "because", "ticket": "INC2"}
            for user, role in (("casey", "Security Administrator"), ("blake", "Security Administrator"))
        )
    ]
    clicking = asyncio.create_task(town.click("alex", card))
    await town.fault_met(slow)
    async with asyncio.timeout(10):
        while not {f"card.sync:{one}" for one in others} <= set(await leased(pg_url)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    took = await stopped(town.bot)

    assert took < WITHIN
    assert "you approved" in shown(await clicking).lower()
    assert await leased(pg_url) == []
    await (await town.stage.session.delete(f"{town.remote.base}/_sandbox/faults")).release()
    since = await town.remote.position()
    async with another(town):
        posted = [await town.remote.until("a card", in_channel("approvers"), since) for _ in others]
        await town.card_says(card, "Approved", town.name_of("alex"))
    assert len(posted) == len(others)
    assert (await town.graph(decided))["approval"]["reviewedBy"]["id"] == town.id_of("alex")
    assert [p["status"] for p in await town.patches(decided)] == [204]


@pytest.mark.long
async def test_a_sign_in_that_has_come_back_carries_out_what_it_was_for(town: Town) -> None:
    await sso(town, "off")
    await town.remote.post("teams/signout", {"user": "alex"})
    request, card = await town.ask()
    link = link_of(await town.click("alex", card))
    slow = await town.fault("graph", "PATCH ", delay_seconds=3)
    browsing = asyncio.create_task(browse(town, "alex", link))
    await town.fault_met(slow)

    assert await stopped(town.bot) < WITHIN

    page = await browsing
    assert (page["status"], "you approved this request" in page["text"]) == (200, True), page["text"]
    assert [p["status"] for p in await town.patches(request)] == [204]


@pytest.mark.long
async def test_a_decision_that_outlasts_stopping_is_settled_by_whoever_goes_on(busy_town: Town) -> None:
    town = busy_town
    request, card = await town.ask()
    lost = await town.fault("graph", "PATCH ", after=True, delay_seconds=30)
    clicking = asyncio.create_task(town.click("alex", card))
    await town.fault_met(lost)

    assert await stopped(town.bot) < WITHIN

    with contextlib.suppress(DemoError, aiohttp.ClientError):
        await clicking
    async with another(town):
        await town.card_says(card, "Approved", town.name_of("alex"), patience=45)
    assert "Approved" in words(await town.remote.card(card))
    assert len(await town.patches(request)) <= 1


@pytest.mark.long
async def test_a_database_that_hangs_does_not_keep_it_from_stopping(busy_town: Town, pg_url: str) -> None:
    engine = create_async_engine(parse_url(pg_url))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("LOCK TABLE effects IN ACCESS EXCLUSIVE MODE"))
            await asyncio.sleep(1)
            # There is nothing to wait for: what is written down bears being cut off.
            assert await stopped(busy_town.bot, code=1) < WITHIN
    finally:
        await engine.dispose()

"""A sandbox and a bot, each a process of its own, as `secondkey demo` starts them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest_asyncio

from bot.demo.processes import Bot, Stage, stage
from bot.demo.remote import Json, Remote, words

SETTINGS = {"SECONDKEY_POLL_SECONDS": "1"}


@dataclass(slots=True)
class Town:
    """Everything a story needs a hand on."""

    stage: Stage
    remote: Remote

    @property
    def bot(self) -> Bot:
        return self.stage.bot

    def id_of(self, user: str) -> str:
        return str(self.stage.sandbox["users"][user]["id"])

    def name_of(self, user: str) -> str:
        return str(self.stage.sandbox["users"][user]["name"])

    async def open(self) -> None:
        await self.bot.start(self.stage.session)
        await self.remote.post("teams/connect", {"messaging_endpoint": f"{self.bot.url}/api/messages"})
        await self.remote.post("teams/install")

    async def ask(self, role: str = "Security Administrator", user: str = "riley") -> tuple[str, str]:
        """A request in the portal. Returns its id and its card's activity id."""
        since = await self.remote.position()
        wish = {"user": user, "role": role, "duration": "PT1H", "justification": "because", "ticket": "INC1"}
        request = (await self.remote.post("portal/activate", wish))["id"]
        posted = await self.remote.until("the card", in_channel("approvers"), since)
        return str(request), str(posted["activity_id"])

    async def click(self, user: str, card: str, verb: str = "approve", reason: str = "checked") -> Json:
        deed = {"user": user, "activity_id": card, "verb": verb, "inputs": {"reason": reason}}
        return await self.remote.post("teams/click", deed)

    async def graph(self, request: str) -> Json:
        return await self.remote.get(f"requests/{request}")

    async def fault(self, service: str, match: str, **how: Any) -> str:
        fault = await self.remote.post("faults", {"service": service, "match": match, **how})
        return str(fault["id"])

    async def fault_met(self, fault: str) -> None:
        """Return once a request has run into a one-time fault: it is in flight now."""
        while any(one["id"] == fault for one in (await self.remote.get("faults"))["faults"]):  # noqa: ASYNC110 (of another process: no event to wait for)
            await asyncio.sleep(0.01)

    async def patches(self, request: str) -> list[Json]:
        lines = (await self.remote.get("log", since=0))["lines"]
        return [one for one in lines if one.get("method") == "PATCH" and request in one.get("path", "")]

    async def card_says(self, card: str, *wanted: str, patience: float = 15.0) -> str:
        """Wait until everybody's card says all of it."""
        said = ""
        async with asyncio.timeout(patience):
            while not all(one in said for one in wanted):
                since = await self.remote.position()
                said = words(await self.remote.card(card))
                if not all(one in said for one in wanted):
                    await self.remote.get("log", since=since, wait=0.5)
        return said


def in_channel(key: str) -> Any:
    return lambda line: line["event"] == "card_posted" and line.get("channel") == key


def edited(card: str) -> Any:
    return lambda line: line["event"] == "card_edited" and line.get("activity_id") == card


def shown(answer: Json) -> str:
    """What the card that answered a click says."""
    assert (answer["status"], answer["shown"]) == (200, "card"), answer
    return words(answer["body"]["value"])


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with stage(tmp_path, SETTINGS) as set_up:
        made = Town(set_up, Remote(set_up.session, set_up.sandbox["http"]))
        await made.open()
        yield made

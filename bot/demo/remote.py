"""The sandbox's remote control: the portal, the people in Teams, the clock, the log."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from bot.demo.processes import DemoError

Json = dict[str, Any]
Matches = Callable[[Json], bool]
"""Whether a log line is the one that is waited for."""

_LOCAL: Final = re.compile(r"\{\{(DATE|TIME)\(([^,)]*?)Z?(?:,[^)]*)?\)\}\}")
"""A time that a Teams client would show in the reader's own time zone."""
_PATIENCE: Final = 15.0
"""Seconds of real time that anything in the story may take to happen."""


@dataclass(frozen=True, slots=True)
class Remote:
    """``base``: the sandbox's HTTP address."""

    session: aiohttp.ClientSession
    base: str

    async def get(self, path: str, **query: str | float) -> Json:
        """Raises ``DemoError``."""
        async with self.session.get(f"{self.base}/_sandbox/{path}", params=query) as answer:
            return await _json(answer)

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Raises ``DemoError``."""
        async with self.session.post(f"{self.base}/_sandbox/{path}", json=dict(body or {})) as answer:
            return await _json(answer)

    async def patch(self, path: str, body: Mapping[str, Any]) -> Json:
        """Raises ``DemoError``."""
        async with self.session.patch(f"{self.base}/_sandbox/{path}", json=dict(body)) as answer:
            return await _json(answer)

    async def delete(self, path: str) -> Json:
        """Raises ``DemoError``."""
        async with self.session.delete(f"{self.base}/_sandbox/{path}") as answer:
            return await _json(answer)

    async def position(self) -> int:
        """Where the log ends now."""
        return int((await self.get("log", since=1_000_000_000))["next"])

    async def until(self, what: str, matches: Matches, since: int = 0, patience: float = _PATIENCE) -> Json:
        """The first log line after ``since`` that matches. Raises ``DemoError``, which says
        ``what`` did not happen.
        """
        clock = asyncio.get_running_loop().time
        ends = clock() + patience
        while (left := ends - clock()) > 0:
            seen = await self.get("log", since=since, wait=round(left, 2))
            for line in seen["lines"]:
                if matches(line):
                    return dict(line)
            since = seen["next"]
        raise DemoError(f"{what} did not happen within {patience:.0f} s")

    async def card(self, activity_id: str, user: str | None = None) -> Json:
        """The card of an activity, as everybody or as one user sees it."""
        if user is not None:
            return dict((await self.get("teams/views", user=user, activity_id=activity_id))["card"])
        return dict((await self.activity(activity_id))["card"])

    async def activity(self, activity_id: str) -> Json:
        """A message in any conversation, as everybody in it sees it. Raises ``DemoError``."""
        for one in (await self.get("teams/activities"))["activities"]:
            if one["id"] == activity_id:
                return dict(one)
        raise DemoError(f"there is no activity {activity_id}")


async def _json(answer: aiohttp.ClientResponse) -> Json:
    body = await answer.text()
    if answer.status >= 400:  # noqa: PLR2004 (client and server errors)
        raise DemoError(f"{answer.method} {answer.url.path}: {answer.status} {body[:300]}")
    return dict(json.loads(body or "{}"))


def words(card: Mapping[str, Any]) -> str:
    """Everything a reader of a card sees, in one string."""
    found: list[str] = []

    def visit(node: Any) -> None:
        if isinstance(node, Mapping):
            found.extend(
                str(node[key]) for key in ("text", "title", "value") if isinstance(node.get(key), str)
            )
            for value in node.values():
                visit(value)
        elif isinstance(node, list):
            for one in node:
                visit(one)

    visit(card.get("body", []))
    visit(card.get("actions", []))
    return _LOCAL.sub(r"\2 UTC", " ".join(found)).replace("  ", " ")


def brief(text: str, characters: int = 160) -> str:
    """The beginning of a text, cut between words."""
    if len(text) <= characters:
        return text
    return text[:characters].rsplit(" ", 1)[0] + " …"

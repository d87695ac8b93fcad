"""A stage with hands: people ask, click and look, and what came of it is read back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.demo.processes import Bot, DemoError, Stage
from bot.demo.remote import Json, Matches, Remote, words

_OK = 200


def must(holds: object, otherwise: str) -> None:
    """Raises ``DemoError``."""
    if not holds:
        raise DemoError(otherwise)


@dataclass(slots=True)
class Town:
    """Everything a story needs a hand on."""

    stage: Stage
    remote: Remote

    @classmethod
    def of(cls, stage: Stage) -> Town:
        """With the remote control of the stage's own sandbox."""
        return cls(stage, Remote(stage.session, stage.sandbox["http"]))

    @property
    def bot(self) -> Bot:
        return self.stage.bot

    @property
    def tenant(self) -> str:
        return str(self.stage.sandbox["env"]["SECONDKEY_TENANT_ID"])

    @property
    def people(self) -> Iterable[str]:
        """The keys of the tenant's users."""
        return self.stage.sandbox["users"].keys()  # type: ignore[no-any-return]

    def id_of(self, user: str) -> str:
        return str(self.stage.sandbox["users"][user]["id"])

    def name_of(self, user: str) -> str:
        return str(self.stage.sandbox["users"][user]["name"])

    async def open(self) -> float:
        """The bot starts, and is installed in both channels. Returns the seconds the start took."""
        seconds = await self.bot.start(self.stage.session)
        await self.remote.post("teams/connect", {"messaging_endpoint": f"{self.bot.url}/api/messages"})
        sent = (await self.remote.post("teams/install"))["sent"]
        must(all(one["status"] < 300 for one in sent), f"the bot refused to be installed: {sent}")  # noqa: PLR2004
        return seconds

    async def decide_in_portal(self, user: str, request: str, result: str, why: str) -> None:
        """``result`` is ``Approve`` or ``Deny``, as Graph has it."""
        deed = {"user": user, "request": request, "result": result, "justification": why}
        await self.remote.post("portal/decide", deed)

    async def ask(
        self,
        role: str = "Security Administrator",
        user: str = "riley",
        *,
        duration: str = "PT1H",
        why: str = "because",
        ticket: str = "INC1",
        scope: str = "/",
        group: str | None = None,
    ) -> tuple[str, str]:
        """A request in the portal, for a role or for membership of a group. Returns its id and its card's
        activity id.
        """
        since = await self.remote.position()
        target = {"role": role, "scope": scope} if group is None else {"group": group}
        wish = {"user": user, **target, "duration": duration, "justification": why, "ticket": ticket}
        request = (await self.remote.post("portal/activate", wish))["id"]
        posted = await self.remote.until("the card", in_channel("approvers"), since)
        return str(request), str(posted["activity_id"])

    async def click(
        self, user: str, card: str, verb: str = "approve", reason: str = "checked", **how: Any
    ) -> Json:
        """Press a button of a card, as the client allows it. ``how``: see the sandbox's ``click``."""
        deed = {"user": user, "activity_id": card, "verb": verb, "typed": reason, **how}
        return await self.remote.post("teams/click", deed)

    async def graph(self, request: str) -> Json:
        """The request and its approval, as Graph has them."""
        return await self.remote.get(f"requests/{request}")

    async def fault(self, service: str, match: str, **how: Any) -> str:
        """Have something go wrong; returns the fault's id."""
        fault = await self.remote.post("faults", {"service": service, "match": match, **how})
        return str(fault["id"])

    async def fault_met(self, fault: str) -> None:
        """Return once a request has run into a one-time fault: it is in flight now."""
        while any(one["id"] == fault for one in (await self.remote.get("faults"))["faults"]):  # noqa: ASYNC110 (of another process: no event to wait for)
            await asyncio.sleep(0.01)

    async def patches(self, request: str) -> list[Json]:
        """Every PATCH of the request's approval that reached Graph."""
        lines = (await self.remote.get("log", since=0))["lines"]
        return [one for one in lines if one.get("method") == "PATCH" and request in one.get("path", "")]

    async def card_says(self, card: str, *wanted: str, patience: float = 15.0) -> str:
        """Wait until everybody's card says all of it. Raises ``DemoError``."""
        said = ""
        try:
            async with asyncio.timeout(patience):
                while not all(one in said for one in wanted):
                    since = await self.remote.position()
                    said = words(await self.remote.card(card))
                    if not all(one in said for one in wanted):
                        await self.remote.get("log", since=since, wait=0.5)
        except TimeoutError as error:
            missing = [one for one in wanted if one not in said]
            raise DemoError(f"the card does not say {missing}: {said}") from error
        return said


def in_channel(key: str) -> Matches:
    """A card was posted there."""
    return lambda line: line["event"] == "card_posted" and line.get("channel") == key


def edited(card: str) -> Matches:
    """That card was edited."""
    return lambda line: line["event"] == "card_edited" and line.get("activity_id") == card


def shown(answer: Json) -> str:
    """What the card that answered a click says. Raises ``DemoError`` when no card did."""
    must(answer["status"] == _OK and answer["shown"] == "card", f"the bot answered {answer}")
    return words(answer["body"]["value"])

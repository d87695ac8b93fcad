"""The story: a request becomes a card, a click becomes a recorded decision, silence a ping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.demo.remote import brief, words
from bot.demo.telling import Teller, step
from bot.demo.town import Town, edited, in_channel, must, shown

_FIVE_MINUTES = 300


@dataclass(slots=True)
class Story:
    """Plays on a stage whose sandbox is running; starts the bot itself."""

    town: Town
    teller: Teller

    async def play(self) -> None:
        """Every step in turn. Raises ``DemoError`` at the first that did not happen."""
        await self.open_up()
        request, card = await self.ask("Security Administrator", "PT2H", "Phishing wave", "INC0012345")
        await self.refuse("blake", request, card, "is eligible for the role")
        await self.refuse("casey", request, card, "is eligible through a group")
        await self.approve("alex", request, card)
        _, left_alone = await self.ask("Exchange Administrator", "PT1H", "Mail flow is down", "INC0012346")
        await self.leave_alone(left_alone)

    async def open_up(self) -> None:
        """The bot starts, and is installed in both channels."""
        async with step(self.teller, "bot-ready", "The bot starts and is ready") as facts:
            facts["seconds_to_ready"] = round(await self.town.open(), 2)
            facts["bot"] = self.town.bot.url

    async def ask(self, role: str, duration: str, why: str, ticket: str) -> tuple[str, str]:
        """A request in the portal becomes a card. Returns the request's id and the card's."""
        title = f"Riley asks for {role} in the portal: a card appears in the approver channel"
        async with step(self.teller, "card-appears", title) as facts:
            request, card = await self.town.ask(role, duration=duration, why=why, ticket=ticket)
            facts["request"] = request
            facts["card_says"] = brief(words(await self.town.remote.card(card)))
        return request, card

    async def refuse(self, user: str, request: str, card: str, why: str) -> None:
        """A conflicted approver clicks Approve and is told why not."""
        name = self.town.name_of(user)
        title = f"{name} clicks Approve, and {why}: refused"
        async with step(self.teller, "conflict-refused", title) as facts:
            said = shown(await self.town.click(user, card, reason="Looks fine to me"))
            must("eligible" in said.lower(), f"the refusal does not say why: {said}")
            graph = await self.town.graph(request)
            must(graph["status"].startswith("Pending"), f"Graph says {graph['status']}")
            facts["told"] = brief(said)
            facts["graph_says"] = graph["status"]

    async def approve(self, user: str, request: str, card: str) -> None:
        """An approver without a conflict clicks; Graph has it, and everyone's card says so."""
        name, since = self.town.name_of(user), await self.town.remote.position()
        async with step(self.teller, "approved", f"{name} clicks Approve") as facts:
            said = shown(await self.town.click(user, card, reason="Checked with the SOC"))
            facts["told"] = brief(said)
        title = f"Graph shows it as {name}'s, by {name}'s own token"
        async with step(self.teller, "graph-recorded", title) as facts:
            await self._recorded(user, request, since, facts)
        async with step(self.teller, "cards-follow", "Everyone's card says so") as facts:
            await self.town.remote.until("the edit", edited(card), since)
            said = words(await self.town.remote.card(card))
            must(name in said and "Approved" in said, f"the card says: {said}")
            facts["card_says"] = brief(said)

    async def _recorded(self, user: str, request: str, since: int, facts: dict[str, Any]) -> None:
        graph = await self.town.graph(request)
        reviewer = (graph["approval"] or {}).get("reviewedBy") or {}
        who = self.town.id_of(user)
        must(reviewer.get("id") == who, f"reviewedBy is {reviewer}")
        patch = await self.town.remote.until("the PATCH", lambda line: line.get("method") == "PATCH", since)
        must(patch["token"]["oid"] == who, f"the PATCH carried the token of {patch['token']}")
        facts["reviewed_by"] = f"{reviewer.get('displayName')} ({who})"
        facts["patch"] = f"{patch['path']} -> {patch['status']}, token oid {patch['token']['oid']}"

    async def leave_alone(self, card: str) -> None:
        """Nobody answers, the clock moves five minutes, ops are pinged."""
        since = await self.town.remote.position()
        title = "Nobody answers; the clock moves five minutes: ops are pinged"
        async with step(self.teller, "ops-pinged", title) as facts:
            await self.town.remote.post("clock/advance", {"seconds": _FIVE_MINUTES})
            posted = await self.town.remote.until("the ping", in_channel("ops"), since)
            facts["ops_read"] = brief(words(await self.town.remote.card(posted["activity_id"])))
        async with step(self.teller, "card-shows-breach", "The card itself says that it is late") as facts:
            await self.town.remote.until("the edit", edited(card), since)
            facts["card_says"] = brief(words(await self.town.remote.card(card)))

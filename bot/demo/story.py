"""The story: a request becomes a card, a click becomes a recorded decision, silence a ping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.demo.processes import DemoError, Stage
from bot.demo.remote import Json, Matches, Remote, brief, words
from bot.demo.telling import Teller, step

_FIVE_MINUTES = 300


def _must(holds: object, otherwise: str) -> None:
    if not holds:
        raise DemoError(otherwise)


@dataclass(slots=True)
class Story:
    """Plays on a stage whose sandbox is running; starts the bot itself."""

    stage: Stage
    remote: Remote
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
            facts["seconds_to_ready"] = round(await self.stage.bot.start(self.stage.session), 2)
            facts["bot"] = self.stage.bot.url
            await self.remote.post(
                "teams/connect", {"messaging_endpoint": f"{self.stage.bot.url}/api/messages"}
            )
            sent = (await self.remote.post("teams/install"))["sent"]
            _must(all(one["status"] < 300 for one in sent), f"the bot refused to be installed: {sent}")  # noqa: PLR2004

    async def ask(self, role: str, duration: str, why: str, ticket: str) -> tuple[str, str]:
        """A request in the portal becomes a card. Returns the request's id and the card's."""
        title = f"Riley asks for {role} in the portal: a card appears in the approver channel"
        async with step(self.teller, "card-appears", title) as facts:
            since = await self.remote.position()
            wish = {"user": "riley", "role": role, "duration": duration}
            wish |= {"justification": why, "ticket": ticket}
            request = (await self.remote.post("portal/activate", wish))["id"]
            posted = await self.remote.until("the card", _posted_in("approvers"), since)
            facts["request"] = request
            facts["card_says"] = brief(words(await self.remote.card(posted["activity_id"])))
        return request, posted["activity_id"]

    async def refuse(self, user: str, request: str, card: str, why: str) -> None:
        """A conflicted approver clicks Approve and is told why not."""
        name = self._name(user)
        title = f"{name} clicks Approve, and {why}: refused"
        async with step(self.teller, "conflict-refused", title) as facts:
            answer = await self._click(user, card, "approve", "Looks fine to me")
            said = words(answer["body"]["value"])
            _must("eligible" in said.lower(), f"the refusal does not say why: {said}")
            graph = await self.remote.get(f"requests/{request}")
            _must(graph["status"].startswith("Pending"), f"Graph says {graph['status']}")
            facts["told"] = brief(said)
            facts["graph_says"] = graph["status"]

    async def approve(self, user: str, request: str, card: str) -> None:
        """An approver without a conflict clicks; Graph has it, and everyone's card says so."""
        name, since = self._name(user), await self.remote.position()
        async with step(self.teller, "approved", f"{name} clicks Approve") as facts:
            answer = await self._click(user, card, "approve", "Checked with the SOC")
            facts["told"] = brief(words(answer["body"]["value"]))
        title = f"Graph shows it as {name}'s, by {name}'s own token"
        async with step(self.teller, "graph-recorded", title) as facts:
            await self._recorded(user, request, since, facts)
        async with step(self.teller, "cards-follow", "Everyone's card says so") as facts:
            await self.remote.until("the edit", _edited(card), since)
            said = words(await self.remote.card(card))
            _must(name in said and "Approved" in said, f"the card says: {said}")
            facts["card_says"] = brief(said)

    async def _recorded(self, user: str, request: str, since: int, facts: dict[str, Any]) -> None:
        graph = await self.remote.get(f"requests/{request}")
        reviewer = (graph["approval"] or {}).get("reviewedBy") or {}
        who = self.stage.sandbox["users"][user]["id"]
        _must(reviewer.get("id") == who, f"reviewedBy is {reviewer}")
        patch = await self.remote.until("the PATCH", lambda line: line.get("method") == "PATCH", since)
        _must(patch["token"]["oid"] == who, f"the PATCH carried the token of {patch['token']}")
        facts["reviewed_by"] = f"{reviewer.get('displayName')} ({who})"
        facts["patch"] = f"{patch['path']} -> {patch['status']}, token oid {patch['token']['oid']}"

    async def leave_alone(self, card: str) -> None:
        """Nobody answers, the clock moves five minutes, ops are pinged."""
        since = await self.remote.position()
        title = "Nobody answers; the clock moves five minutes: ops are pinged"
        async with step(self.teller, "ops-pinged", title) as facts:
            await self.remote.post("clock/advance", {"seconds": _FIVE_MINUTES})
            posted = await self.remote.until("the ping", _posted_in("ops"), since)
            facts["ops_read"] = brief(words(await self.remote.card(posted["activity_id"])))
        async with step(self.teller, "card-shows-breach", "The card itself says that it is late") as facts:
            await self.remote.until("the edit", _edited(card), since)
            facts["card_says"] = brief(words(await self.remote.card(card)))

    async def _click(self, user: str, card: str, verb: str, reason: str) -> Json:
        deed = {"user": user, "activity_id": card, "verb": verb, "inputs": {"reason": reason}}
        answer = await self.remote.post("teams/click", deed)
        _must(answer["status"] == 200 and answer["shown"] == "card", f"the bot answered {answer}")  # noqa: PLR2004
        return answer

    def _name(self, user: str) -> str:
        return str(self.stage.sandbox["users"][user]["name"])


def _posted_in(channel: str) -> Matches:
    return lambda line: line["event"] == "card_posted" and line.get("channel") == channel


def _edited(activity_id: str) -> Matches:
    return lambda line: line["event"] == "card_edited" and line.get("activity_id") == activity_id

"""What a case is played with: deeds as steps, and the audit trail as the last one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from bot import auditing
from bot.demo.processes import DemoError
from bot.demo.remote import Json, brief, words
from bot.demo.telling import Facts, Teller, step
from bot.demo.town import Town, in_channel, must, shown
from bot.ports import AuditEntry
from bot.store.reading import AuditReader

FACTS_AGE: Final = 10.0
"""Seconds: what a click is judged on is never older."""
_OF_THE_HOUSE: Final = frozenset({"decision.released", "decision.vote-dropped"})
"""What Second Key does by itself."""
_BY_TOKEN: Final = frozenset({"decision.claimed", "decision.vote-counted"})
"""What somebody decided, by their own token."""
_PATIENCE: Final = 15.0
ROLE: Final = "Security Administrator"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and the card it got."""

    id: str
    card: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line that the audit trail must have."""

    event: str
    who: str | None = None
    """A user's key; None: Second Key itself."""
    as_whom: str | None = None
    """Whose token was used."""
    rule: str | None = None
    """A rule that was relied on, or by whose reason it was refused."""
    judged: bool = False
    """Whether it tells what was read, when, and that it was fresh."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Further facts, by name."""


@dataclass(slots=True)
class Scene:
    """One case's hands on the town. What it changes is put back when it is over."""

    town: Town
    teller: Teller
    log: AuditReader
    undo: AsyncExitStack

    # Steps ----------------------------------------------------------------------------------

    @asynccontextmanager
    async def step(self, name: str, title: str) -> AsyncIterator[Facts]:
        async with step(self.teller, name, title) as facts:
            yield facts

    async def ask(self, role: str = ROLE, user: str = "riley", **wish: str) -> Asked:
        title = f"{self.name(user)} asks for {role}: a card appears in the approver channel"
        async with self.step("asked", title) as facts:
            asked = Asked(*await self.town.ask(role, user, **wish))
            facts["request"] = asked.id
        return asked

    async def told(
        self, user: str, asked: Asked, *says: str, verb: str = "approve", reason: str = "checked", **how: Any
    ) -> str:
        """A click, and what its answer must say."""
        async with self.step("clicked", f"{self.name(user)} clicks {verb.capitalize()}") as facts:
            said = shown(await self.town.click(user, asked.card, verb, reason, **how))
            must_say(said, *says)
            facts["told"] = around(said, says[0])
        return said

    async def stale(self, user: str, asked: Asked, *says: str, verb: str = "approve") -> None:
        """A click by a client that still shows the card as it was."""
        title = f"{self.name(user)}, whose client still shows the buttons, clicks {verb.capitalize()}"
        async with self.step("clicked", title) as facts:
            said = shown(await self.forge(user, asked, verb=verb))
            must_say(said, *says)
            facts["told"] = around(said, says[0])

    async def refused(self, user: str, asked: Asked, *says: str, **how: Any) -> None:
        """A click that is refused, and leaves the request as it was."""
        await self.told(user, asked, "Nothing was sent to PIM", *says, force=True, **how)
        await self.pending(asked)

    async def decided(self, user: str, asked: Asked, verb: str = "approve", reason: str = "checked") -> None:
        """A click that is recorded, in Graph and on everybody's card."""
        past = "approved" if verb == "approve" else "denied"
        await self.told(user, asked, f"Recorded: you {past}", verb=verb, reason=reason)
        await self.recorded(user, asked, past)

    async def recorded(self, user: str, asked: Asked, past: str) -> None:
        title = f"Graph has one decision, {self.name(user)}'s, and everybody's card says so"
        async with self.step("recorded", title) as facts:
            reviewer = ((await self.town.graph(asked.id))["approval"] or {}).get("reviewedBy") or {}
            must(reviewer.get("id") == self.town.id_of(user), f"reviewedBy is {reviewer}")
            taken = [one for one in await self.town.patches(asked.id) if one["status"] == 204]  # noqa: PLR2004
            must(len(taken) <= 1, f"Graph took {len(taken)} decisions")
            said = await self.town.card_says(asked.card, past.capitalize(), self.name(user))
            facts["card_says"] = brief(said, 80)
            facts["token_oid"] = [one["token"]["oid"] for one in taken]

    async def pending(self, asked: Asked) -> None:
        """Graph has heard nothing."""
        async with self.step("untouched", "Graph has it pending, and no decision was sent") as facts:
            status = (await self.town.graph(asked.id))["status"]
            must(status.startswith("Pending"), f"Graph says {status}")
            sent = await self.town.patches(asked.id)
            must(not sent, f"{len(sent)} decisions were sent")
            facts["graph_says"] = status

    async def closed(self, asked: Asked, *says: str) -> None:
        """Everybody's card says how it ended."""
        async with self.step("card-follows", "Everybody's card says so") as facts:
            facts["card_says"] = brief(await self.town.card_says(asked.card, *says), 80)

    async def ops_read(self, since: int, *says: str) -> str:
        """Ops are told, in their own channel."""
        async with self.step("ops-told", "Ops read it in their channel") as facts:
            posted = await self.town.remote.until("the ping", in_channel("ops"), since)
            said = words(await self.town.remote.card(posted["activity_id"]))
            must_say(said, *says)
            facts["ops_read"] = brief(said)
        return said

    async def later(self, seconds: float, why: str) -> None:
        async with self.step("later", f"{seconds:g} seconds later: {why}"):
            await self.town.remote.post("clock/advance", {"seconds": seconds})

    async def change(self, title: str, deed: Callable[[], Awaitable[Any]]) -> Any:
        """Something happens in the tenant."""
        async with self.step("meanwhile", title):
            return await deed()

    async def forge(
        self,
        user: str,
        asked: Asked,
        *,
        verb: str = "approve",
        action_verb: str | None = None,
        on_card: bool = True,
        tenant: str | None = None,
        channel_tenant: str | None = None,
        **data: Any,
    ) -> Json:
        """A click as the channel would bring it, but of our own making: with ``data`` in place of the
        card's own, or out of another tenant. Also for a client that still shows an old card.
        """
        card = await self.town.remote.activity(asked.card)
        sent = {"request": asked.id, "verb": verb, "reason": "checked", **data}
        action = {"type": "Action.Execute", "verb": action_verb or verb, "data": sent}
        activity: Json = {
            "type": "invoke",
            "name": "adaptiveCard/action",
            **dict.fromkeys(("text", "textFormat", "attachments")),
            "replyToId": asked.card,
            "conversation": {"id": card["conversation_id"]},
            "value": {"action": action, "trigger": "manual"},
        }
        if not on_card:
            activity["replyToId"] = None
        if tenant is not None:
            activity["conversation"]["tenantId"] = tenant
        if channel_tenant or tenant:
            activity["channelData"] = {"tenant": {"id": channel_tenant or tenant}}
        wish = {"user": user, "channel": "approvers", "activity": activity}
        answer = await self.town.remote.post("teams/raw", wish)
        return {**answer, "shown": "card" if _is_card(answer) else "error"}

    # The audit trail ------------------------------------------------------------------------

    async def audited(self, asked: Asked, *lines: Line, also: tuple[Line, ...] = ()) -> None:
        """The trail has these lines, in this order, and the others somewhere; every decision in it
        tells enough.
        """
        title = "The audit log tells who, as whom, on which facts and under which rule"
        async with self.step("audited", title) as facts:
            trail = await self._trail(asked.id, lines, also)
            for entry in trail:
                _check_complete(entry)
            facts["as_shown_by"] = f"secondkey audit {asked.id}"
        self.teller.trail(trail, self.names)

    async def noted(self, *lines: Line) -> None:
        """The newest of the log has these lines, which are about no request."""
        async with self.step("audited", "The audit log tells who did what, and under which rule"):
            newest = await self.log.newest(20)
            missing = self._first_missing(newest, lines)
            must(missing is None, f"the audit log has no {missing}")
        events = {line.event for line in lines}
        self.teller.trail([one for one in newest if one.event in events], self.names)

    async def _trail(
        self, request: str, lines: tuple[Line, ...], also: tuple[Line, ...]
    ) -> tuple[AuditEntry, ...]:
        missing: Line | None = None
        trail: tuple[AuditEntry, ...] = ()
        for _ in range(int(_PATIENCE / 0.05)):
            trail = await self.log.trail(request)
            alone = (self._first_missing(trail, (line,)) for line in also)
            missing = self._first_missing(trail, lines) or next(filter(None, alone), None)
            if missing is None:
                return trail
            await asyncio.sleep(0.05)
        kept = "\n".join(map(auditing.as_json, trail))
        raise DemoError(f"the audit trail has no {missing}:\n{kept}")

    def _first_missing(self, trail: tuple[AuditEntry, ...], lines: tuple[Line, ...]) -> Line | None:
        left = iter(trail)
        for line in lines:
            if not any(self._is(line, entry) for entry in left):
                return line
        return None

    def _is(self, line: Line, entry: AuditEntry) -> bool:
        facts = entry.facts
        return (
            entry.event == line.event
            and entry.actor == (self.identity(line.who) if line.who else None)
            and (line.as_whom is None or facts.get("token_oid") == self.town.id_of(line.as_whom))
            and (line.rule is None or line.rule in _rules(entry))
            and (not line.judged or _fresh(entry))
            and all(facts.get(name) == value for name, value in line.facts.items())
        )

    # Names ----------------------------------------------------------------------------------

    def name(self, user: str) -> str:
        return self.town.name_of(user)

    @property
    def names(self) -> dict[str, str]:
        """What to call whom the audit log names."""
        return {self.identity(user): self.name(user) for user in self.town.people}

    def identity(self, user: str) -> str:
        return user if "/" in user else f"{self.town.tenant}/{self.town.id_of(user)}"

    # The tenant -----------------------------------------------------------------------------

    async def policy(self, role: str, **change: Any) -> None:
        """Change a role's policy until the case is over. Lists are of users' keys."""
        state = await self.town.remote.get("state")
        definition = next(r["id"] for r in state["roles"] if role in {r["display_name"], r["key"]})
        before = next(p for p in state["policies"] if p["role_id"] == definition)
        self.undo.push_async_callback(
            self.town.remote.patch, f"policies/{definition}", {name: before[name] for name in change}
        )
        await self.town.remote.patch(f"policies/{definition}", change)

    async def eligible(self, user: str, role: str = ROLE, **more: Any) -> Json:
        """Make somebody eligible until the case is over."""
        made = await self.town.remote.post("eligibilities", {"user": user, "role": role, **more})
        self.undo.push_async_callback(self.town.remote.delete, f"eligibilities/{made['id']}")
        return made

    async def fault(self, service: str, match: str, **how: Any) -> str:
        fault = await self.town.fault(service, match, **how)
        self.undo.push_async_callback(self.town.remote.delete, "faults")
        return fault


def _is_card(answer: Json) -> bool:
    value = (answer.get("body") or {}).get("value")
    return isinstance(value, dict) and value.get("type") == "AdaptiveCard"


def must_say(said: str, *wanted: str) -> None:
    """Raises ``DemoError``."""
    for one in wanted:
        must(one.lower() in said.lower(), f"it does not say {one!r}: {said}")


def around(said: str, wanted: str) -> str:
    """A text from where it says what was looked for."""
    return brief(said[max(0, said.lower().find(wanted.lower())) :])


def _rules(entry: AuditEntry) -> list[Any]:
    refusals = [refusal["reason"] for refusal in entry.facts.get("refusals", ())]
    return [*entry.facts.get("rules", ()), *refusals]


def _fresh(entry: AuditEntry) -> bool:
    facts = entry.facts
    age = facts.get("facts_age_seconds")
    return isinstance(age, int | float) and 0 <= age <= FACTS_AGE and bool(facts.get("facts_read"))


def _check_complete(entry: AuditEntry) -> None:
    """Whatever the case is about: a decision tells who, and one that was sent as whom and why."""
    if entry.event.partition(".")[0] != "decision" or entry.event in _OF_THE_HOUSE:
        return
    who = (entry.actor or "/").partition("/")[2]
    must(who or entry.event == "decision.recorded", f"nobody is named: {auditing.as_json(entry)}")
    if entry.event in _BY_TOKEN:
        whole = _fresh(entry) and _rules(entry) and entry.facts.get("token_oid") == who
        must(whole, f"the decision's facts, rules or token are missing: {auditing.as_json(entry)}")
    if entry.event in {"decision.refused", "decision.not-sent"}:
        must(_rules(entry), f"no rule is named: {auditing.as_json(entry)}")

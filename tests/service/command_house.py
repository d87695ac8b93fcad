"""The command desk over fakes, and a person who types."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from fakes.directory import FakeGraph
from fakes.manual_clock import ManualClock
from fakes.memory_store import MemoryStore
from fakes.own_roles import SECURITY, FakeOwnRoles
from fakes.values import NOW, RILEY, TENANT, an_actor, person

from bot.domain.errors import UnavailableError
from bot.domain.following import Activation
from bot.domain.grammar import Options
from bot.domain.model import Actor, Ticket
from bot.domain.picking import Aliases
from bot.domain.replies import FormReply, Reply
from bot.domain.said import Chosen, Filled, Said
from bot.domain.separation import Rules
from bot.service.activating import Activating
from bot.service.asking import Asking
from bot.service.commands import CommandDesk
from bot.service.facts import FactsReader
from bot.service.picker import Picker

BERLIN = ZoneInfo("Europe/Berlin")
"""Where NOW is 10:30."""


@dataclass
class FakeSigningIn:
    asked: list[Actor] = field(default_factory=list)
    forgotten: list[Actor] = field(default_factory=list)
    down: bool = False

    async def sign_in(self, actor: Actor) -> None:
        if self.down:
            raise UnavailableError
        self.asked.append(actor)

    async def sign_out(self, actor: Actor) -> None:
        if self.down:
            raise UnavailableError
        self.forgotten.append(actor)


@dataclass
class CommandHouse:
    per_hour: int = 3
    own: FakeOwnRoles = field(default_factory=FakeOwnRoles)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    graph: FakeGraph = field(default_factory=FakeGraph)
    signing_in: FakeSigningIn = field(default_factory=FakeSigningIn)

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)
        picker = Picker(Aliases({SECURITY.key: ("secadm",)}), Options())
        facts = FactsReader(self.graph, self.clock)
        self.desk = CommandDesk(
            TENANT.upper(),
            self.own,
            Activating(self.own, self.store, self.clock, picker, self.per_hour),
            Asking(self.own, self.store, facts, Rules(TENANT), picker),
            picker,
            self.signing_in,
            self.clock,
        )

    async def say(
        self, text: str, by: str = RILEY, *, chosen: Chosen | None = None, confirmed: bool = False
    ) -> Reply:
        return await self.desk.say(an_actor(by), Said(text, BERLIN, chosen, confirmed))

    async def form(self, text: str = "", chosen: Chosen | None = None) -> FormReply | Reply:
        return await self.desk.form(an_actor(RILEY), Said(text, BERLIN, chosen))

    async def submit(self, **fields: str) -> FormReply | Reply:
        return await self.desk.submit(an_actor(RILEY), Filled(**fields), Said("", BERLIN))

    async def asked_before(self, ago: timedelta, *, here: bool = True, **changes: object) -> None:
        """Riley has asked for a role before."""
        count = len(self.store.state.activations)
        values: dict[str, object] = {
            "request_id": f"r{count}",
            "requester": person(RILEY),
            "key": SECURITY.key,
            "role_name": SECURITY.display_name,
            "scope": "/",
            "reason": "patching",
            "ticket": Ticket("7"),
            "duration": timedelta(hours=2),
            "starts_at": None,
            "asked_at": NOW - ago,
            "channel_user_id": f"29:{RILEY}" if here else None,
        }
        async with self.store.transaction() as tx:
            await tx.add_activation(Activation(**{**values, **changes}))  # type: ignore[arg-type]

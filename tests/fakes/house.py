"""The services joined as ``bot.bootstrap`` joins them, over fakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from fakes.approvals import FakeApprovals
from fakes.channel import FakeChannel
from fakes.directory import FakeGraph, FakeSubscriptions
from fakes.manual_clock import ManualClock
from fakes.memory_store import EffectRow, MemoryStore
from fakes.people import FakeChat, FakeIds, FakeSignIns, FakeUserTokens, token_of
from fakes.values import ALEX, BLAKE, NOW, TENANT, a_pim_request, an_actor

from bot.domain.content import RequestCard
from bot.domain.model import ApprovalRequest, Choice, PimRequest, Role, SlaPlan
from bot.domain.separation import Rules
from bot.ports import AuditEntry, LeasedEffect
from bot.service.announce import Announcer
from bot.service.conduct import Conduct
from bot.service.decide import DECIDE, Decisions, Terms
from bot.service.desk import ApproverDesk, ChannelRegister
from bot.service.escalate import Escalation
from bot.service.facts import FactsReader
from bot.service.forgeries import Forgeries
from bot.service.intake import Intake
from bot.service.reconcile import Reconciler
from bot.service.recover import Recovery
from bot.service.signing_in import SigningIn
from bot.service.subscribe import Subscriber
from bot.service.views import Views
from bot.service.whose import Whose

PORTAL, SIGN_IN = "https://portal.example/pim", "https://bot.example/signin"
APPROVERS, OPS = "19:approvers@thread.tacv2", "19:ops@thread.tacv2"
R1 = "61998d6f-0000-4000-8000-000000000001"
LADDER = SlaPlan((timedelta(minutes=5), timedelta(minutes=15)), timedelta(hours=1))


@dataclass
class FakeHouse:
    """Everything the services need; Alex and Blake are approvers and signed in."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    graph: FakeGraph = field(default_factory=FakeGraph)
    tokens: FakeUserTokens = field(default_factory=FakeUserTokens)
    channel: FakeChannel = field(default_factory=FakeChannel)
    ids: FakeIds = field(default_factory=FakeIds)
    subscriptions: FakeSubscriptions = field(default_factory=FakeSubscriptions)
    rules: Rules = field(default_factory=lambda: Rules(TENANT))
    terms: Terms = field(default_factory=Terms)
    sign_ins: FakeSignIns = field(default_factory=FakeSignIns)
    chat: FakeChat = field(default_factory=FakeChat)
    quorum: int = 1
    quorum_of: Callable[[Role], int] | None = None

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)
        self.approvals = FakeApprovals(self.graph, self.clock)
        for one in (ALEX, BLAKE):
            self.tokens.hold(an_actor(one).channel_user_id, token_of(an_actor(one).identity))
        self.restart()

    def restart(self) -> None:
        """New services over the same store, as after a crash."""
        self.facts = FactsReader(self.graph, self.clock)
        self.recovery = Recovery(self.store, self.graph, self.approvals, self.tokens, self.clock)
        self.signing_in = SigningIn(
            self.store, self.sign_ins, self.tokens, self.chat, self.clock, self.ids, SIGN_IN
        )
        self.decisions = Decisions(
            self.store,
            self.facts,
            self.approvals,
            Whose(self.tokens),
            self.signing_in,
            self.recovery,
            self.clock,
            self.ids,
            self.rules,
            Views(self.store, self.rules, PORTAL),
            self.terms,
        )
        self.signing_in.resume[DECIDE] = self.decisions.resume
        self.desk = ApproverDesk(
            self.decisions,
            self.signing_in,
            self.chat,
            ChannelRegister(self.store),
            Forgeries(self.store, self.clock),
        )
        self.intake = Intake(
            self.graph,
            self.facts,
            self.store,
            self.clock,
            self.rules,
            LADDER,
            self.quorum_of or (lambda _: self.quorum),
        )
        self.reconciler = Reconciler(
            directory=self.graph,
            intake=self.intake,
            recovery=self.recovery,
            store=self.store,
            clock=self.clock,
            poll=timedelta(seconds=10),
        )
        self.announcer = Announcer(self.store, self.channel, self.clock, PORTAL, lambda _: APPROVERS)
        self.conduct = Conduct(self.store, self.channel, self.clock, PORTAL, lambda _: OPS)
        self.forgeries = Forgeries(self.store, self.clock)
        self.escalation = Escalation(self.store, self.channel, self.clock, PORTAL, lambda _: OPS)

    def subscriber(self, *resources: str) -> Subscriber:
        return Subscriber(self.subscriptions, self.store, self.clock, self.ids, resources)

    async def taken_in(self, **changes: object) -> ApprovalRequest:
        """A request pending in Graph and taken in here."""
        pim: PimRequest = self.graph.put(a_pim_request(**changes))
        assert await self.intake.take_in(pim)
        return self.request(pim.id)

    async def click(
        self, by: str = ALEX, choice: Choice = Choice.APPROVE, reason: str = "looks right", on: str = R1
    ) -> RequestCard:
        card = await self.decisions.decide(an_actor(by), on, choice, reason)
        assert isinstance(card, RequestCard)
        return card

    async def alter(self, request_id: str = R1, **changes: Any) -> ApprovalRequest:
        """Write a change that somebody else made."""
        stored = self.request(request_id)
        changed = replace(stored, version=stored.version + 1, **changes)
        async with self.store.transaction() as tx:
            assert await tx.save_request(changed)
        return changed

    def request(self, request_id: str = R1) -> ApprovalRequest:
        return self.store.state.requests[request_id]

    def events(self, request_id: str | None = R1) -> list[str]:
        return [line.event for line in self.audit(request_id)]

    def audit(self, request_id: str | None = R1) -> list[AuditEntry]:
        return [line for line in self.store.state.audit if line.request_id == request_id]

    def effects(self, kind: str, *, done: bool = False) -> list[EffectRow]:
        rows = [row for row in self.store.state.effects.values() if row.kind == kind]
        return [row for row in rows if (row.done_at is not None) is done]

    async def lease(self, kind: str, owner: str = "me") -> LeasedEffect:
        (effect,) = await self.store.claim_effects(owner, [kind], 1, 30)
        return effect

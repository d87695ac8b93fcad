"""``ports.Store`` in a few dictionaries; held to the same contract suite as the real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.following import Activation
from bot.domain.model import ApprovalRequest, Identity, State
from bot.domain.sign_in import PendingAct
from bot.ports import AuditEntry, CardRow, Clock, Effect, LeasedEffect, OwnCardRow, SubscriptionRow
from bot.store.errors import StoreRefusedError
from bot.telemetry.context import with_origin


@dataclass(frozen=True)
class EffectRow:
    """An effect as the store keeps it; tests may look at ``MemoryStore.state.effects``."""

    key: str
    kind: str
    payload: dict[str, Any]
    due_at: datetime
    run_at: datetime
    attempts: int = 0
    lease_owner: str | None = None
    lease_no: int = 0
    woken_at: datetime | None = None
    done_at: datetime | None = None
    last_error: str | None = None


@dataclass
class _State:
    requests: dict[str, ApprovalRequest] = field(default_factory=dict)
    cards: dict[str, CardRow] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    effects: dict[str, EffectRow] = field(default_factory=dict)
    service_urls: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, SubscriptionRow] = field(default_factory=dict)
    activations: dict[str, Activation] = field(default_factory=dict)
    own_cards: dict[str, OwnCardRow] = field(default_factory=dict)
    acts: dict[str, PendingAct] = field(default_factory=dict)

    def copy(self) -> _State:
        return _State(
            dict(self.requests),
            dict(self.cards),
            list(self.audit),
            dict(self.effects),
            dict(self.service_urls),
            dict(self.subscriptions),
            activations=dict(self.activations),
            own_cards=dict(self.own_cards),
            acts=dict(self.acts),
        )


class MemoryTransaction:
    def __init__(self, state: _State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    async def request(self, request_id: str) -> ApprovalRequest | None:
        return self._state.requests.get(request_id)

    async def open_requests(self) -> tuple[ApprovalRequest, ...]:
        found = (r for r in self._state.requests.values() if r.state in {State.PENDING, State.DECIDING})
        return tuple(sorted(found, key=lambda r: (r.requested_at, r.id)))

    async def add_request(self, request: ApprovalRequest) -> bool:
        if request.id in self._state.requests:
            return False
        self._state.requests[request.id] = request
        return True

    async def save_request(self, request: ApprovalRequest) -> bool:
        stored = self._state.requests.get(request.id)
        if stored is None or stored.version != request.version - 1:
            return False
        self._state.requests[request.id] = request
        return True

    async def card(self, request_id: str) -> CardRow | None:
        return self._state.cards.get(request_id)

    async def save_card(self, request_id: str, row: CardRow) -> None:
        if request_id not in self._state.requests:
            raise StoreRefusedError
        self._state.cards[request_id] = row

    async def request_shown_on(self, conversation_id: str, activity_id: str) -> str | None:
        for request_id, row in self._state.cards.items():
            if (row.posted.conversation_id, row.posted.activity_id) == (conversation_id, activity_id):
                return request_id
        return None

    async def activation(self, request_id: str) -> Activation | None:
        return self._state.activations.get(request_id)

    async def add_activation(self, activation: Activation) -> bool:
        return self._state.activations.setdefault(activation.request_id, activation) is activation

    async def save_activation(self, activation: Activation) -> bool:
        stored = self._state.activations.get(activation.request_id)
        if stored is None or stored.version != activation.version - 1:
            return False
        self._state.activations[activation.request_id] = activation
        return True

    async def activations_of(self, requester: Identity, limit: int) -> tuple[Activation, ...]:
        return self._newest(limit, lambda a: a.requester.identity == requester)

    async def activations_for(self, key: str, limit: int) -> tuple[Activation, ...]:
        return self._newest(limit, lambda a: a.key == key)

    def _newest(self, limit: int, wanted: Callable[[Activation], bool]) -> tuple[Activation, ...]:
        found = sorted(filter(wanted, self._state.activations.values()), key=lambda a: a.request_id)
        return tuple(sorted(found, key=lambda a: a.asked_at, reverse=True)[:limit])

    async def own_card(self, request_id: str) -> OwnCardRow | None:
        return self._state.own_cards.get(request_id)

    async def save_own_card(self, request_id: str, row: OwnCardRow) -> None:
        if request_id not in self._state.activations:
            raise StoreRefusedError
        self._state.own_cards[request_id] = row

    async def audit(self, entry: AuditEntry) -> None:
        self._state.audit.append(replace(entry, facts=json.loads(json.dumps(dict(entry.facts)))))

    async def audit_trail(self, request_id: str) -> tuple[AuditEntry, ...]:
        return tuple(entry for entry in self._state.audit if entry.request_id == request_id)

    async def audit_of(
        self, actor: str, events: Sequence[str], since: datetime, limit: int
    ) -> tuple[AuditEntry, ...]:
        found = [e for e in self._state.audit if e.actor == actor and e.event in events and e.at >= since]
        return tuple(found[-limit:])

    async def enqueue(self, effect: Effect) -> None:
        self._state.effects.setdefault(effect.key, _fresh(effect))

    async def wake(self, effect: Effect) -> None:
        row, due = self._state.effects.get(effect.key), effect.due_at
        fresh = _fresh(effect)
        if row is None:
            self._put(fresh)
        elif row.lease_owner is not None:
            self._put(row, payload=fresh.payload, woken_at=min(row.woken_at or due, due), done_at=None)
        elif row.done_at is not None:
            self._put(fresh, lease_no=row.lease_no)
        else:
            soonest = min(row.due_at, due), min(row.run_at, due)
            self._put(row, payload=fresh.payload, due_at=soonest[0], run_at=soonest[1])

    async def cancel(self, key: str) -> None:
        row = self._state.effects.get(key)
        if row is not None and row.done_at is None:
            self._put(row, done_at=self._clock.now(), woken_at=None)

    async def finish(self, effect: LeasedEffect) -> bool:
        row = _held(self._state, effect)
        if row is None:
            return False
        free = replace(row, lease_owner=None, woken_at=None, last_error=None)
        if row.woken_at is not None:
            self._put(free, due_at=row.woken_at, run_at=row.woken_at, attempts=0)
        else:
            self._put(free, done_at=row.done_at or self._clock.now())
        return True

    async def reschedule(self, effect: LeasedEffect, at: datetime) -> bool:
        row = _held(self._state, effect)
        if row is None:
            return False
        again = min(at, row.woken_at or at)
        free = replace(row, lease_owner=None, woken_at=None, last_error=None)
        self._put(free, due_at=again, run_at=again, attempts=0)
        return True

    async def due_at(self, key: str) -> datetime | None:
        row = self._state.effects.get(key)
        return None if row is None else row.due_at

    async def service_url(self, channel_id: str) -> str | None:
        return self._state.service_urls.get(channel_id)

    async def save_service_url(self, channel_id: str, service_url: str) -> None:
        self._state.service_urls[channel_id] = service_url

    async def save_act(self, act: PendingAct) -> None:
        acts = self._state.acts
        for key, one in list(acts.items()):
            if (one.actor.identity, one.kind, one.subject) == (act.actor.identity, act.kind, act.subject):
                del acts[key]
        acts[act.key] = act

    async def act(self, key: str) -> PendingAct | None:
        return self._state.acts.get(key)

    async def acts_of(self, actor: Identity) -> tuple[PendingAct, ...]:
        mine = (a for a in self._state.acts.values() if a.actor.identity == actor and a.used_at is None)
        return tuple(sorted(mine, key=lambda a: (a.begun_at, a.key)))

    async def start_act(self, act: PendingAct) -> bool:
        stored = self._state.acts.get(act.key)
        if stored is None or stored.used_at is not None:
            return False
        self._state.acts[act.key] = act
        return True

    async def end_flow(self, act: PendingAct) -> bool:
        stored = self._state.acts.get(act.key)
        if stored is None or stored.flow is None or act.flow is None:
            return False
        if stored.flow["state"] != act.flow["state"]:
            return False
        self._state.acts[act.key] = replace(stored, flow=None, browser=None)
        return True

    async def use_act(self, key: str, at: datetime) -> bool:
        stored = self._state.acts.get(key)
        if stored is None or stored.used_at is not None:
            return False
        self._state.acts[key] = replace(stored, used_at=at, flow=None, browser=None)
        return True

    async def subscriptions(self) -> tuple[SubscriptionRow, ...]:
        return tuple(row for _, row in sorted(self._state.subscriptions.items()))

    async def save_subscription(self, row: SubscriptionRow) -> None:
        self._state.subscriptions[row.resource] = row

    async def drop_subscription(self, resource: str) -> None:
        self._state.subscriptions.pop(resource, None)

    def _put(self, row: EffectRow, **changes: Any) -> None:
        self._state.effects[row.key] = replace(row, **changes)


class MemoryStore:
    """Transactions one after another, as on SQLite."""

    def __init__(self, clock: Clock) -> None:
        self.state = _State()
        self.fail: Exception | None = None
        """While set, everything raises it when it begins."""
        self.fail_commit: Exception | None = None
        """While set, nothing is committed and this is raised instead."""
        self._clock = clock
        self._turns = asyncio.Lock()
        self._inside: asyncio.Task[Any] | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryTransaction]:
        if self._inside is not None and self._inside is asyncio.current_task():
            raise RuntimeError("a transaction was opened inside a transaction")
        async with self._turns:
            if self.fail is not None:
                raise self.fail
            self._inside = asyncio.current_task()
            state = self.state.copy()
            try:
                yield MemoryTransaction(state, self._clock)
                if self.fail_commit is not None:
                    raise self.fail_commit
                self.state = state
            finally:
                self._inside = None

    async def claim_effects(
        self, owner: str, kinds: Sequence[str], limit: int, lease_seconds: float
    ) -> tuple[LeasedEffect, ...]:
        now = self._clock.now()
        async with self.transaction() as tx:
            rows = tx._state.effects
            due = [
                row
                for row in rows.values()
                if row.done_at is None
                and row.run_at <= now
                and row.kind in kinds
                and row.lease_owner != owner
            ]
            claimed = [
                replace(
                    row,
                    run_at=now + timedelta(seconds=lease_seconds),
                    attempts=row.attempts + 1,
                    lease_owner=owner,
                    lease_no=row.lease_no + 1,
                    woken_at=None,
                )
                for row in sorted(due, key=lambda row: row.run_at)[:limit]
            ]
            rows.update({row.key: row for row in claimed})
        return tuple(
            LeasedEffect(r.key, r.kind, r.due_at, r.payload, r.attempts, f"{owner}#{r.lease_no}")
            for r in sorted(claimed, key=lambda r: (r.due_at, r.key))
        )

    async def retry_effect(self, effect: LeasedEffect, at: datetime, error: str) -> bool:
        async with self.transaction() as tx:
            row = _held(tx._state, effect)
            if row is None:
                return False
            again = min(at, row.woken_at or at)
            tx._put(row, run_at=again, lease_owner=None, woken_at=None, last_error=error)
            return True

    async def free_leases(self, owner: str | None) -> int:
        async with self.transaction() as tx:
            leased = [r for r in tx._state.effects.values() if r.lease_owner is not None]
            freed = [r for r in leased if owner is None or r.lease_owner == owner]
            for row in freed:
                tx._put(row, lease_owner=None, run_at=self._clock.now(), woken_at=None)
            return len(freed)

    async def next_due(self, kinds: Sequence[str]) -> datetime | None:
        async with self.transaction() as tx:
            rows = tx._state.effects.values()
            return min((r.run_at for r in rows if r.done_at is None and r.kind in kinds), default=None)

    async def prune(self, before: datetime) -> int:
        async with self.transaction() as tx:
            rows = tx._state.effects
            old = [r for r in rows.values() if r.done_at and r.done_at < before and r.lease_owner is None]
            for row in old:
                del rows[row.key]
            acts = tx._state.acts
            for key in [key for key, act in acts.items() if act.expires_at < before]:
                del acts[key]
            return len(old)

    async def ping(self) -> None:
        async with self.transaction():
            pass

    async def close(self) -> None:
        pass


def _fresh(effect: Effect) -> EffectRow:
    payload = json.loads(json.dumps(with_origin(effect.payload, effect.due_at)))
    return EffectRow(effect.key, effect.kind, payload, effect.due_at, effect.due_at)


def _held(state: _State, effect: LeasedEffect) -> EffectRow | None:
    row = state.effects.get(effect.key)
    if row is None or row.lease_owner is None or row.attempts != effect.attempts:
        return None
    return row if f"{row.lease_owner}#{row.lease_no}" == effect.owner else None

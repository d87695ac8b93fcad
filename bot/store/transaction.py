"""``ports.Transaction`` on SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, Row, Table, delete, select, update

from bot.domain import lifecycle
from bot.domain.following import Activation
from bot.domain.model import ApprovalRequest, Identity
from bot.domain.sign_in import PendingAct
from bot.ports import AuditEntry, CardRow, Clock, Effect, LeasedEffect, OwnCardRow, SubscriptionRow
from bot.store import activations, acts, effects, tables
from bot.store.documents import request_document, request_of
from bot.store.rows import audit_entry_of, posted_of, posted_values
from bot.store.session import Session


class SqlTransaction:
    """Everything in it is written together or not at all. Raises ``StoreUnavailableError`` and
    ``StoreRefusedError``.
    """

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self.made_due = False
        """Whether an effect was enqueued or woken."""

    async def request(self, request_id: str) -> ApprovalRequest | None:
        row = await self._row(select(tables.requests.c.document).where(tables.requests.c.id == request_id))
        return None if row is None else request_of(row.document)

    async def open_requests(self) -> tuple[ApprovalRequest, ...]:
        t = tables.requests
        query = (
            select(t.c.document)
            .where(t.c.state.in_(sorted(lifecycle.OPEN)))
            .order_by(t.c.requested_at, t.c.id)
        )
        return tuple(request_of(row.document) for row in await self._session.execute(query))

    async def add_request(self, request: ApprovalRequest) -> bool:
        insert = effects.insert_for(self._session.dialect, tables.requests)
        return await self._wrote(insert.values(_request_row(request)).on_conflict_do_nothing())

    async def save_request(self, request: ApprovalRequest) -> bool:
        t = tables.requests
        stored = (t.c.id == request.id, t.c.version == request.version - 1)
        return await self._wrote(update(t).where(*stored).values(_request_row(request)))

    async def card(self, request_id: str) -> CardRow | None:
        row = await self._row(select(tables.cards).where(tables.cards.c.request_id == request_id))
        return None if row is None else CardRow(posted_of(row), row.shown_version)

    async def save_card(self, request_id: str, row: CardRow) -> None:
        """Raises ``StoreRefusedError`` when there is no such request."""
        values = {**posted_values(row.posted), "shown_version": row.shown_version}
        await self._put(tables.cards, {"request_id": request_id}, values)

    async def request_shown_on(self, conversation_id: str, activity_id: str) -> str | None:
        t = tables.cards
        there = (t.c.activity_id == activity_id, t.c.conversation_id == conversation_id)
        row = await self._row(select(t.c.request_id).where(*there))
        return None if row is None else str(row.request_id)

    async def activation(self, request_id: str) -> Activation | None:
        row = await self._row(activations.one(request_id))
        return None if row is None else activations.activation_of(row)

    async def add_activation(self, activation: Activation) -> bool:
        return await self._wrote(activations.add(self._session.dialect, activation))

    async def save_activation(self, activation: Activation) -> bool:
        return await self._wrote(activations.save(activation))

    async def activations_of(self, requester: Identity, limit: int) -> tuple[Activation, ...]:
        rows = await self._session.execute(activations.of(requester, limit))
        return tuple(map(activations.activation_of, rows))

    async def activations_for(self, key: str, limit: int) -> tuple[Activation, ...]:
        rows = await self._session.execute(activations.of_role(key, limit))
        return tuple(map(activations.activation_of, rows))

    async def own_card(self, request_id: str) -> OwnCardRow | None:
        row = await self._row(activations.card(request_id))
        return None if row is None else activations.card_of(row)

    async def save_own_card(self, request_id: str, row: OwnCardRow) -> None:
        """Raises ``StoreRefusedError`` when there is no such activation."""
        await self._put(tables.own_cards, {"request_id": request_id}, activations.card_values(row))

    async def audit(self, entry: AuditEntry) -> None:
        await self._session.execute(
            tables.audit.insert().values(
                at=entry.at,
                event=entry.event,
                request_id=entry.request_id,
                actor=entry.actor,
                facts=dict(entry.facts),
            )
        )

    async def audit_trail(self, request_id: str) -> tuple[AuditEntry, ...]:
        t = tables.audit
        rows = await self._session.execute(select(t).where(t.c.request_id == request_id).order_by(t.c.seq))
        return tuple(map(audit_entry_of, rows))

    async def audit_of(
        self, actor: str, events: Sequence[str], since: datetime, limit: int
    ) -> tuple[AuditEntry, ...]:
        t = tables.audit
        wanted = (t.c.actor == actor, t.c.at >= since, t.c.event.in_(sorted(events)))
        newest = select(t).where(*wanted).order_by(t.c.seq.desc()).limit(limit)
        rows = (await self._session.execute(newest)).all()
        return tuple(map(audit_entry_of, reversed(rows)))

    async def enqueue(self, effect: Effect) -> None:
        await self._session.execute(effects.enqueue(self._session.dialect, effect))
        self.made_due = True

    async def wake(self, effect: Effect) -> None:
        await self._session.execute(effects.wake(self._session.dialect, effect))
        self.made_due = True

    async def cancel(self, key: str) -> None:
        await self._session.execute(effects.cancel(key, self._clock.now()))

    async def finish(self, effect: LeasedEffect) -> bool:
        """True also for an effect that was cancelled meanwhile: what was done can be recorded."""
        return await self._wrote(effects.finish(effect, self._clock.now()))

    async def reschedule(self, effect: LeasedEffect, at: datetime) -> bool:
        """An effect that was cancelled meanwhile stays done."""
        return await self._wrote(effects.reschedule(effect, at))

    async def due_at(self, key: str) -> datetime | None:
        row = await self._row(select(tables.effects.c.due_at).where(tables.effects.c.key == key))
        due: datetime | None = None if row is None else row.due_at
        return due

    async def service_url(self, channel_id: str) -> str | None:
        t = tables.service_urls
        row = await self._row(select(t.c.service_url).where(t.c.channel_id == channel_id))
        return None if row is None else str(row.service_url)

    async def save_service_url(self, channel_id: str, service_url: str) -> None:
        await self._put(tables.service_urls, {"channel_id": channel_id}, {"service_url": service_url})

    async def save_act(self, act: PendingAct) -> None:
        await self._session.execute(acts.save(self._session.dialect, act))

    async def act(self, key: str) -> PendingAct | None:
        row = await self._row(acts.one(key))
        return None if row is None else acts.act_of(row)

    async def acts_of(self, actor: Identity) -> tuple[PendingAct, ...]:
        return tuple(acts.act_of(row) for row in await self._session.execute(acts.waiting_of(actor)))

    async def start_act(self, act: PendingAct) -> bool:
        return await self._wrote(acts.start(act))

    async def end_flow(self, act: PendingAct) -> bool:
        return await self._wrote(acts.end_flow(act))

    async def use_act(self, key: str, at: datetime) -> bool:
        return await self._wrote(acts.use(key, at))

    async def subscriptions(self) -> tuple[SubscriptionRow, ...]:
        t = tables.subscriptions
        rows = await self._session.execute(select(t).order_by(t.c.resource))
        return tuple(
            SubscriptionRow(
                r.resource, r.client_state, r.subscription_id, r.expires_at, r.refused, r.retry_at
            )
            for r in rows
        )

    async def save_subscription(self, row: SubscriptionRow) -> None:
        values = {
            "client_state": row.client_state,
            "subscription_id": row.subscription_id,
            "expires_at": row.expires_at,
            "refused": row.refused,
            "retry_at": row.retry_at,
        }
        await self._put(tables.subscriptions, {"resource": row.resource}, values)

    async def drop_subscription(self, resource: str) -> None:
        t = tables.subscriptions
        await self._session.execute(delete(t).where(t.c.resource == resource))

    async def _row(self, query: Executable) -> Row[Any] | None:
        return (await self._session.execute(query)).first()

    async def _wrote(self, statement: Executable) -> bool:
        return (await self._session.execute(statement)).rowcount == 1

    async def _put(self, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
        insert = effects.insert_for(self._session.dialect, table).values(key | values)
        await self._session.execute(
            insert.on_conflict_do_update(index_elements=list(key), set_=values),
        )


def _request_row(request: ApprovalRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "tenant_id": request.tenant_id,
        "state": request.state,
        "version": request.version,
        "requested_at": request.requested_at,
        "expires_at": request.expires_at,
        "document": request_document(request),
    }

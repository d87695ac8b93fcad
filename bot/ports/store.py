"""What is written down: requests and cards, effects, the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bot.domain.following import Activation
from bot.domain.model import ApprovalRequest, Identity, PostedCard
from bot.domain.sign_in import PendingAct


@dataclass(frozen=True, slots=True)
class Effect:
    """Something to be done, as it is written down. ``key`` is natural: the same effect twice
    is one row.
    """

    key: str
    kind: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeasedEffect:
    """An effect this process may carry out until its lease ends. ``attempts`` starts at 1 and,
    with the owner, is the fencing token.
    """

    key: str
    kind: str
    due_at: datetime
    payload: Mapping[str, Any]
    attempts: int
    owner: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log: who, as whom, what, on which facts, under which rule."""

    at: datetime
    event: str
    request_id: str | None
    actor: str | None
    """``tenant/object`` of whoever acted; None for Second Key itself."""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CardRow:
    """The approver channel's card of a request and the request version it shows."""

    posted: PostedCard
    shown_version: int


@dataclass(frozen=True, slots=True)
class OwnCardRow:
    """The living card of an activation in its requester's chat, and what it shows."""

    posted: PostedCard
    shown: str


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A resource that Second Key wants to be told about, and how that stands."""

    resource: str
    client_state: str = field(repr=False)
    subscription_id: str | None = None
    expires_at: datetime | None = None
    refused: str | None = None
    """Why the tenant refused; retried at ``retry_at``."""
    retry_at: datetime | None = None


class Transaction(Protocol):
    """One transaction. Committed when its block ends, rolled back when it raises."""

    async def request(self, request_id: str) -> ApprovalRequest | None: ...

    async def open_requests(self) -> tuple[ApprovalRequest, ...]:
        """Every PENDING or DECIDING request."""

    async def add_request(self, request: ApprovalRequest) -> bool:
        """False, and nothing written, when the request is already there."""

    async def save_request(self, request: ApprovalRequest) -> bool:
        """Compare-and-set: writes when the stored version is ``request.version - 1``, else
        False and nothing written.
        """

    async def card(self, request_id: str) -> CardRow | None: ...

    async def save_card(self, request_id: str, row: CardRow) -> None: ...

    async def request_shown_on(self, conversation_id: str, activity_id: str) -> str | None:
        """The id of the request whose card that message is."""

    async def activation(self, request_id: str) -> Activation | None: ...

    async def add_activation(self, activation: Activation) -> bool:
        """False, and nothing written, when it is there already."""

    async def save_activation(self, activation: Activation) -> bool:
        """Compare-and-set on ``version``, as ``save_request``."""

    async def activations_of(self, requester: Identity, limit: int) -> tuple[Activation, ...]:
        """The newest of one requester's, newest first."""

    async def activations_for(self, key: str, limit: int) -> tuple[Activation, ...]:
        """The newest for one role, whoever asked, newest first."""

    async def own_card(self, request_id: str) -> OwnCardRow | None: ...

    async def save_own_card(self, request_id: str, row: OwnCardRow) -> None: ...

    async def audit(self, entry: AuditEntry) -> None: ...

    async def audit_trail(self, request_id: str) -> tuple[AuditEntry, ...]: ...

    async def audit_of(
        self, actor: str, events: Sequence[str], since: datetime, limit: int
    ) -> tuple[AuditEntry, ...]:
        """The newest ``limit`` lines of these events about one actor's doings, in the order of
        writing.
        """

    async def enqueue(self, effect: Effect) -> None:
        """Written once: does nothing when the key is there, done or not."""

    async def wake(self, effect: Effect) -> None:
        """Written or re-armed: the effect will run (again) at ``effect.due_at`` at the latest;
        when it is being carried out now, once more after that. One row a key means that an
        effect never runs beside itself.
        """

    async def cancel(self, key: str) -> None:
        """Mark an effect done, whoever holds it."""

    async def finish(self, effect: LeasedEffect) -> bool:
        """Mark it done (or due again, when woken meanwhile); False when the lease was lost, and
        then the caller must roll back.
        """

    async def reschedule(self, effect: LeasedEffect, at: datetime) -> bool:
        """As ``finish``, but due again at ``at`` (sooner when woken meanwhile)."""

    async def due_at(self, key: str) -> datetime | None:
        """When the effect of this key is (or was last) meant to run, whatever retries put off;
        None when there is no such row.
        """

    async def service_url(self, channel_id: str) -> str | None: ...

    async def save_service_url(self, channel_id: str, service_url: str) -> None: ...

    async def save_act(self, act: PendingAct) -> None:
        """Written, in place of the actor's earlier one of this kind and subject."""

    async def act(self, key: str) -> PendingAct | None: ...

    async def acts_of(self, actor: Identity) -> tuple[PendingAct, ...]:
        """What this actor began and nobody has finished, oldest first; expired ones too."""

    async def start_act(self, act: PendingAct) -> bool:
        """Write the flow and browser of an act; False when it was used or replaced meanwhile."""

    async def end_flow(self, act: PendingAct) -> bool:
        """Forget the flow of an act; False when it is another one, or gone: an answer counts once."""

    async def use_act(self, key: str, at: datetime) -> bool:
        """Mark it used; False when it was used already, or is gone. Whoever gets True carries it out."""

    async def subscriptions(self) -> tuple[SubscriptionRow, ...]: ...

    async def save_subscription(self, row: SubscriptionRow) -> None: ...

    async def drop_subscription(self, resource: str) -> None: ...


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...

    async def claim_effects(
        self, owner: str, kinds: Sequence[str], limit: int, lease_seconds: float
    ) -> tuple[LeasedEffect, ...]:
        """Lease due effects of these kinds, oldest first."""

    async def retry_effect(self, effect: LeasedEffect, at: datetime, error: str) -> bool:
        """Give the lease back after a failure, due again at ``at``."""

    async def free_leases(self, owner: str | None) -> int:
        """Make the leased effects of an owner (None: of every owner) due now."""

    async def next_due(self, kinds: Sequence[str]) -> datetime | None:
        """When the next effect of these kinds comes due."""

    async def ping(self) -> None:
        """Raises when the store can't be reached."""

    async def close(self) -> None: ...

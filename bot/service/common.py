"""What several use cases share: effect keys, and changing a request in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, TypeVar

from bot.domain.activation import TooEarly
from bot.domain.audit import AuditEvent
from bot.domain.errors import SecondKeyError, UnavailableError
from bot.domain.model import ApprovalRequest, Identity, Refusal
from bot.ports import AuditEntry, Clock, Effect, LeasedEffect, Store, Transaction
from bot.service.followed import follow
from bot.service.runner import settle
from bot.service.troubles import may_yet_be

CARD_SYNC: Final = "card.sync"
OPS_PING: Final = "ops.ping"
CONDUCT: Final = "conduct.check"
RECOVER: Final = "decision.recover"
RECONCILE: Final = "reconcile"
SUBSCRIPTIONS: Final = "subscriptions"
HOUSEKEEPING: Final = "housekeeping"

_CONTENTION_TRIES: Final = 10


T = TypeVar("T")


class ContentionError(SecondKeyError):
    """The request kept changing under our hands; trying again later will help."""


class LeaseLostError(SecondKeyError):
    """The lease on an effect ended before its result was written; somebody else has it now."""


async def finish(tx: Transaction, effect: LeasedEffect) -> None:
    """Mark an effect done. Raises ``LeaseLostError``, which rolls the transaction back."""
    if not await tx.finish(effect):
        raise LeaseLostError


async def postpone(tx: Transaction, effect: LeasedEffect, until: datetime) -> None:
    """Have an effect come due again then. Raises ``LeaseLostError``, as ``finish`` does."""
    if not await tx.reschedule(effect, until):
        raise LeaseLostError


async def waits_on(store: Store, effect: LeasedEffect, outcome: object) -> bool:
    """Whether an act that was put off comes due again at a time that PIM has named. Raises
    ``UnavailableError``, for it to be tried again soon, where that may help.
    """
    if isinstance(outcome, TooEarly):
        async with store.transaction() as tx:
            await postpone(tx, effect, outcome.possible_at)
        return True
    if may_yet_be(outcome):
        raise UnavailableError
    return False


async def insist(store: Store, attempt: Callable[[Transaction], Awaitable[T]]) -> T:
    """``settle``, and once more from the start when ``attempt`` raises ``ContentionError``: what it read
    was changed by somebody else before it was written. Raises ``ContentionError`` when that goes on.
    """
    for _ in range(_CONTENTION_TRIES):
        with suppress(ContentionError):
            return await settle(store, attempt)
    raise ContentionError


Change = Callable[[ApprovalRequest], ApprovalRequest | None]
"""What to make of a request; None leaves it as it is."""


Then = Callable[[Transaction, ApprovalRequest | None], Awaitable[None]]
"""What else belongs in the transaction of a change; gets what was made."""


async def change(
    store: Store,
    clock: Clock,
    request_id: str,
    make: Change,
    *,
    event: AuditEvent | Callable[[ApprovalRequest], AuditEvent],
    facts: Mapping[str, Any] | None = None,
    actor: Identity | None = None,
    then: Then | None = None,
) -> ApprovalRequest | None:
    """Apply ``make`` to the stored request by compare-and-set, with its audit line, the card
    brought up to date and ``then``, all in one transaction. ``event`` may depend on what
    was made. Returns the new value; None when there is no such request or ``make`` declined
    (``then`` is done all the same). Raises
    ``ContentionError``, and what ``make`` and ``then`` raise.
    """

    async def attempt(tx: Transaction) -> ApprovalRequest | None:
        stored = await tx.request(request_id)
        made = make(stored) if stored is not None else None
        if made is not None:
            named_event = event(made) if callable(event) else event
            await write(tx, clock, made, event=named_event, facts=facts, actor=actor)
        if then is not None:
            await then(tx, made)
        return made

    return await insist(store, attempt)


async def write(
    tx: Transaction,
    clock: Clock,
    request: ApprovalRequest,
    *,
    event: AuditEvent,
    facts: Mapping[str, Any] | None = None,
    actor: Identity | None = None,
) -> None:
    """Save a changed request, audit the change and have its cards follow. Raises ``ContentionError``,
    for the transaction to be rolled back, when somebody else changed it or its activation first.
    """
    if not await tx.save_request(request) or not await follow(tx, request, clock.now()):
        raise ContentionError
    await tx.audit(entry(clock, event, request.id, actor, facts))
    await tx.wake(card_sync(request.id, clock))


def entry(
    clock: Clock,
    event: AuditEvent,
    request_id: str | None,
    actor: Identity | None = None,
    facts: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """An audit line as of now."""
    who = named(actor) if actor else None
    return AuditEntry(clock.now(), event.value, request_id, who, dict(facts or {}))


def named(identity: Identity) -> str:
    """As the audit log names somebody."""
    return f"{identity.tenant_id}/{identity.object_id}"


def identity_of(name: str) -> Identity:
    """The opposite of ``named``. Raises ``ValueError``."""
    tenant_id, _, object_id = name.partition("/")
    return Identity(tenant_id, object_id)


def periodic(kind: str, clock: Clock) -> Effect:
    """The one row of a kind that runs again and again, due now."""
    return Effect(kind, kind, clock.now())


def card_sync(request_id: str, clock: Clock) -> Effect:
    """Bring the approver channel's card up to what the request is then. One row a request: posts
    and edits of one card never run beside each other, and a repeat shows the same.
    """
    return Effect(f"{CARD_SYNC}:{request_id}", CARD_SYNC, clock.now(), {"request": request_id})


def told(refusals: tuple[Refusal, ...]) -> list[dict[str, str]]:
    """Refusals as the audit log keeps them."""
    return [{"reason": r.reason.value, "detail": r.detail} for r in refusals]

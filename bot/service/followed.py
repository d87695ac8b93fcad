"""What follows for whoever asked when a request changes: their activation is watched, and their card
brought up to date.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.domain import following
from bot.domain.following import Activation
from bot.domain.model import ApprovalRequest
from bot.ports import Effect, Transaction

WATCH: Final = "activation.watch"
OWN_CARD: Final = "own.card"


def watch(request_id: str, at: datetime) -> Effect:
    """Look at Graph for how an activation stands. One row an activation: it goes on by itself."""
    return Effect(f"{WATCH}:{request_id}", WATCH, at, {"request": request_id})


def own_card(request_id: str, at: datetime) -> Effect:
    """Bring the requester's card up to what the activation is then."""
    return Effect(f"{OWN_CARD}:{request_id}", OWN_CARD, at, {"request": request_id})


async def follow(tx: Transaction, request: ApprovalRequest, at: datetime) -> bool:
    """``request`` was written in this transaction: watch what was approved, and have its requester's
    card follow. False: somebody else changed the activation first.
    """
    activation = await tx.activation(request.id)
    granted_at = following.granted_at(request)
    if granted_at is not None:
        if activation is None:
            if not await tx.add_activation(following.of_request(request)):
                return False
        elif not await _save(tx, activation, following.granted(activation, granted_at)):
            return False
        await tx.enqueue(watch(request.id, at))
    if activation is not None and activation.channel_user_id is not None:
        await tx.wake(own_card(request.id, at))
    return True


async def _save(tx: Transaction, before: Activation, after: Activation) -> bool:
    return after is before or await tx.save_activation(after)

"""The activation by which somebody holds a role now, found and changed in one transaction."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from bot.domain import following
from bot.domain.activation import ActiveRole
from bot.domain.following import Activation
from bot.domain.model import Actor, Identity, Person
from bot.ports import Clock, Store, Transaction
from bot.service.common import ContentionError, insist
from bot.service.followed import own_card, watch
from bot.service.watch import write_change

_LOOKED_AT: Final = 20
_FEWEST: Final = 3
"""Measurements below which nothing is promised."""


@dataclass(frozen=True, slots=True)
class Running:
    """What is known here of roles that are held."""

    store: Store
    clock: Clock

    async def change(
        self,
        actor: Actor,
        key: str,
        scope: str,
        make: Callable[[Activation], Activation],
        *,
        role: ActiveRole | None = None,
        then: Callable[[Transaction], Awaitable[None]] | None = None,
    ) -> None:
        """Apply ``make`` to the activation, have it looked at and its card follow. One that is not
        known here is followed from now on, by ``role``. ``then`` belongs in the same transaction.
        """

        async def attempt(tx: Transaction) -> None:
            before = await self._find(tx, actor, key, scope, role)
            if before is not None:
                after = make(before)
                if after is not before:
                    await write_change(tx, self.clock, before, after)
                now = self.clock.now()
                await tx.wake(watch(before.request_id, now))
                await tx.wake(own_card(before.request_id, now))
            if then is not None:
                await then(tx)

        await insist(self.store, attempt)

    async def note(self, actor: Actor, key: str, scope: str, hitch: str | None) -> None:
        """Nothing is planned any more for the actor's newest activation of a role, running or over;
        ``hitch`` says what went wrong with it.
        """

        async def attempt(tx: Transaction) -> None:
            for one in await tx.activations_of(actor.identity, _LOOKED_AT):
                if (one.key, one.scope) == (key, scope):
                    after = following.to_be_given_back(one, None, hitch)
                    if after is not one and not await tx.save_activation(after):
                        raise ContentionError
                    await tx.wake(own_card(one.request_id, self.clock.now()))
                    return

        await insist(self.store, attempt)

    async def usual_wait(self, key: str) -> timedelta | None:
        """From asking for a role to its being usable, lately and for whomever: the median."""
        async with self.store.transaction() as tx:
            lately = await tx.activations_for(key, _LOOKED_AT)
        took = [
            (a.usable_at - a.asked_at).total_seconds()
            for a in lately
            if a.usable_at is not None and a.starts_at is None
        ]
        return timedelta(seconds=statistics.median(took)) if len(took) >= _FEWEST else None

    async def _find(
        self, tx: Transaction, actor: Actor, key: str, scope: str, role: ActiveRole | None
    ) -> Activation | None:
        for one in await tx.activations_of(actor.identity, _LOOKED_AT):
            if following.is_running(one, key, scope):
                return one
        if role is None:
            return None
        who = Person(actor.identity, actor.display_name)
        fresh = following.of_active(role, who, actor.channel_user_id)
        return fresh if fresh is not None and await tx.add_activation(fresh) else None


def actor_document(actor: Actor) -> dict[str, str]:
    """An actor as an effect's payload keeps them."""
    return {
        "tenant": actor.identity.tenant_id,
        "object": actor.identity.object_id,
        "name": actor.display_name,
        "channel": actor.channel_user_id,
    }


def actor_of(document: Mapping[str, Any]) -> Actor:
    """Whoever a verified activity had vouched for when the effect was written."""
    who = Identity(str(document["tenant"]), str(document["object"]))
    return Actor(who, str(document["name"]), str(document["channel"]))

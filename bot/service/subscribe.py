"""Graph change subscriptions: one for every resource the operator names, kept alive.

Whether a tenant accepts a resource is for the tenant to say (none is documented to signal PIM
requests), so a refusal is reported once, clearly, and tried again daily; polling goes on.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog

from bot.domain.audit import AuditEvent
from bot.domain.errors import DirectoryError, NotFoundError, UnavailableError
from bot.domain.model import Notification
from bot.ports import (
    Clock,
    GraphSubscription,
    Ids,
    LeasedEffect,
    Store,
    SubscriptionRow,
    Subscriptions,
    Transaction,
)
from bot.service.common import RECONCILE, SUBSCRIPTIONS, entry, periodic

LIFETIME: Final = timedelta(minutes=4_170)
"""Asked for: just under the shortest maximum among the resources in question (4,230 min for
mail in Graph's ``subscription-lifetime`` page)."""
RENEW_BEFORE: Final = timedelta(hours=24)
CHECK_EVERY: Final = timedelta(minutes=5)
RETRY_REFUSED: Final = timedelta(days=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Carries out ``subscriptions``, one periodic row, and answers for what Graph sends."""

    graph: Subscriptions
    store: Store
    clock: Clock
    ids: Ids
    resources: tuple[str, ...]

    async def run(self, effect: LeasedEffect) -> None:
        """Effect handler: create, renew, re-create, drop, as needed."""
        async with self.store.transaction() as tx:
            rows = {row.resource: row for row in await tx.subscriptions()}
        for resource in self.resources:
            await self._tend(rows.get(resource) or await self._new(resource))
        for resource in rows.keys() - set(self.resources):
            await self._drop(rows[resource])
        async with self.store.transaction() as tx:
            await tx.reschedule(effect, self.clock.now() + CHECK_EVERY)

    async def heard(self, notifications: Iterable[Notification]) -> bool:
        """Act on notifications whose ``clientState`` is one of ours, compared in constant time.
        False: none was.
        """
        async with self.store.transaction() as tx:
            rows = await tx.subscriptions()
            genuine = [(n, row) for n in notifications if (row := _whose(n, rows)) is not None]
            if genuine:
                await tx.wake(periodic(RECONCILE, self.clock))
            for notification, row in genuine:
                await self._lifecycle(tx, notification, row)
        return bool(genuine)

    async def _lifecycle(self, tx: Transaction, notification: Notification, row: SubscriptionRow) -> None:
        event = notification.lifecycle_event
        if event is None:
            return
        log.info("subscription_lifecycle", resource=row.resource, lifecycle=event[:64])
        changed = {
            # Renewing also reauthorizes, so both take the same way.
            "reauthorizationRequired": replace(row, expires_at=self.clock.now()),
            "subscriptionRemoved": replace(row, subscription_id=None, expires_at=None),
        }.get(event)
        if changed is not None and row.subscription_id in {notification.subscription_id, None}:
            await tx.save_subscription(changed)
            await tx.wake(periodic(SUBSCRIPTIONS, self.clock))

    async def _new(self, resource: str) -> SubscriptionRow:
        """The client state is written down before Graph hears of it: a notification may come
        before the answer to the creation does.
        """
        row = SubscriptionRow(resource, self.ids.new_secret())
        await self._save(row)
        return row

    async def _tend(self, row: SubscriptionRow) -> None:
        now = self.clock.now()
        if row.retry_at is not None and row.retry_at > now:
            return
        if row.subscription_id is not None and row.expires_at and row.expires_at - now > RENEW_BEFORE:
            return
        try:
            made = await self._renew_or_create(row)
        except UnavailableError as error:
            log.warning("subscription_later", resource=row.resource, why=str(error))
        except DirectoryError as error:
            await self._refused(row, error)
        else:
            await self._save(SubscriptionRow(row.resource, row.client_state, made.id, made.expires_at))

    async def _renew_or_create(self, row: SubscriptionRow) -> GraphSubscription:
        until = self.clock.now() + LIFETIME
        if row.subscription_id is not None:
            try:
                renewed = await self.graph.renew(row.subscription_id, until)
            except NotFoundError:
                log.warning("subscription_gone", resource=row.resource)
            else:
                log.info("subscription_renewed", resource=row.resource, until=renewed.expires_at.isoformat())
                return renewed
        created = await self.graph.create(row.resource, row.client_state, until)
        log.info("subscription_created", resource=row.resource, until=created.expires_at.isoformat())
        return created

    async def _refused(self, row: SubscriptionRow, error: DirectoryError) -> None:
        why = str(error)
        if row.refused is None:
            log.error(
                "subscription_refused",
                resource=row.resource,
                why=why,
                next_step="polling goes on; name a resource this tenant accepts in"
                " SECONDKEY_SUBSCRIPTIONS, or remove this one",
            )
            async with self.store.transaction() as tx:
                facts = {"resource": row.resource, "why": why}
                await tx.audit(entry(self.clock, AuditEvent.SUBSCRIPTION_REFUSED, None, None, facts))
        await self._save(
            replace(row, subscription_id=None, refused=why, retry_at=self.clock.now() + RETRY_REFUSED)
        )

    async def _drop(self, row: SubscriptionRow) -> None:
        try:
            if row.subscription_id is not None:
                await self.graph.delete(row.subscription_id)
        except DirectoryError as error:
            log.warning("subscription_not_dropped", resource=row.resource, why=str(error))
            return
        async with self.store.transaction() as tx:
            await tx.drop_subscription(row.resource)
        log.info("subscription_dropped", resource=row.resource)

    async def _save(self, row: SubscriptionRow) -> None:
        async with self.store.transaction() as tx:
            await tx.save_subscription(row)


def _whose(notification: Notification, rows: Iterable[SubscriptionRow]) -> SubscriptionRow | None:
    """Compares with every row, always all of them: how long it takes says nothing."""
    found = None
    for row in rows:
        if hmac.compare_digest(
            row.client_state.encode(), notification.client_state.encode("utf-8", "replace")
        ):
            found = row
    return found

"""Whoever tries again and again to decide what they may not is reported to ops.

Tries are counted from the audit log, so that neither a crash nor a second replica forgets one. The
check is an effect of its own, one row an actor: it never runs beside itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from bot.domain.audit import AuditEvent
from bot.domain.conduct import Limit, to_report
from bot.domain.content import ConductCard
from bot.domain.model import Actor, ApprovalRequest, Person, Reason
from bot.ports import AuditEntry, Channel, Clock, Effect, LeasedEffect, Store, Transaction
from bot.service.common import CONDUCT, entry, finish, identity_of, named
from bot.service.runner import settle
from bot.telemetry import metrics

COUNTED: Final = frozenset({AuditEvent.REFUSED, AuditEvent.FORGED, AuditEvent.IMPERSONATION})
"""What is a try. A refusal for want of a fact is nobody's doing, and does not count."""
_MOST_TRIES: Final = 500
"""More are not read: who tries as often is reported anyway."""
_MOST_REQUESTS: Final = 5
_LIMIT: Final = Limit()

log = structlog.get_logger(__name__)


def conduct_check(actor: Actor, request_id: str | None, clock: Clock) -> Effect:
    """See whether this actor's last try was one too many."""
    who = named(actor.identity)
    payload = {"actor": who, "name": actor.display_name, "request": request_id}
    return Effect(f"{CONDUCT}:{who}", CONDUCT, clock.now(), payload)


@dataclass(frozen=True, slots=True)
class Conduct:
    """Carries out ``conduct.check``. A repeat after a crash reports again rather than not at all."""

    store: Store
    channel: Channel
    clock: Clock
    portal_url: str
    ops_channel_of: Callable[[ApprovalRequest | None], str]
    limit: Limit = _LIMIT

    async def check(self, effect: LeasedEffect) -> None:
        """Effect handler. Raises ``ChannelError``."""
        async with self.store.transaction() as tx:
            tries = await self._unreported(tx, effect)
            requests = await _requests(tx, tries)
            if not tries:
                await finish(tx, effect)
                return
        card = self._card(effect, tries, requests)
        await self.channel.post(self.ops_channel_of(requests[0] if requests else None), card)
        metrics.CARDS.add(card="conduct", action="posted")
        metrics.CONDUCT_REPORTS.add()
        log.warning("conduct_reported", actor=effect.payload["actor"], tries=len(tries))

        async def record(tx: Transaction) -> None:
            await tx.audit(self._entry(effect, tries))
            await finish(tx, effect)

        await settle(self.store, record)

    def _entry(self, effect: LeasedEffect, tries: Sequence[AuditEntry]) -> AuditEntry:
        limit, about = self.limit, identity_of(str(effect.payload["actor"]))
        facts = {
            "tries": len(tries),
            "since": tries[0].at.isoformat(),
            "until": tries[-1].at.isoformat(),
            "events": dict(Counter(line.event for line in tries)),
            "rules": [f"{limit.tries} tries in {limit.window.total_seconds():g} seconds are reported"],
        }
        return entry(self.clock, AuditEvent.REPORTED, tries[-1].request_id, about, facts)

    async def _unreported(self, tx: Transaction, effect: LeasedEffect) -> tuple[AuditEntry, ...]:
        """The tries that make up a report, if there are enough."""
        actor, since = str(effect.payload["actor"]), effect.due_at - 2 * self.limit.window
        reports = await tx.audit_of(actor, [AuditEvent.REPORTED], since, 1)
        lines = await tx.audit_of(actor, sorted(COUNTED), since, _MOST_TRIES)
        tries = tuple(line for line in lines if _is_try(line))
        last = datetime.fromisoformat(str(reports[0].facts["until"])) if reports else None
        times = set(to_report([line.at for line in tries], last, self.limit))
        return tuple(line for line in tries if line.at in times)

    def _card(
        self, effect: LeasedEffect, tries: Sequence[AuditEntry], requests: tuple[ApprovalRequest, ...]
    ) -> ConductCard:
        events = Counter(line.event for line in tries)
        reasons = Counter(reason for line in tries for reason in _reasons(line))
        return ConductCard(
            person=Person(identity_of(str(effect.payload["actor"])), str(effect.payload["name"])),
            since=tries[0].at,
            until=tries[-1].at,
            refusals=tuple((reason, reasons[reason]) for reason in Reason if reasons[reason]),
            forged=events[AuditEvent.FORGED],
            impersonated=events[AuditEvent.IMPERSONATION],
            tries=len(tries),
            requests=requests,
            portal_url=self.portal_url,
        )


async def _requests(tx: Transaction, tries: Iterable[AuditEntry]) -> tuple[ApprovalRequest, ...]:
    """What was tried on, latest first."""
    ids = dict.fromkeys(line.request_id for line in reversed(tuple(tries)) if line.request_id)
    found = [await tx.request(request_id) for request_id in list(ids)[:_MOST_REQUESTS]]
    return tuple(request for request in found if request is not None)


def _is_try(line: AuditEntry) -> bool:
    return line.event != AuditEvent.REFUSED or any(r is not Reason.FACT_UNREADABLE for r in _reasons(line))


def _reasons(line: AuditEntry) -> tuple[Reason, ...]:
    """Each once; a reason of a later release than this one's is left out."""
    given = {str(refusal["reason"]) for refusal in line.facts.get("refusals", ())}
    return tuple(reason for reason in Reason if reason.value in given)

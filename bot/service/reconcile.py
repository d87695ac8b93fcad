"""Signals are hints, Graph is the truth: read what is pending there, act on the difference."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.domain import group_roles, lifecycle
from bot.domain.errors import DirectoryError, IncompleteListingError
from bot.domain.model import ApprovalRequest, PimRequest, PimStatus, State
from bot.ports import Clock, Directory, LeasedEffect, Store, Transaction
from bot.service.common import RECONCILE, periodic
from bot.service.intake import Intake
from bot.service.recover import SETTLING, Recovery
from bot.telemetry import metrics

_AT_ONCE: Final = 8
"""Requests looked into side by side."""
_OVERDUE_POLLS: Final = 2
_OVERDUE_SLACK: Final = timedelta(seconds=60)
"""With the polls: how long a round may be overdue before Graph counts as not read lately."""

log = structlog.get_logger(__name__)


class Reconciler:
    """Carries out ``reconcile``, one row that is due every ``poll`` and whenever it is woken."""

    def __init__(
        self,
        *,
        directory: Directory,
        intake: Intake,
        recovery: Recovery,
        store: Store,
        clock: Clock,
        poll: timedelta,
    ) -> None:
        self._directory = directory
        self._intake = intake
        self._recovery = recovery
        self._store = store
        self._clock = clock
        self._poll = poll
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._began_at: datetime | None = None
        self._missing: tuple[str, frozenset[str]] | None = None
        """What the last round could not list, so that it is told once."""

    async def begin(self) -> None:
        """Have the first round run; for ``fresh``, what was read before this counts for nothing."""
        first = periodic(RECONCILE, self._clock)
        self._began_at = first.due_at
        async with self._store.transaction() as tx:
            await tx.wake(first)

    async def fresh(self) -> bool:
        """Whether a round has been finished since ``begin``, by whichever replica, and lately.

        Only a finished round moves the row's due time on: waking brings it forward, and a failed
        round leaves it as it was.
        """
        if self._began_at is None:
            return False
        async with self._store.transaction() as tx:
            due = await tx.due_at(RECONCILE)
        if due is None or due <= self._began_at:
            return False
        return self._clock.now() - due <= _OVERDUE_POLLS * self._poll + _OVERDUE_SLACK

    async def run(self, effect: LeasedEffect) -> None:
        """Effect handler. Raises ``DirectoryError`` when Graph can't be read, after having done
        all it could.
        """
        await self._measured_round()
        async with self._store.transaction() as tx:
            if not await tx.reschedule(effect, self._clock.now() + self._poll):
                log.info("reconcile_lease_lost")

    async def _measured_round(self) -> None:
        loop = asyncio.get_running_loop()
        began, result = loop.time(), "failed"
        try:
            result = "done" if await self.reconcile() else "partial"
        finally:
            metrics.RECONCILE_SECONDS.observe(loop.time() - began, result=result)

    async def reconcile(self) -> bool:
        """Take in what is new and settle what is over. False: some groups could not be read. Raises
        ``DirectoryError``.
        """
        listed, incomplete = await self._listed()
        pending = {p.id: p for p in listed}
        async with self._store.transaction() as tx:
            known = {r.id: r for r in await tx.open_requests()}
            new = [p for p in pending.values() if p.id not in known and await self._is_new(tx, p)]
        work = [self._intake.take_in(p) for p in new]
        work += [
            self._settle(r) for r in known.values() if r.id not in pending and _settleable(r, incomplete)
        ]
        work += [self._complete(r, pending[r.id]) for r in known.values() if _completable(r, pending)]
        await self._all(work)
        if incomplete is not None and incomplete.directory_roles is not None:
            raise incomplete.directory_roles
        return incomplete is None

    async def _listed(self) -> tuple[tuple[PimRequest, ...], IncompleteListingError | None]:
        """What Graph has pending, as far as it could be listed. Groups that can't be read hold up
        nothing else, so that their next turn is soon enough.
        """
        try:
            listed, incomplete = await self._directory.pending_requests(), None
        except IncompleteListingError as error:
            listed, incomplete = error.found, error
        missing = (str(incomplete), incomplete.groups) if incomplete is not None else None
        if missing != self._missing:
            told = {"why": missing[0], "groups": sorted(missing[1])} if missing else {"groups": []}
            log.warning("pending_requests_incomplete", **told)
            self._missing = missing
        return listed, incomplete

    async def _is_new(self, tx: Transaction, pim: PimRequest) -> bool:
        """Closed requests stay listed for a moment; one that is listed for longer was closed by
        mistake, and somebody has to know.
        """
        stored = await tx.request(pim.id)
        if stored is not None and stored.ended_at and self._clock.now() - stored.ended_at > SETTLING:
            log.error(
                "closed_here_but_pending_in_graph",
                request=pim.id,
                state=stored.state.value,
                next_step="decide it in the PIM portal",
            )
        return stored is None

    async def _settle(self, request: ApprovalRequest) -> bool:
        """The list may lag behind, so a request that is missing in it is asked for by its id. One of a
        group that can't be read is left to the next round, and holds up no request for a role.
        """
        try:
            pim = await self._directory.request(request.id, request.role.definition_id)
        except DirectoryError as error:
            if group_roles.parse(request.role.definition_id) is None:
                raise
            log.warning("group_request_unread", request=request.id, why=str(error))
            return False
        if pim is not None and pim.status is PimStatus.AWAITING_APPROVAL:
            return False
        settled = await self._recovery.settle(request, pim)
        if settled is not None:
            log.info("request_settled", request=request.id, state=settled.state.value)
        return settled is not None

    async def _complete(self, request: ApprovalRequest, pim: PimRequest) -> bool:
        await self._intake.complete(request, pim)
        return True

    async def _all(self, work: Iterable[Coroutine[object, object, bool]]) -> None:
        """Each on its own: one request that can't be read keeps no other from its card."""
        results = await asyncio.gather(*(self._one(w) for w in work), return_exceptions=True)
        failures = [r for r in results if isinstance(r, BaseException)]
        for failure in failures:
            log.warning("reconcile_incomplete", why=str(failure), error=type(failure).__name__)
        if failures:
            raise failures[0]

    async def _one(self, work: Coroutine[object, object, bool]) -> bool:
        async with self._slots:
            return await work


def _settleable(request: ApprovalRequest, incomplete: IncompleteListingError | None) -> bool:
    """A decision on its way belongs to whoever claimed it, and then to its recovery. A request that
    is missing only because it could not be listed says nothing.
    """
    hidden = incomplete is not None and incomplete.hides(request.role.definition_id)
    return request.state is State.PENDING and not hidden


def _completable(request: ApprovalRequest, pending: dict[str, PimRequest]) -> bool:
    return request.id in pending and lifecycle.is_incomplete(request)

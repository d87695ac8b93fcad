"""Approvals as Graph keeps them: first decision wins, and the token says who reviewed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fakes.directory import FakeGraph
from fakes.people import bearer
from fakes.values import NAMES, person

from bot.domain.errors import AlreadyDecidedError, NotFoundError
from bot.domain.model import (
    ApprovalRef,
    ApprovalStep,
    Choice,
    Decision,
    Identity,
    PimRequest,
    PimStatus,
    UserAssertion,
)
from bot.ports import Clock


class Killed(BaseException):
    """The process dies here."""


@dataclass(frozen=True)
class Patch:
    """One PATCH that Graph received."""

    by: Identity
    approval_id: str
    step_id: str
    choice: Choice
    justification: str


@dataclass
class FakeApprovals:
    """``ports.Approvals``. The queues of failures are used up one call at a time; None passes."""

    graph: FakeGraph
    clock: Clock
    received: list[Patch] = field(default_factory=list)
    taken: list[Patch] = field(default_factory=list)
    """Those that took effect."""
    before: deque[BaseException | None] = field(default_factory=deque)
    """Raised by ``decide`` with nothing done."""
    after: deque[BaseException | None] = field(default_factory=deque)
    """Raised by ``decide`` when the step is completed already."""
    reading: deque[BaseException | None] = field(default_factory=deque)
    when_read: Callable[[], Awaitable[object]] | None = None
    """Awaited after a reading was taken, before it is handed out."""
    when_decided: Callable[[], Awaitable[object]] | None = None
    """Awaited before a PATCH is looked at."""

    async def read(self, assertion: UserAssertion, approval: ApprovalRef) -> ApprovalStep:
        _raise_next(self.reading)
        step = self._step(bearer(assertion), approval)
        if self.when_read is not None:
            await self.when_read()
        return step

    async def decide(
        self,
        assertion: UserAssertion,
        approval: ApprovalRef,
        step_id: str,
        choice: Choice,
        justification: str,
    ) -> None:
        approval_id = self._pim(approval).approval_id or ""
        patch = Patch(bearer(assertion), approval_id, step_id, choice, justification)
        self.received.append(patch)
        if self.when_decided is not None:
            await self.when_decided()
        _raise_next(self.before)
        if approval_id in self.graph.decided:
            raise AlreadyDecidedError(status=409)
        self.taken.append(patch)
        by = person(patch.by.object_id, NAMES.get(patch.by.object_id), patch.by.tenant_id)
        self.graph.complete(approval_id, Decision(choice, by, justification, self.clock.now()))
        _raise_next(self.after)

    def _pim(self, approval: ApprovalRef) -> PimRequest:
        """The request it is about; each kind of role has an API of its own."""
        for pim in self.graph.requests.values():
            if ApprovalRef(pim.role_definition_id, pim.approval_id or "") == approval:
                return pim
        raise NotFoundError(status=404)

    def _step(self, reader: Identity, approval: ApprovalRef) -> ApprovalStep:
        pim, approval_id = self._pim(approval), approval.approval_id
        decision = self.graph.decided.get(approval_id)
        waiting = pim.status is PimStatus.AWAITING_APPROVAL and approval_id not in self.graph.closed
        assigned = any(p.identity == reader for p in self.graph.policy.approvers)
        return ApprovalStep(approval_id, approval_id, waiting and decision is None, assigned, decision)


def _raise_next(failures: deque[BaseException | None]) -> None:
    error = failures.popleft() if failures else None
    if error is not None:
        raise error


def all_together(parties: int) -> Callable[[], Awaitable[object]]:
    """A meeting point: nobody goes on before everybody is there."""
    return asyncio.Barrier(parties).wait

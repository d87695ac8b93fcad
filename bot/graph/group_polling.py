"""Pending requests of PIM for Groups, group by group.

Graph lists these requests by group or by principal only (docs/entra-facts.md §3), so that a round costs
one read for each group. It is bounded: a round reads at most sixty groups, eight at a time and within
four seconds, those first whose last turn is longest ago. A group that can't be read has its next turn
later, and holds up no other; so does Graph's ``Retry-After``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from bot.domain.errors import DirectoryError, UnavailableError
from bot.domain.model import PimRequest
from bot.graph.calls import GraphCalls, literal, query
from bot.graph.managed_groups import ManagedGroups
from bot.graph.parsing import Json, awaiting, group_request_of, required
from bot.ports import Clock

_log = structlog.get_logger(__name__)
MOST_A_ROUND: Final = 60
_AT_ONCE: Final = 8
_SECONDS: Final = 4.0
"""A round of reconciliation has eight, and the requests for directory roles are read meanwhile."""
_AGAIN_AFTER: Final = timedelta(seconds=30)
_AGAIN_AFTER_REFUSAL: Final = timedelta(minutes=5)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Turn:
    """Where a group stands. ``failed``: since it was last read, it could not be."""

    last: datetime = _LONG_AGO
    not_before: datetime = _LONG_AGO
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """What one round found, and the groups whose requests are not known."""

    found: tuple[PimRequest, ...]
    unread: frozenset[str]
    failure: DirectoryError | None = None
    """Why it is not known which groups there are."""

    @property
    def whole(self) -> bool:
        return not self.unread and self.failure is None


@dataclass(slots=True)
class GroupPolling:
    """One for a process, since it remembers whose turn it is."""

    calls: GraphCalls
    graph: Any
    groups: ManagedGroups
    clock: Clock
    _turns: dict[str, _Turn] = field(default_factory=dict)

    async def round(self) -> Round:
        """The requests that await approval in the groups whose turn it is. Raises nothing that Graph
        may answer: see ``Round.unread``.
        """
        ends = asyncio.get_running_loop().time() + _SECONDS
        known = await self.groups.ids()
        self._turns = {one: self._turns.get(one, _Turn()) for one in known}
        chosen = self._chosen()
        found = await self._read(chosen, ends)
        unread = frozenset(one for one, turn in self._turns.items() if turn.failed)
        return Round(tuple(one for requests in found for one in requests), unread, self.groups.failure)

    def _chosen(self) -> list[str]:
        now = self.clock.now()
        due = [one for one, turn in self._turns.items() if turn.not_before <= now]
        return sorted(due, key=lambda one: self._turns[one].last)[:MOST_A_ROUND]

    async def _read(self, groups: Sequence[str], ends: float) -> list[Sequence[PimRequest]]:
        slots = asyncio.Semaphore(_AT_ONCE)
        return await asyncio.gather(*(self._turn_of(one, slots, ends) for one in groups))

    async def _turn_of(self, group_id: str, slots: asyncio.Semaphore, ends: float) -> Sequence[PimRequest]:
        turn = self._turns[group_id]
        try:
            async with asyncio.timeout_at(ends), slots:
                found = await self._pending(group_id)
        except (DirectoryError, TimeoutError) as error:
            self._put_off(group_id, turn, error)
            return []
        turn.last, turn.failed = self.clock.now(), False
        return found

    def _put_off(self, group_id: str, turn: _Turn, error: Exception) -> None:
        transient = isinstance(error, UnavailableError | TimeoutError)
        pause = _AGAIN_AFTER if transient else _AGAIN_AFTER_REFUSAL
        asked = getattr(error, "retry_after", None)
        if isinstance(asked, int | float) and asked > pause.total_seconds():
            pause = min(timedelta(seconds=asked), _AGAIN_AFTER_REFUSAL)
        turn.last, turn.failed = self.clock.now(), True
        turn.not_before = turn.last + pause
        why = str(error) or "no answer in time"
        told = {"group": group_id, "why": why, "again_in": pause.total_seconds()}
        if transient:
            _log.warning("pim_group_unread", **told)
        else:
            _log.error("pim_group_unreadable", **told)

    async def _pending(self, group_id: str) -> tuple[PimRequest, ...]:
        """Not filtered by status: what is not known to be settled has to be seen, whatever it says."""
        requests = self.graph.identity_governance.privileged_access.group.assignment_schedule_requests
        info = query(requests.to_get_request_information(), filter=f"groupId eq {literal(group_id)}")
        rows = [row for row in await self.calls.read_all(info) if _is_of(row, group_id)]
        return awaiting(rows, group_request_of, self.clock.now())


def _is_of(row: Json, group_id: str) -> bool:
    """In case Graph ignores the filter."""
    return required(row, "groupId").lower() == group_id

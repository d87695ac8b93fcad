"""Carries out effects: claims what is due, hands it to its handler, and gives back what failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import structlog

from bot.domain.errors import ChannelRefusedError, NotFoundError, PermissionMissingError, RejectedError
from bot.ports import Clock, LeasedEffect, Store, Transaction
from bot.telemetry import metrics
from bot.telemetry.context import carrying_out

log = structlog.get_logger(__name__)

T = TypeVar("T")

Handler = Callable[[LeasedEffect], Awaitable[None]]
"""Carries out one effect and settles it (``tx.finish`` or ``tx.reschedule``) in the transaction that
records the result. Raising gives the effect back, to be tried again later.
"""

PERMANENT: Final = (ChannelRefusedError, RejectedError, PermissionMissingError, NotFoundError)
"""Failures that only a person can mend; tried again slowly, since nobody tells us when they have."""

_TIMEOUT_SHARE: Final = 0.8
"""A handler gets this much of its lease, so that it has stopped before somebody else may start."""
_FIRST_RETRY_SECONDS: Final = 1.0
_SLOWEST_RETRY_SECONDS: Final = 60.0
_REFUSED_RETRY_SECONDS: Final = 300.0
_LONGEST_PAUSE_SECONDS: Final = 300.0
"""What a service asks for with Retry-After is honoured up to this; beyond, it would be a stall."""
_LOOP_BACKOFF_SECONDS: Final = (0.05, 5.0)
"""First and longest pause of the loop while the store fails, in real time."""
_RELEASE_SECONDS: Final = 1.0
"""For giving leases back when stopping; a store that takes longer gets them back when they end."""
_ERROR_CHARACTERS: Final = 500
_UNSETTLED: Final = "the handler returned without finish or reschedule"


@dataclass(frozen=True, slots=True)
class _Return:
    """A lease to be given back, and what to say if it was still held."""

    effect: LeasedEffect
    after: float
    error: str
    result: str = "unsettled"
    """For ``metrics.EFFECTS``, if the lease was still held; when it was not, the handler settled it."""


class EffectRunner:
    """Claims and carries out effects until stopped. ``owner`` must be unique to this process.

    An effect never runs beside itself: the store gives an owner nothing that it still holds, and
    what comes back to this process too early waits until the older run has ended.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        handlers: Mapping[str, Handler],
        owner: str,
        *,
        lease_seconds: float = 10.0,
        concurrency: int = 8,
        idle_seconds: float = 0.5,
    ) -> None:
        self._store = store
        self._clock = clock
        self._handlers = dict(handlers)
        self._kinds = tuple(self._handlers)
        self._owner = owner
        self._lease = lease_seconds
        self._concurrency = concurrency
        self._idle = idle_seconds
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._loop_ended = asyncio.Event()
        self._loop_ended.set()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._overdue_at: dict[str, float] = {}
        self._successors: dict[str, tuple[LeasedEffect, float]] = {}
        self._returns: list[_Return] = []
        self.heartbeat = datetime.min.replace(tzinfo=UTC)
        """When the loop last went round without an error, by the clock; long ago until it first did."""

    def poke(self) -> None:
        """Claim now. To be called after each commit that enqueued or woke something."""
        self._wake.set()

    async def run(self) -> None:
        """Run until ``stop``. Errors of the store are logged and tried again, never raised."""
        self._loop_ended.clear()
        freed, pause = False, _LOOP_BACKOFF_SECONDS[0]
        try:
            while not self._stopping.is_set():
                try:
                    if not freed:
                        # What an earlier run under this name left behind would never come back.
                        await self._store.free_leases(self._owner)
                        freed = True
                    delay = await self._turn()
                    self.heartbeat, pause = self._clock.now(), _LOOP_BACKOFF_SECONDS[0]
                    await self._wait(delay)
                except Exception:
                    log.exception("effect_loop_failed", again_in=pause)
                    # In real time: the clock may be what failed.
                    await self._stopped_within(pause)
                    pause = min(2 * pause, _LOOP_BACKOFF_SECONDS[1])
        finally:
            self._loop_ended.set()

    async def stop(self, grace_seconds: float) -> None:
        """Claim no more, let handlers end for so many (real) seconds, cancel the rest and give their
        leases back. Calling it again does no harm.
        """
        self._stopping.set()
        self.poke()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self._loop_ended.wait()
                while self._running:
                    await asyncio.wait(self._running.values())
        left = list(self._running.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                freed = await self._store.free_leases(self._owner)
        except Exception:
            log.exception("effect_leases_not_freed", cancelled=len(left))
        else:
            log.info("effect_runner_stopped", cancelled=len(left), freed=freed)

    async def _turn(self) -> float:
        """Give back, claim and start. Returns for how long there will be nothing to do, in seconds."""
        self._wake.clear()
        self._tell_overdue()
        await self._give_back_all()
        free = self._concurrency - len(self._running) - len(self._successors)
        if free <= 0:
            return self._idle
        before = self._clock.now()
        claimed = await self._store.claim_effects(self._owner, self._kinds, free, self._lease)
        ends = asyncio.get_running_loop().time() + _TIMEOUT_SHARE * self._lease
        for effect in claimed:
            self._start(effect, ends)
        if len(claimed) == free:
            return self._idle
        due = await self._store.next_due(self._kinds)
        # Anything due earlier could not be claimed just now, so that asking at once would spin.
        if due is None or due <= before:
            return self._idle
        return min(self._idle, max(0.0, (due - self._clock.now()).total_seconds()))

    async def _wait(self, seconds: float) -> None:
        """Until poked, or until so many seconds of the clock are over."""
        if self._wake.is_set() or self._stopping.is_set():
            return
        poked = asyncio.ensure_future(self._wake.wait())
        timer = asyncio.ensure_future(self._clock.wait(seconds))
        try:
            done, _ = await asyncio.wait({poked, timer}, return_when=asyncio.FIRST_COMPLETED)
            if timer in done:
                timer.result()
        finally:
            poked.cancel()
            timer.cancel()
            await asyncio.gather(poked, timer, return_exceptions=True)

    def _start(self, effect: LeasedEffect, ends: float) -> None:
        """``ends``: when its handler has to be over, in the event loop's time."""
        if self._stopping.is_set():
            return
        if effect.key in self._running:
            self._successors[effect.key] = (effect, ends)
            return
        task = asyncio.create_task(self._carry_out(effect, ends), name=f"effect {effect.key}")
        self._running[effect.key] = task
        self._overdue_at[effect.key] = ends + self._lease
        task.add_done_callback(lambda _: self._ended(effect.key))

    def _ended(self, key: str) -> None:
        del self._running[key]
        self._overdue_at.pop(key, None)
        successor = self._successors.pop(key, None)
        if successor is not None:
            self._start(*successor)
        self.poke()

    def _tell_overdue(self) -> None:
        """A handler that goes on after its timeout blocks its effect here, which must not be silent."""
        now = asyncio.get_running_loop().time()
        for key in [key for key, at in self._overdue_at.items() if at < now]:
            del self._overdue_at[key]
            log.error("effect_stuck", key=key)

    async def _stopped_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _carry_out(self, effect: LeasedEffect, ends: float) -> None:
        with carrying_out(effect.kind, effect.key, effect.due_at, effect.payload):
            await self._done_or_given_back(effect, ends)

    async def _done_or_given_back(self, effect: LeasedEffect, ends: float) -> None:
        if effect.attempts > 1:
            log.warning("effect_repeated", key=effect.key, kind=effect.kind, attempts=effect.attempts)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout_at(ends):
                await self._handlers[effect.kind](effect)
        except asyncio.CancelledError:
            if self._stopping.is_set():
                raise
            returned = _failed(effect, RuntimeError("the handler was cancelled from inside"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the effect has to be tried again
            returned = _failed(effect, error)
        else:
            # Does nothing when the handler settled the effect, as it should have.
            returned = _Return(effect, _retry_seconds(effect, None), _UNSETTLED)
        metrics.EFFECT_SECONDS.observe(loop.time() - began, kind=effect.kind)
        await self._give_back(returned)

    async def _give_back(self, returned: _Return) -> None:
        effect = returned.effect
        at = self._clock.now() + timedelta(seconds=returned.after)
        try:
            held = await self._store.retry_effect(effect, at, returned.error)
        except Exception:
            log.exception("effect_not_given_back", key=effect.key, kind=effect.kind)
            self._returns.append(returned)
            return
        if held and returned.error == _UNSETTLED:
            log.error("effect_unsettled", key=effect.key, kind=effect.kind, again_in=returned.after)
        metrics.EFFECTS.add(kind=effect.kind, result=returned.result if held else "done")

    async def _give_back_all(self) -> None:
        returns, self._returns = self._returns, []
        for returned in returns:
            await self._give_back(returned)


def _failed(effect: LeasedEffect, error: Exception) -> _Return:
    """What to do about a failure, said in the log."""
    after = _retry_seconds(effect, error)
    # The message of an error may quote what a service answered, so the store gets a bounded piece.
    why = f"{type(error).__name__}: {error}"[:_ERROR_CHARACTERS]
    fields = {"key": effect.key, "kind": effect.kind, "attempts": effect.attempts, "again_in": after}
    refused = isinstance(error, PERMANENT)
    if refused:
        log.error("effect_refused", **fields, why=why)
    else:
        log.warning("effect_failed", **fields, why=why, exc_info=error)
    return _Return(effect, after, why, "refused" if refused else "failed")


def _retry_seconds(effect: LeasedEffect, error: Exception | None) -> float:
    asked = getattr(error, "retry_after", None)
    if isinstance(asked, int | float) and asked >= 0:
        return min(max(float(asked), _FIRST_RETRY_SECONDS), _LONGEST_PAUSE_SECONDS)
    if isinstance(error, PERMANENT):
        return _REFUSED_RETRY_SECONDS
    doublings = min(effect.attempts - 1, 10)
    return min(_FIRST_RETRY_SECONDS * 2.0**doublings, _SLOWEST_RETRY_SECONDS)


async def settle(store: Store, record: Callable[[Transaction], Awaitable[T]], *, tries: int = 5) -> T:
    """Run ``record`` in a transaction of its own, again when the store fails (``ConnectionError``).

    For the transaction that records something already done: giving up would do it twice. ``record``
    must bear repetition, also after a commit whose answer was lost.
    """
    pause = _LOOP_BACKOFF_SECONDS[0]
    for _ in range(tries - 1):
        try:
            async with store.transaction() as tx:
                return await record(tx)
        except ConnectionError:
            log.exception("effect_record_failed", again_in=pause)
            await asyncio.sleep(pause)
            pause *= 2
    async with store.transaction() as tx:
        return await record(tx)

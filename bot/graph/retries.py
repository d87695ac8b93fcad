"""When a call is repeated, and how long all of it may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog
import tenacity

from bot.domain.errors import UnavailableError
from bot.graph.errors import BusyError

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)
_backoff = tenacity.wait_random_exponential(multiplier=0.25, max=3)


@dataclass(frozen=True, slots=True)
class Retries:
    """At most ``attempts`` calls in at most ``seconds`` altogether, ``Retry-After`` honoured.

    Only ``BusyError`` leads to a repetition. A wait that would not fit is not begun.
    """

    attempts: int = 4
    seconds: float = 10.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """The call's answer. Raises what its last attempt raised; never cuts an attempt short."""

        async def attempt() -> _T:  # tenacity awaits only what it can see is a coroutine function
            return await call()

        return await tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self.attempts) | tenacity.stop_before_delay(self.seconds),
            wait=_wait,
            retry=tenacity.retry_if_exception_type(BusyError),
            sleep=self.sleep,
            before_sleep=_report,
            reraise=True,
        )(attempt)

    async def run_bounded(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """As ``run``, but an attempt under way when the time is up is abandoned: for calls that
        change nothing. Raises ``UnavailableError`` then.
        """
        try:
            async with asyncio.timeout(self.seconds):
                return await self.run(call)
        except TimeoutError as exc:
            raise UnavailableError(f"No answer within {self.seconds:g} seconds") from exc


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, BusyError) and error.retry_after is not None:
        return error.retry_after
    return _backoff(state)


def _report(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    _log.warning(
        "graph_call_repeated",
        attempt=state.attempt_number,
        wait_seconds=round(state.upcoming_sleep, 3),
        why=str(error),
    )

"""App-only tokens, cached by the port's clock."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.domain.errors import RejectedError, UnavailableError
from bot.graph.entra import Entra
from bot.graph.retries import Retries
from bot.ports import Clock
from bot.telemetry import metrics

_log = structlog.get_logger(__name__)
_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Held:
    token: str = field(repr=False)
    renew_at: datetime
    expires_at: datetime


class EntraAppTokens:
    """Implements ``ports.AppTokens``: one token per scope, renewed five minutes before it expires
    (or after three quarters of a shorter life), fetched once however many wait for it.
    """

    def __init__(self, entra: Entra, clock: Clock, retries: Retries) -> None:
        self._entra = entra
        self._clock = clock
        self._retries = retries
        self._held: dict[str, _Held] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def token(self, scope: str) -> str:
        """Raises ``UnavailableError`` or ``RejectedError``; neither while the old token still lives
        and Entra is merely unavailable.
        """
        if held := self._fresh(scope):
            metrics.APP_TOKENS.add(result="cached")
            return held.token
        async with self._locks[scope]:
            held = self._fresh(scope) or await self._renew(scope)
        return held.token

    def forget(self, scope: str) -> None:
        """Drop the token; the next call asks Entra, not azure-identity's cache."""
        self._held.pop(scope, None)

    def _fresh(self, scope: str) -> _Held | None:
        held = self._held.get(scope)
        return held if held and self._clock.now() < held.renew_at else None

    async def _renew(self, scope: str) -> _Held:
        try:
            token, seconds = await self._entra.app_token(scope, self._retries)
        except UnavailableError:
            held = self._held.get(scope)
            if held is None or self._clock.now() >= held.expires_at:
                metrics.APP_TOKENS.add(result="failed")
                raise
            metrics.APP_TOKENS.add(result="kept")
            _log.warning("app_token_not_renewed", scope=scope, expires_at=held.expires_at.isoformat())
            return held
        except RejectedError:
            metrics.APP_TOKENS.add(result="failed")
            raise
        metrics.APP_TOKENS.add(result="fetched")
        life, now = timedelta(seconds=seconds), self._clock.now()
        held = _Held(token, renew_at=now + life - min(_MARGIN, life / 4), expires_at=now + life)
        self._held[scope] = held
        return held

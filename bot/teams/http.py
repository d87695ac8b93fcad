"""Calls to the connector and the token service: the bot's token, patience, and clear errors.

Retries follow Microsoft's rate-limit guidance for bots: 412, 429, 502 and 504 with jitter, and 503
because gateways say it; never longer than the attempts and the total time allow.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import structlog
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)
from yarl import URL

from bot.domain.errors import (
    ChannelError,
    ChannelRefusedError,
    ChannelUnavailableError,
    DirectoryError,
)
from bot.ports import AppTokens, Clock
from bot.telemetry.upstream import calling

_log = structlog.get_logger(__name__)
_TRANSIENT = frozenset({412, 429, 502, 503, 504})
_UNAUTHORIZED = 401
_ERROR_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_WORDS = frozenset(
    {
        *("v3", "conversations", "activities", "members", "pagedmembers", "teams"),
        *("api", "usertoken", "GetToken", "exchange", "SignOut", "botsignin", "GetSignInResource"),
    }
)
"""Of the paths of connector and token service."""
_backoff = wait_random_exponential(multiplier=0.25, max=2.0)
_jitter = wait_random_exponential(multiplier=0.05, max=0.25)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is kept up: attempts in all, and seconds in all."""

    attempts: int = 4
    total_seconds: float = 10.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class _TransientError(ChannelUnavailableError):
    """Trying again soon may help."""


class BotHttp:
    """One pooled session, one cached token. Raises ``ChannelError``s and nothing else."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: AppTokens,
        scope: str,
        clock: Clock,
        patience: Patience | None = None,
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._scope = scope
        self._clock = clock
        self._patience = patience or Patience()

    async def call(self, method: str, url: str, payload: Any = None) -> Any:
        """Send JSON (or nothing) and return the JSON that is answered, None when there is none.

        ``url`` is taken as it stands, already encoded. Raises ``ChannelUnavailableError`` when
        another try later may help, ``ChannelRefusedError`` with the service's error code when not.
        """
        data = None if payload is None else json.dumps(payload, separators=(",", ":")).encode()
        target = URL(url, encoded=True)
        try:
            async with asyncio.timeout(self._patience.total_seconds):
                return await self._retrying()(self._authorised, method, target, data)
        except TimeoutError as error:
            raise ChannelUnavailableError("No answer in time.") from error

    def _retrying(self) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception_type(_TransientError),
            stop=stop_after_attempt(self._patience.attempts)
            | stop_before_delay(self._patience.total_seconds),
            wait=_wait,
            sleep=self._patience.sleep,
            reraise=True,
        )

    async def _authorised(self, method: str, url: URL, data: bytes | None) -> Any:
        """One attempt; a 401 drops the cached token and is tried once more with a new one."""
        try:
            return await self._once(method, url, data)
        except ChannelUnavailableError as error:
            if error.status != _UNAUTHORIZED:
                raise
        self._tokens.forget(self._scope)
        return await self._once(method, url, data)

    async def _once(self, method: str, url: URL, data: bytes | None) -> Any:
        headers = {"Authorization": f"Bearer {await self._token()}"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            # Redirects are answers to refuse: following one would carry the bot's token along.
            with calling("teams", _operation(method, url)) as outcome:
                async with self._session.request(
                    method, url, data=data, headers=headers, allow_redirects=False
                ) as response:
                    outcome.status = response.status
                    body = await response.read()
            return self._answer(response, body)
        except aiohttp.ClientConnectionError as error:
            raise _TransientError(f"Not reachable ({type(error).__name__}).") from error
        except aiohttp.ClientPayloadError as error:
            raise ChannelUnavailableError("The answer broke off.") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise ChannelRefusedError(f"Not callable ({type(error).__name__}).") from error

    async def _token(self) -> str:
        try:
            return await self._tokens.token(self._scope)
        except DirectoryError as error:
            # A wrong secret too: somebody will put it right, and what is to be posted still counts.
            raise ChannelUnavailableError("No token for the connector.") from error

    def _answer(self, response: aiohttp.ClientResponse, body: bytes) -> Any:
        if 200 <= response.status < 300:  # noqa: PLR2004 - HTTP's own numbers
            return _json(body)
        raise self._error(response.status, response.headers, body)

    def _error(self, status: int, headers: Mapping[str, str], body: bytes) -> ChannelError:
        message = f"{_error_code(body)} ({status})"
        if status in _TRANSIENT:
            return _TransientError(message, status=status, retry_after=self._retry_after(headers))
        if status == _UNAUTHORIZED or status >= 500:  # noqa: PLR2004 - HTTP's own number
            return ChannelUnavailableError(message, status=status)
        return ChannelRefusedError(message, status=status)

    def _retry_after(self, headers: Mapping[str, str]) -> float | None:
        """``Retry-After`` in seconds, from either of its forms (RFC 9110 §10.2.3)."""
        text = headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - self._clock.now()).total_seconds())


def _operation(method: str, url: URL) -> str:
    """Method and path for a label: what is not one of the service's own words is an id."""
    path = "/".join(part if part in _WORDS else "{id}" for part in url.path.strip("/").split("/"))
    begin = min((path.find(word) for word in ("v3/", "api/") if word in path), default=0)
    return f"{method} /{path[begin:]}"


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, _TransientError) else None
    pause = _backoff(state) if asked is None else asked + _jitter(state)
    _log.info("connector_retry", attempt=state.attempt_number, seconds=round(pause, 3), error=str(error))
    return pause


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _error_code(body: bytes) -> str:
    """The error code of the Bot Connector's ``{"error": {"code": …}}``; nothing else of the body,
    which may repeat what was sent.
    """
    document = _json(body[:65_536])
    error = document.get("error") if isinstance(document, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else "HttpError"

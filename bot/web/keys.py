"""The connector's signing keys, fetched from its OpenID metadata and kept for a day.

Never on the event loop's time (the archived SDK fetches synchronously), and never so often that
strangers with made-up key ids could make us hammer the issuer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog
from yarl import URL

from bot.domain.errors import UnavailableError
from bot.inbound.tokens import ChannelKey, parse_jwks
from bot.ports import Clock

_log = structlog.get_logger(__name__)
_MAX_BYTES = 1 << 20
_FETCH = aiohttp.ClientTimeout(total=10, connect=3)
LIFETIME = timedelta(hours=24)
"""How long keys are used without asking again (Bot Connector specification: 24 hours)."""
UNKNOWN_KID_PAUSE = timedelta(seconds=60)
"""Between refreshes that an unknown key id sets off. The first one is made at once."""
FAILURE_PAUSE = timedelta(seconds=2)
"""After a failed fetch, before the next is tried."""


class ChannelKeys:
    """The key set as it is known now. One fetch at a time, whoever waits for it."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        metadata_url: str,
        clock: Clock,
        *,
        unknown_kid_pause: timedelta = UNKNOWN_KID_PAUSE,
    ) -> None:
        self._session = session
        self._metadata = URL(metadata_url)
        self._clock = clock
        self._pause = unknown_kid_pause
        self._lock = asyncio.Lock()
        self._keys: Mapping[str, ChannelKey] = {}
        self._good_until: datetime | None = None
        self._failed_at: datetime | None = None
        self._asked_again_at: datetime | None = None

    async def current(self) -> Mapping[str, ChannelKey]:
        """The keys, fetched if there are none or they are a day old.

        When fetching fails, older keys stay in use; without any, raises ``UnavailableError``.
        """
        if self._fresh():
            return self._keys
        async with self._lock:
            if not self._fresh():
                await self._renew()
        return self._keys

    async def refreshed(self, seen: Mapping[str, ChannelKey]) -> Mapping[str, ChannelKey]:
        """The keys after ``seen`` turned out not to hold a key id, fetched again unless that was
        done moments ago. Raises nothing: when fetching fails, ``seen`` is still what is known.
        """
        async with self._lock:
            now = self._clock.now()
            asked = self._asked_again_at
            if self._keys is seen and (asked is None or now - asked >= self._pause):
                await self._renew()
                if self._keys is not seen:
                    self._asked_again_at = now
        return self._keys

    def _fresh(self) -> bool:
        return self._good_until is not None and self._clock.now() < self._good_until

    async def _renew(self) -> None:
        now = self._clock.now()
        if self._failed_at is not None and now - self._failed_at < FAILURE_PAUSE:
            self._need_some()
            return
        try:
            self._keys = await self._fetch()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            self._failed_at = now
            _log.warning("channel_keys_not_fetched", error=type(error).__name__, kept=len(self._keys))
            self._need_some(error)
            return
        self._failed_at = None
        self._good_until = now + LIFETIME
        _log.info("channel_keys_fetched", keys=len(self._keys))

    def _need_some(self, error: Exception | None = None) -> None:
        if not self._keys:
            raise UnavailableError("The Bot Connector's signing keys can't be fetched.") from error

    async def _fetch(self) -> Mapping[str, ChannelKey]:
        metadata = await self._get(self._metadata)
        address = metadata.get("jwks_uri") if isinstance(metadata, dict) else None
        if not isinstance(address, str):
            raise ValueError("the OpenID metadata names no jwks_uri")  # noqa: TRY004 - a faulty document
        url = URL(address)
        # Keys over plain http would let anybody on the way sign activities; the metadata's own
        # origin is exempt since whoever can fake that has already won.
        if url.scheme != "https" and url.origin() != self._metadata.origin():
            raise ValueError("the jwks_uri is neither https nor the metadata's own origin")
        keys = parse_jwks(await self._get(url))
        if not keys:
            raise ValueError("the key set holds no usable key")
        return keys

    async def _get(self, url: URL) -> Any:
        async with self._session.get(url, timeout=_FETCH, allow_redirects=False) as response:
            if response.status != 200:  # noqa: PLR2004 - HTTP's own number
                raise ValueError(f"answered {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise ValueError("the document is too large")
        return json.loads(body)

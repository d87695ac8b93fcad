"""Which groups are looked after: those named in the settings, or all that PIM manages.

Graph lists the latter on beta ("List groupResource objects", 2025-11; in v1.0's metadata, but on none of
its pages), app-only with ``PrivilegedAccess.Read.AzureADGroup``. Nothing else lists them: eligibilities and
requests have to be asked for by group or by principal.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Final

import structlog
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from bot.domain.errors import DirectoryError, UnavailableError
from bot.graph.calls import GraphCalls
from bot.graph.parsing import required
from bot.ports import Clock

_log = structlog.get_logger(__name__)
_RESOURCES: Final = "{+graph}/beta/identityGovernance/privilegedAccess/group/resources"
_GRANT: Final = "grant the permission, or set SECONDKEY_PIM_GROUPS to the groups or to none"
_SECONDS: Final = 2.0
_LIFE: Final = timedelta(minutes=5)
"""For how long a list of the groups is used; bringing a group under management is a rare event."""
_SOON: Final = timedelta(seconds=30)
"""When it is read again if Graph only was too busy."""


class ManagedGroups:
    """``named``: object ids; None: all that PIM manages. ``url``: Graph's, without the version."""

    def __init__(self, calls: GraphCalls, url: str, named: tuple[str, ...] | None, clock: Clock) -> None:
        self._calls = calls
        self._url = url
        self._clock = clock
        self._found: tuple[str, ...] = named or ()
        self._fixed = named is not None
        self._good_until: datetime | None = None
        self._reading = asyncio.Lock()
        self.failure: DirectoryError | None = None
        """Why the list could not be read the last time; what is known from before stays in use."""

    async def ids(self) -> tuple[str, ...]:
        """Object ids, lower case. Raises nothing: see ``failure``."""
        async with self._reading:  # whoever asks meanwhile waits for the list, instead of seeing none
            now = self._clock.now()
            if not self._fixed and (self._good_until is None or now >= self._good_until):
                await self._refresh()
                # Not before: whoever is cancelled while reading leaves it to the next one.
                self._good_until = now + (_SOON if isinstance(self.failure, UnavailableError) else _LIFE)
        return self._found

    async def _refresh(self) -> None:
        found = await self._read()
        if isinstance(found, DirectoryError):
            transient = isinstance(found, UnavailableError)
            do = "none: it is tried again" if transient else _GRANT
            _log.log(
                logging.WARNING if transient else logging.ERROR,
                "pim_groups_unlisted",
                why=str(found),
                next_step=do,
            )
            self.failure = found
            return
        if found != self._found:
            _log.info("pim_groups_listed", groups=len(found))
        self._found, self.failure = found, None

    async def _read(self) -> tuple[str, ...] | DirectoryError:
        info = RequestInformation(Method.GET, _RESOURCES, {"graph": self._url})
        try:
            async with asyncio.timeout(_SECONDS):
                rows = await self._calls.read_all(info)
            return tuple(dict.fromkeys(required(row, "id").lower() for row in rows))
        except DirectoryError as error:
            return error
        except TimeoutError:
            return UnavailableError(f"The groups were not listed within {_SECONDS:g} seconds")

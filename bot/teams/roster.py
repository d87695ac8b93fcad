"""Who is in a channel: Teams ids by Entra object id, for user-specific views of a card."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from bot.domain.errors import ChannelError
from bot.domain.model import ApprovalRequest, Pool
from bot.ports import Clock
from bot.teams.connector import Conversations

_log = structlog.get_logger(__name__)
MAX_REFRESH: Final = 60
"""User ids that Teams accepts in ``refresh.userIds``."""
_LIFETIME: Final = timedelta(minutes=5)
_FAILURE_LIFETIME: Final = timedelta(seconds=30)
_FETCH_WITHIN: Final = 3.0
_PAGE: Final = 500
_MAX_PAGES: Final = 20
_MAX_ROSTERS: Final = 256


@dataclass(frozen=True, slots=True)
class _Known:
    until: datetime
    teams_ids: Mapping[str, str] = field(default_factory=dict)


class Roster:
    """Members of channels, remembered for five minutes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def refresh_ids(
        self, conversations: Conversations, channel_id: str, request: ApprovalRequest
    ) -> tuple[str, ...]:
        """Teams ids of the approver pool's members in the channel, those who can decide first, at
        most 60. Empty when the members can't be read: a card without views of its own still works.
        """
        if not isinstance(request.pool, Pool):
            return ()
        by_object_id = await self.members(conversations, channel_id)
        able = {member.person.identity.object_id for member in request.pool.able}
        pool = [member.person.identity.object_id for member in request.pool.members]
        ordered = sorted(dict.fromkeys(pool), key=lambda object_id: object_id not in able)
        return tuple(by_object_id[o] for o in ordered if o in by_object_id)[:MAX_REFRESH]

    async def members(self, conversations: Conversations, channel_id: str) -> Mapping[str, str]:
        """Teams ids by object id, lower case; empty when they can't be read."""
        known = self._known.get(channel_id)
        if known is None or self._clock.now() >= known.until:
            known = await self._read(conversations, channel_id)
            if len(self._known) >= _MAX_ROSTERS:
                self._known.clear()
            self._known[channel_id] = known
        return known.teams_ids

    async def _read(self, conversations: Conversations, channel_id: str) -> _Known:
        found: dict[str, str] = {}
        continuation: str | None = None
        try:
            async with asyncio.timeout(_FETCH_WITHIN):
                for _ in range(_MAX_PAGES):
                    page = await conversations.members_page(channel_id, _PAGE, continuation)
                    found |= _teams_ids(page)
                    continuation = page.get("continuationToken")
                    if not continuation:
                        break
        except (ChannelError, TimeoutError) as error:
            _log.warning("roster_not_read", channel=channel_id, error=str(error) or type(error).__name__)
            return _Known(self._clock.now() + _FAILURE_LIFETIME)
        return _Known(self._clock.now() + _LIFETIME, found)


def _teams_ids(page: Mapping[str, Any]) -> dict[str, str]:
    """Teams spells the Entra object id ``objectId`` or ``aadObjectId``, depending on the call."""
    members = page.get("members")
    found: dict[str, str] = {}
    for member in members if isinstance(members, list) else ():
        if isinstance(member, dict):
            object_id, teams_id = member.get("aadObjectId") or member.get("objectId"), member.get("id")
            if isinstance(object_id, str) and isinstance(teams_id, str):
                found[object_id.lower()] = teams_id
    return found

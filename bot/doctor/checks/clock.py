"""Whether this machine's clock agrees with Microsoft's, by the ``Date`` of their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from bot.doctor.findings import Finding, critical, info, ok, warning
from bot.doctor.probing import ProbeError, ask
from bot.doctor.tools import Tools

_NOTICED: Final = timedelta(seconds=30)
_FATAL: Final = timedelta(minutes=5)
_SET: Final = "Have the clock set by NTP (timedatectl set-ntp true; on a host of containers, the host's)."


async def look(tools: Tools) -> Iterable[Finding]:
    settings = tools.settings
    addresses = {
        "Entra": f"{settings.endpoints.login_url}/{settings.tenant_id}/v2.0/.well-known/openid-configuration",
        "Graph": f"{settings.endpoints.graph_url}/v1.0/me",
    }
    ahead = await asyncio.gather(*(_ahead(tools, url) for url in addresses.values()))
    return judge({name: one for name, one in zip(addresses, ahead, strict=True) if one is not None})


async def _ahead(tools: Tools, url: str) -> timedelta | None:
    """How far our clock is ahead. ``Date`` has no fractions, so that up to a second is noise."""
    before = tools.clock.now()
    try:
        answer = await ask(tools.session, url)
        theirs = parsedate_to_datetime(answer.date)
    except (ProbeError, ValueError):
        return None
    ours = before + (tools.clock.now() - before) / 2
    return ours - _aware(theirs)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def judge(ahead: Mapping[str, timedelta]) -> list[Finding]:
    if not ahead:
        return [info("clock.unknown", "neither Entra nor Graph said what time it is")]
    name, worst = max(ahead.items(), key=lambda one: abs(one[1]))
    seconds = abs(worst).total_seconds()
    off = f"this clock is {seconds:.0f} seconds {'ahead of' if worst > timedelta(0) else 'behind'} {name}'s"
    if abs(worst) >= _FATAL:
        breaks = "Valid tokens are taken for expired or not yet valid, so that clicks are turned away."
        return [critical("clock.wrong", off, breaks, _SET)]
    if abs(worst) >= _NOTICED:
        breaks = "Ops are pinged at the wrong time, and soon valid tokens are refused."
        return [warning("clock.drifts", off, breaks, _SET)]
    return [ok("clock.right", f"agrees with {' and '.join(ahead)} to within {max(1.0, seconds):.0f} s")]

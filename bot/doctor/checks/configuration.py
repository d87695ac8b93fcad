"""Settings that can be read, and are not wise all the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from bot import tracing
from bot.doctor.findings import Finding, error, info, ok, warning
from bot.doctor.tools import Tools
from bot.settings import Settings

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


async def look(tools: Tools) -> Iterable[Finding]:
    return judge(tools.settings)


def judge(settings: Settings) -> Iterator[Finding]:
    """What stands out."""
    yield ok("settings.readable", f"complete, for the {settings.cloud} cloud")
    yield from _dangerous(settings)
    if settings.traces != "off" and not tracing.is_installed(settings.traces):
        yield error(
            "settings.no-exporter",
            f"SECONDKEY_TRACES={settings.traces} needs an exporter that is not installed",
            "The bot does not start.",
            f"pip install 'second-key[{settings.traces}]', or unset SECONDKEY_TRACES.",
        )
    if settings.approver_channel == settings.ops_channel:
        yield warning(
            "settings.one-channel",
            "approvers and ops have the same channel",
            "A ping for a request that nobody answered goes to those who did not answer it.",
            "Set SECONDKEY_OPS_CHANNEL to a channel of its own.",
        )
    if settings.client_secret is not None:
        yield info(
            "settings.secret",
            "the app authenticates with a client secret, which can leak and expires",
            "Consider SECONDKEY_MANAGED_IDENTITY, which needs none.",
        )
    if settings.active_holders_may_decide:
        yield info(
            "settings.active-holders",
            "whoever holds a role now may decide on requests for it (SECONDKEY_ACTIVE_HOLDERS_MAY_DECIDE)",
        )
    if settings.guests_may_decide:
        yield info(
            "settings.guests", "guests of the tenant may decide on requests (SECONDKEY_GUESTS_MAY_DECIDE)"
        )


def _dangerous(settings: Settings) -> Iterator[Finding]:
    url = settings.dangerously_clock_url
    if url is None:
        return
    if urlsplit(url).hostname in LOOPBACK and settings.cloud == "custom":
        yield info("settings.sandbox-clock", "the clock is a sandbox's, on this machine")
        return
    yield error(
        "settings.dangerous-clock",
        "the bot's clock is somebody else's",
        "Whoever owns it decides which tokens are valid and when ops are pinged.",
        "Unset SECONDKEY_DANGEROUSLY_CLOCK_URL.",
    )

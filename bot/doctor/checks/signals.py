"""What tells the bot of a new request: the poll, and the hints that come sooner."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from bot.doctor.findings import Finding, error, info, ok, warning
from bot.doctor.tools import Tools
from bot.domain.errors import DirectoryError, IncompleteListingError, PermissionMissingError, UnavailableError
from bot.outside import database_login
from bot.ports import SubscriptionRow
from bot.store.checkup import open_checkup
from bot.store.errors import StoreUnavailableError, StoreUrlError

_TRIAL: Final = timedelta(hours=1)
_POLLING: Final = "Requests are found by polling alone, some seconds later."


async def look_at_poll(tools: Tools) -> Iterable[Finding]:
    try:
        pending = await tools.graph.directory.pending_requests()
    except DirectoryError as failed:
        return [judge_poll(failed)]
    waiting = f"{len(pending)} pending now" if pending else "none pending now"
    return [
        ok("poll.works", f"pending requests can be listed, {waiting}"),
        info(
            "poll.no-others",
            "PIM's custom extension and Azure Monitor alerts are not signals of this release; polling finds"
            " the same requests, some seconds later",
        ),
    ]


def judge_poll(failed: DirectoryError) -> Finding:
    if isinstance(failed, IncompleteListingError) and failed.directory_roles is None:
        return warning(
            "poll.groups",
            f"requests of some groups (PIM for Groups) can't be listed: {failed}",
            "They get no cards; requests for directory roles do.",
            "See what the permissions say, above, or set SECONDKEY_PIM_GROUPS to other groups, or to none.",
        )
    if isinstance(failed, UnavailableError):
        return warning(
            "poll.busy",
            f"Graph did not list the pending requests: {failed}",
            "While that lasts, no new request is found.",
            "Run the doctor again in a minute. If it stays so, raise SECONDKEY_POLL_SECONDS.",
        )
    return error(
        "poll.refused",
        f"pending requests can't be listed: {failed}",
        "No request is found: there are no cards.",
        "See what the permissions say, above.",
    )


async def look_at_subscriptions(tools: Tools) -> Iterable[Finding]:
    wanted = tools.settings.subscriptions
    if not wanted:
        return [
            info("subscriptions.none", "not configured (SECONDKEY_SUBSCRIPTIONS); polling finds everything")
        ]
    kept = {row.resource: row for row in await _kept(tools)}
    return [await _subscription(tools, resource, kept.get(resource)) for resource in wanted]


async def _kept(tools: Tools) -> tuple[SubscriptionRow, ...]:
    """What the running bot has noted; nothing when there is none yet."""
    try:
        async with (
            database_login(tools.settings) as login,
            open_checkup(tools.settings.database_url, login) as checkup,
        ):
            return await checkup.subscriptions() if await checkup.version() else ()
    except (StoreUnavailableError, StoreUrlError):  # for its own check to tell
        return ()


async def _subscription(tools: Tools, resource: str, row: SubscriptionRow | None) -> Finding:
    if row is None or (row.subscription_id is None and row.refused is None):
        return await _tried(tools, resource)
    return judge_subscription(row, tools.clock.now())


def judge_subscription(row: SubscriptionRow, now: datetime) -> Finding:
    """As the running bot has it in its books."""
    if row.refused is not None:
        return _refused(row.resource, row.refused)
    if row.expires_at is None or row.expires_at <= now:
        return warning(
            "subscriptions.lapsed",
            f"the one to {row.resource} has lapsed",
            _POLLING,
            "Start the bot: it renews them. If it runs, look for subscription_… in its log.",
        )
    return ok("subscriptions.alive", f"to {row.resource}, until {row.expires_at:%Y-%m-%d %H:%M} UTC")


async def _tried(tools: Tools, resource: str) -> Finding:
    """Made and deleted again, with a client state that nobody believes. Graph calls the bot back for it."""
    graph = tools.graph.subscriptions
    try:
        made = await graph.create(resource, secrets.token_urlsafe(24), tools.clock.now() + _TRIAL)
        await graph.delete(made.id)
    except DirectoryError as failed:
        return _refused(resource, str(failed), permission=isinstance(failed, PermissionMissingError))
    return ok("subscriptions.possible", f"to {resource}: one was made and deleted again")


def _refused(resource: str, why: str, *, permission: bool = False) -> Finding:
    return warning(
        "subscriptions.refused",
        f"Graph refuses one to {resource}: {why}",
        _POLLING,
        "Grant the application permission to read that resource (Mail.ReadBasic for a mailbox)."
        if permission
        else "Name a resource that this tenant accepts in SECONDKEY_SUBSCRIPTIONS, or remove this one.",
    )

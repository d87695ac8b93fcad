"""Teams: both channels, the OAuth connection, and the keys that sign what comes in.

Whether the bot can post is told without posting: the members of a channel are shown to a bot under the
same condition, that it is installed in the team. A message, even one deleted at once, would notify people.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from bot.doctor.findings import Finding, critical, error, ok
from bot.doctor.probing import Answer, ProbeError, ask
from bot.doctor.tools import Tools
from bot.domain.errors import ChannelError, ChannelRefusedError, UnavailableError
from bot.outside import database_login
from bot.settings import Settings
from bot.store.checkup import open_checkup
from bot.store.errors import StoreUnavailableError, StoreUrlError
from bot.web.keys import ChannelKeys

_INSTALL: Final = (
    "Teams > the team > Manage team > Apps: add the app made by `secondkey package`. Then type the bot's"
    " name in the channel once."
)


async def look_at_channels(tools: Tools) -> Iterable[Finding]:
    channels = channels_of(tools.settings)
    heard = await heard_from(tools, channels)
    return await asyncio.gather(
        *(_channel(tools, one, heard.get(one), uses) for one, uses in channels.items())
    )


async def heard_from(tools: Tools, channels: Iterable[str]) -> Mapping[str, str | None]:
    """Under which service URLs the bot has heard from them; nothing when it has no database yet."""
    try:
        async with (
            database_login(tools.settings) as login,
            open_checkup(tools.settings.database_url, login) as checkup,
        ):
            return {one: await checkup.service_url(one) for one in channels}
    except (StoreUnavailableError, StoreUrlError):  # for its own check to tell
        return {}


def channels_of(settings: Settings) -> Mapping[str, str]:
    """Every channel that cards go to, and what for."""
    uses: dict[str, list[str]] = {}
    uses.setdefault(settings.approver_channel, []).append("approvals")
    uses.setdefault(settings.ops_channel, []).append("ops")
    for role, routing in settings.roles.items():
        if routing.approver_channel:
            uses.setdefault(routing.approver_channel, []).append(f"approvals of {role}")
        if routing.ops_channel:
            uses.setdefault(routing.ops_channel, []).append(f"ops for {role}")
    return {channel: " and ".join(what) for channel, what in uses.items()}


async def _channel(tools: Tools, channel: str, service_url: str | None, uses: str) -> Finding:
    try:
        await tools.conversations(service_url).members_page(channel, 1, None)
    except ChannelError as failed:
        return judge_channel(failed, uses)
    return ok("channels.reachable", f"the bot is in the channel for {uses}")


def judge_channel(failed: ChannelError, uses: str) -> Finding:
    breaks = f"No card is posted for {uses}."
    if failed.status == HTTPStatus.FORBIDDEN:
        says = f"the bot is not installed in the team of the channel for {uses}"
        return error("channels.not-installed", says, breaks, _INSTALL)
    if isinstance(failed, ChannelRefusedError) and failed.status in {
        HTTPStatus.NOT_FOUND,
        HTTPStatus.BAD_REQUEST,
    }:
        return error(
            "channels.unknown",
            f"Teams knows no such channel for {uses}, or the bot is not in its team",
            breaks,
            "Copy the link of the channel: the part between /channel/ and the next slash, decoded, is its id"
            f" (19:…@thread.tacv2). If that is right: {_INSTALL}",
        )
    return error(
        "channels.unreachable",
        f"Teams gave no answer about the channel for {uses}: {failed}",
        breaks,
        "Look whether this machine reaches the Bot Connector; otherwise run the doctor again in a minute.",
    )


async def look_at_oauth(tools: Tools) -> Iterable[Finding]:
    base = tools.settings.endpoints.token_service_url.rstrip("/")
    query = urlencode({"userId": "29:secondkey-doctor", "channelId": "msteams"})
    url = f"{base}/api/usertoken/GetTokenStatus?{query}"
    try:
        answer = await ask(tools.session, url, token=await tools.bot_token())
    except ProbeError as failed:
        return [_oauth_unreachable(str(failed))]
    return [judge_oauth(answer, tools.settings.oauth_connection)]


def judge_oauth(answer: Answer, wanted: str) -> Finding:
    """The token service lists the status of every connection that the bot has."""
    if not answer.good:
        return _oauth_unreachable(answer.error or str(answer.status))
    names = _names(answer)
    if wanted in names:
        return ok("oauth.connected", f"the Azure Bot has the OAuth connection {wanted!r}")
    listed = f"it has {', '.join(names)}" if names else "it has none"
    return error(
        "oauth.no-connection",
        f"the Azure Bot has no OAuth connection {wanted!r}: {listed}",
        "Nobody can sign in, so nobody can decide here.",
        "Azure portal > the Azure Bot > Configuration > Add OAuth Connection Settings, or set"
        " SECONDKEY_OAUTH_CONNECTION to one that there is.",
    )


def _names(answer: Answer) -> Collection[str]:
    listed: Any = answer.document
    entries = listed if isinstance(listed, list) else []
    return sorted({str(entry.get("connectionName")) for entry in entries if isinstance(entry, dict)})


def _oauth_unreachable(why: str) -> Finding:
    return error(
        "oauth.unreachable",
        f"the token service gave no answer: {why}",
        "Nobody's sign-in is found, so nobody can decide here.",
        "Look whether this machine reaches the token service; otherwise run the doctor again in a minute.",
    )


async def look_at_keys(tools: Tools) -> Iterable[Finding]:
    try:
        keys = await ChannelKeys(
            tools.session, tools.settings.endpoints.bot_openid_url, tools.clock
        ).current()
    except UnavailableError:
        return [
            critical(
                "channel-keys.unreachable",
                "the Bot Connector's signing keys can't be fetched",
                "Nothing that comes from Teams can be believed, so every click is turned away.",
                "Look whether this machine reaches the OpenID metadata of the cloud's Bot Framework.",
            )
        ]
    return [ok("channel-keys.fetched", f"signing keys: {len(keys)}")]

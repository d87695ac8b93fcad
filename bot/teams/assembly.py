"""How the parts go together; what bootstrap calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import aiohttp

from bot.ports import AppTokens, Clock, Commands, Desk, TurnAnswer
from bot.teams.adapter import StrictAdapter
from bot.teams.bot import ANSWER_WITHIN, PimBot
from bot.teams.channel import ServiceUrls, TeamsChannel
from bot.teams.commands import CommandTurns
from bot.teams.config import TeamsConfig
from bot.teams.connector import Connectors
from bot.teams.http import BotHttp, Patience
from bot.teams.personal import TeamsPersonalChat
from bot.teams.user_tokens import BotUserTokens

DRAIN_SECONDS: Final = 20.0
"""How long decisions under way may take to finish when the bot stops."""


@dataclass(frozen=True, slots=True)
class TeamsAdapters:
    """The ports that Teams implements and the services use."""

    channel: TeamsChannel
    user_tokens: BotUserTokens
    personal_chat: TeamsPersonalChat


def open_teams(
    config: TeamsConfig,
    *,
    session: aiohttp.ClientSession,
    tokens: AppTokens,
    clock: Clock,
    service_url: ServiceUrls,
    patience: Patience | None = None,
) -> TeamsAdapters:
    """``session`` stays the caller's to close. ``service_url`` says under which service URL a
    channel was last heard from; without an answer ``config.connector_url`` is used.
    """
    http = BotHttp(session, tokens, config.bot_scope, clock, patience)
    connectors = Connectors(http, config.connector_url)
    return TeamsAdapters(
        TeamsChannel(config, connectors, clock, service_url),
        BotUserTokens(config, http),
        TeamsPersonalChat(config, connectors),
    )


class TeamsTurns:
    """``ports.Turns``: verified activities through botbuilder to the desk."""

    def __init__(self, adapter: StrictAdapter, bot: PimBot) -> None:
        self._adapter = adapter
        self._bot = bot

    async def run(self, activity: Mapping[str, Any], claims: Mapping[str, Any]) -> TurnAnswer:
        """See ``StrictAdapter.run``."""
        return await self._adapter.run(activity, claims, self._bot.on_turn)

    async def close(self, seconds: float = DRAIN_SECONDS) -> None:
        """Let decisions under way finish. Call it when no more activities come in, and before
        anything that a decision needs is closed.
        """
        await self._bot.drain(seconds)


def teams_turns(
    config: TeamsConfig,
    *,
    session: aiohttp.ClientSession,
    tokens: AppTokens,
    clock: Clock,
    desk: Desk,
    commands: Commands,
    zone: ZoneInfo | None = None,
    patience: Patience | None = None,
    answer_within: float = ANSWER_WITHIN,
) -> TeamsTurns:
    """The bot's side of the messaging endpoint. ``answer_within``: seconds until a click or a
    command is answered, even while what it began still goes on. ``zone``: where users are whose
    clients don't say.
    """
    http = BotHttp(session, tokens, config.bot_scope, clock, patience)
    connectors = Connectors(http, config.connector_url)
    chat = TeamsPersonalChat(config, connectors)
    said = CommandTurns(commands, chat, zone or ZoneInfo("UTC"), answer_within)
    bot = PimBot(desk, said, config.tenant_id, answer_within=answer_within)
    return TeamsTurns(StrictAdapter(config, connectors), bot)

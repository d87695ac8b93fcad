"""The bot's chats with single persons, opened when there is something to say."""

from __future__ import annotations

from typing import Any, Final

from bot.domain.content import CardContent
from bot.domain.errors import ChannelRefusedError
from bot.domain.model import PostedCard, SignInResource
from bot.teams.answers import sign_in_asked
from bot.teams.channel import activity_of
from bot.teams.config import TeamsConfig
from bot.teams.connector import Connectors
from cards.localised import text

_OAUTH_CARD: Final = "application/vnd.microsoft.card.oauth"
_MAX_KNOWN: Final = 4096


class TeamsPersonalChat:
    """``ports.PersonalChat`` on the Bot Connector.

    Opening a chat that is open already answers with the same conversation, so nothing has to be
    kept; conversation ids are remembered for the sake of one call less.
    """

    def __init__(self, config: TeamsConfig, connectors: Connectors) -> None:
        self._config = config
        self._conversations = connectors.at(config.connector_url)
        self._known: dict[str, str] = {}

    async def post(self, channel_user_id: str, content: CardContent) -> PostedCard:
        """See ``ports.PersonalChat.post``."""
        return await self._send(channel_user_id, activity_of(self._config, content))

    async def ask_to_sign_in(self, channel_user_id: str, resource: SignInResource) -> None:
        """See ``ports.PersonalChat.ask_to_sign_in``: an OAuth card (Bot Framework docs, "Add
        authentication to your bot"), which a client answers with ``signin/tokenExchange``.
        """
        await self._send(channel_user_id, self._oauth_card(resource))

    def _oauth_card(self, resource: SignInResource) -> dict[str, Any]:
        return {
            "type": "message",
            "from": {"id": self._config.bot_id},
            "summary": text.SIGN_IN_ASKED,
            "attachments": [{"contentType": _OAUTH_CARD, "content": sign_in_asked(resource)}],
        }

    async def _send(self, channel_user_id: str, activity: dict[str, Any]) -> PostedCard:
        conversation_id = await self._conversation(channel_user_id)
        activity_id = await self._conversations.send(conversation_id, activity)
        if not activity_id:
            raise ChannelRefusedError("The connector did not say where the card is.")
        return PostedCard(conversation_id, activity_id, self._config.connector_url)

    async def _conversation(self, channel_user_id: str) -> str:
        known = self._known.get(channel_user_id)
        if known is not None:
            return known
        opened = (await self._conversations.create(self._parameters(channel_user_id))).get("id")
        if not isinstance(opened, str) or not opened:
            raise ChannelRefusedError("The connector did not open the chat.")
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[channel_user_id] = opened
        return opened

    def _parameters(self, channel_user_id: str) -> dict[str, Any]:
        return {
            "isGroup": False,
            "bot": {"id": self._config.bot_id},
            "members": [{"id": channel_user_id}],
            "tenantId": self._config.tenant_id,
            "channelData": {"tenant": {"id": self._config.tenant_id}},
        }

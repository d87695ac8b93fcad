"""Cards in Teams channels: posted as a new thread, edited in place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import cards
from bot.domain import lifecycle
from bot.domain.content import CardContent, ConductCard, OpsCard, RequestCard
from bot.domain.errors import ChannelRefusedError
from bot.domain.model import PostedCard
from bot.ports import Clock
from bot.teams.config import TeamsConfig
from bot.teams.connector import Connectors, Conversations
from bot.teams.roster import Roster
from bot.teams.wire import CARD_TYPE

ServiceUrls = Callable[[str], Awaitable[str | None]]
"""Under which service URL a channel was last heard from."""


class TeamsChannel:
    """``ports.Channel`` on the Bot Connector."""

    def __init__(
        self, config: TeamsConfig, connectors: Connectors, clock: Clock, service_url: ServiceUrls
    ) -> None:
        self._config = config
        self._connectors = connectors
        self._roster = Roster(clock)
        self._service_url = service_url

    async def post(self, channel_id: str, content: CardContent) -> PostedCard:
        """Start a thread in the channel with the card. Raises ``ChannelError``s.

        At least once: when an answer gets lost the card may be there although this raised.
        """
        service_url = await self._service_url(channel_id) or self._config.connector_url
        conversations = self._connectors.at(service_url)
        activity = await self._activity(conversations, channel_id, content)
        created = await conversations.create(
            {
                "isGroup": True,
                "bot": {"id": self._config.bot_id},
                "tenantId": self._config.tenant_id,
                "channelData": {
                    "channel": {"id": channel_id},
                    "tenant": {"id": self._config.tenant_id},
                },
                "activity": activity,
            }
        )
        return _posted(created, service_url)

    async def edit(self, posted: PostedCard, content: CardContent) -> None:
        """Put the card in the place of the posted one. Raises ``ChannelError``s."""
        conversations = self._connectors.at(posted.service_url)
        channel_id = posted.conversation_id.partition(";")[0]
        activity = await self._activity(conversations, channel_id, content)
        await conversations.update(
            posted.conversation_id, posted.activity_id, {**activity, "id": posted.activity_id}
        )

    async def _activity(
        self, conversations: Conversations, channel_id: str, content: CardContent
    ) -> dict[str, Any]:
        shown = await self._with_views(conversations, channel_id, content)
        activity = activity_of(self._config, shown)
        if isinstance(shown, OpsCard | ConductCard):
            activity["channelData"] = {"notification": {"alert": True}}
        return activity

    async def _with_views(
        self, conversations: Conversations, channel_id: str, content: CardContent
    ) -> CardContent:
        """The content with the Teams ids of those who get a card of their own, while it waits."""
        match content:
            case RequestCard(request=request) if request.state not in lifecycle.OPEN:
                return content
            case RequestCard(request=request):
                ids = await self._roster.refresh_ids(conversations, channel_id, request)
                return replace(content, refresh_user_ids=ids)
            case _:
                return content


def activity_of(config: TeamsConfig, content: CardContent) -> dict[str, Any]:
    """A message that holds the content's card."""
    return {
        "type": "message",
        "from": {"id": config.bot_id},
        "summary": cards.summary(content),
        "attachments": [{"contentType": CARD_TYPE, "content": cards.render(content)}],
    }


def _posted(created: Mapping[str, Any], service_url: str) -> PostedCard:
    conversation_id, activity_id = created.get("id"), created.get("activityId")
    if not isinstance(conversation_id, str) or not conversation_id:
        raise ChannelRefusedError("The connector did not say where the card is.")
    if not isinstance(activity_id, str) or not activity_id:
        # The thread's first message is what its id names.
        activity_id = conversation_id.partition(";messageid=")[2]
    if not activity_id:
        raise ChannelRefusedError("The connector did not say where the card is.")
    return PostedCard(conversation_id, activity_id, service_url)

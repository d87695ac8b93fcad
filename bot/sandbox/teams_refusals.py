"""How the Bot Framework's services say no, and the checks that all their calls share."""

from __future__ import annotations

from aiohttp import web

from bot.sandbox.teams_state import TeamsState, split
from bot.sandbox.world import TeamsChannel, User


class BotFrameworkError(Exception):
    """Answered as a Bot Framework error."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after

    def response(self) -> web.Response:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        body = {"error": {"code": self.code, "message": self.message}}
        return web.json_response(body, status=self.status, headers=headers)


def unknown_conversation() -> BotFrameworkError:
    return BotFrameworkError(404, "ConversationNotFound", "Conversation not found.")


def conversation_of(state: TeamsState, request: web.Request) -> tuple[str, TeamsChannel | User]:
    """The conversation id of the path and what it is. Raises ``BotFrameworkError``."""
    conversation_id = request.match_info["conversation"]
    return conversation_id, resolve(state, split(conversation_id)[0])


def resolve(state: TeamsState, base: str) -> TeamsChannel | User:
    channel = state.world.channels.get(base)
    if channel is None:
        user = state.personal.get(base)
        if user is None:
            raise unknown_conversation()
        return user
    if channel.id in state.uninstalled:
        message = "The bot is not part of the conversation roster."
        raise BotFrameworkError(403, "BotNotInConversationRoster", message)
    return channel


def account_of(state: TeamsState, account_id: str) -> User | None:
    """By Teams id or object id, the two that the connector accepts."""
    try:
        user = state.world.user(account_id)
    except KeyError:
        return None
    return user if account_id.lower() in {user.teams_id.lower(), user.object_id.lower()} else None

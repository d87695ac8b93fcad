"""Microsoft Teams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bot.domain.content import CardContent
from bot.domain.model import PostedCard, SignInNeeded, SignInResource, UserAssertion


class Channel(Protocol):
    """Cards in Teams channels. All raise ``ChannelError``s."""

    async def post(self, channel_id: str, content: CardContent) -> PostedCard: ...

    async def edit(self, posted: PostedCard, content: CardContent) -> None: ...


class PersonalChat(Protocol):
    """The bot's chats with single persons, named by their Teams id (``29:…``). All raise
    ``ChannelError``s. What was posted is edited by ``Channel.edit``.
    """

    async def post(self, channel_user_id: str, content: CardContent) -> PostedCard:
        """Raises ``ChannelRefusedError`` when the bot is not installed for this person."""

    async def ask_to_sign_in(self, channel_user_id: str, resource: SignInResource) -> None:
        """Ask for the user's token: their client answers by itself when it can (single sign-on), or
        shows a button. Raises as ``post`` does.
        """


class UserTokens(Protocol):
    """User tokens held by the Bot Framework token service. All raise ``UnavailableError``. Whose
    token comes back is for the caller to check.
    """

    async def assertion(self, channel_user_id: str) -> UserAssertion | SignInNeeded:
        """The user's token for this app."""

    async def exchange(self, channel_user_id: str, token: str) -> UserAssertion | None:
        """Trade a token that a client or a sign-in got for one that the service keeps; None when it
        does not accept it (consent is missing, or the token is no good).
        """

    async def redeem(self, channel_user_id: str, code: str) -> UserAssertion | None:
        """The token of a sign-in that ended with this code; None for a wrong code."""

    async def sign_in(self, channel_user_id: str) -> SignInResource:
        """How the user's client can get there."""

    async def sign_out(self, channel_user_id: str) -> None:
        """Forget the user's token."""


@dataclass(frozen=True, slots=True)
class TurnAnswer:
    """What the messaging endpoint answers: an HTTP status and, for invokes, a JSON body."""

    status: int
    body: Mapping[str, Any] | None = None


class Turns(Protocol):
    """Runs one verified inbound activity through the bot."""

    async def run(self, activity: Mapping[str, Any], claims: Mapping[str, Any]) -> TurnAnswer: ...

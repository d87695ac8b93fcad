"""What the Teams adapter and the commands ask of the services."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bot.domain.activation import (
    ActivationOutcome,
    ActiveRole,
    DeactivationOutcome,
    EligibleRole,
    ExtensionOutcome,
    Trouble,
    Wish,
    WithdrawalOutcome,
)
from bot.domain.content import CardContent, RequestCard
from bot.domain.model import Actor, Choice, PimRequest, SignInResource
from bot.domain.replies import FormReply, Reply
from bot.domain.said import Filled, Said


@dataclass(frozen=True, slots=True)
class Presented:
    """What a client sent along with an action, besides the action."""

    personal: bool = False
    """In a personal chat, the only place where a client gets a token by itself (Teams docs, "SSO
    for Universal Actions")."""
    token: str | None = field(default=None, repr=False)
    """A token that the client got for the bot."""
    code: str | None = field(default=None, repr=False)
    """The code that a sign-in by the client's button ended in."""


NOTHING_PRESENTED: Final = Presented()

Continuation = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class LoginAsked:
    """The client has to send the action again, with a token; ``failed``: the one it sent is not
    accepted.
    """

    resource: SignInResource
    failed: bool = False


class Desk(Protocol):
    """Everything a click or a message in Teams can set going."""

    async def decide(
        self,
        actor: Actor,
        request_id: str,
        choice: Choice,
        justification: str,
        presented: Presented = NOTHING_PRESENTED,
    ) -> RequestCard | LoginAsked | None:
        """Carry out a decision; the answer is the card this actor sees now. None: no such
        request.
        """

    async def signed_in(self, actor: Actor, presented: Presented) -> Continuation | None:
        """The client sends a token, or a code, that the bot had asked for. None when it is not
        accepted; otherwise what is to be done now: it carries out what the actor had begun, and
        tells them in their personal chat.
        """

    async def tell(self, actor: Actor, content: CardContent) -> None:
        """Say something in the actor's personal chat, if there is one."""

    async def sign_in(self, actor: Actor) -> None:
        """Ask for the actor's token in their personal chat. Raises ``ChannelError``."""

    async def sign_out(self, actor: Actor) -> None:
        """Forget the actor's token. Raises ``UnavailableError``."""

    async def look(self, actor: Actor, request_id: str) -> RequestCard | None:
        """The request's card as this actor may see it (user-specific refresh)."""

    async def shown_on(self, conversation_id: str, activity_id: str) -> str | None:
        """The id of the request whose card that message is; None for any other message."""

    async def forged(self, actor: Actor | None, cause: str, claimed: Mapping[str, str]) -> None:
        """Write down a click that no card of ours sends. ``claimed`` is what it says of itself."""

    async def heard_from(self, channel_id: str, service_url: str) -> None:
        """Remember under which service URL a channel is reached."""


class OwnRoles(Protocol):
    """Everything about one's own roles, done with the user's own token. Nothing raises for what
    Graph, Entra or the token service may answer: that is a ``Trouble``.
    """

    async def eligible(self, actor: Actor) -> tuple[EligibleRole, ...] | Trouble:
        """What the actor may activate now, each role and scope once."""

    async def active(self, actor: Actor) -> tuple[ActiveRole, ...] | Trouble:
        """What the actor has activated and holds now."""

    async def pending(self, actor: Actor) -> tuple[PimRequest, ...] | Trouble:
        """The actor's own requests that await an approval, newest first."""

    async def activate(self, actor: Actor, wish: Wish) -> ActivationOutcome:
        """Send the wish, unless the role's policy is sure to refuse it. The same wish twice is one
        request: the second is ``AlreadyPending`` or ``AlreadyActive``.
        """

    async def deactivate(
        self, actor: Actor, key: str, scope: str, *, when_possible: bool = False
    ) -> DeactivationOutcome:
        """Give an active role back now. ``when_possible``: at the first moment PIM allows it, when
        that is not now (``WillGiveBack`` instead of ``TooEarly``).
        """

    async def withdraw(self, actor: Actor, request_id: str | None = None) -> WithdrawalOutcome:
        """Take back the actor's own pending request; None: the only one there is."""

    async def extend(self, actor: Actor, wish: Wish, *, confirmed: bool = False) -> ExtensionOutcome:
        """Have an active role for the wish's duration from now. Where that takes giving it back
        first, nothing is done unless ``confirmed``.
        """


class Commands(Protocol):
    """Everything that can be said to the bot. Nothing is answered but what the actor may see, and
    only ``replies.is_public`` replies may be shown to anybody else.
    """

    async def say(self, actor: Actor, said: Said) -> Reply:
        """Have a command done, typed or picked."""

    async def form(self, actor: Actor, said: Said) -> FormReply | Reply:
        """The form for an activation, filled with what ``said`` holds; a ``Reply`` when there is none."""

    async def submit(self, actor: Actor, filled: Filled, said: Said) -> FormReply | Reply:
        """Have the form's activation done; the form again when something in it can't be read."""

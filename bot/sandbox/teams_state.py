"""What Teams remembers: conversations, every version of every message, and who is signed in.

Kept beside the ``World``, since only the Teams half of the sandbox looks into it.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any

import aiohttp

from bot.sandbox.world import TeamsChannel, User, World

ADAPTIVE_CARD = "application/vnd.microsoft.card.adaptive"
BOT_NAME = "Second Key"
SIGNED_OUT_AT_START = frozenset({"sam"})
RATES = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
"""Sends a bot may make in one conversation: (how many, in so many seconds). Microsoft Teams
documentation, "Optimize your bot with rate limiting".
"""


@dataclass(slots=True)
class Version:
    """One state of a message, as the bot (or a person) wrote it."""

    number: int
    at: datetime
    sent: dict[str, Any]

    @property
    def text(self) -> str | None:
        text = self.sent.get("text")
        return text if isinstance(text, str) else None

    @property
    def card(self) -> dict[str, Any] | None:
        """The first Adaptive Card attached."""
        for attachment in self.sent.get("attachments") or ():
            if attachment.get("contentType") == ADAPTIVE_CARD:
                content: dict[str, Any] = attachment["content"]
                return content
        return None


@dataclass(slots=True)
class View:
    """A card that one user alone sees: what an invoke was answered with."""

    card: dict[str, Any]
    version: int
    """The version of the message it stands on; a newer one replaces it for everybody."""
    at: datetime


@dataclass(slots=True)
class Message:
    """An activity that is visible in a conversation."""

    id: str
    base: str
    """The conversation without its thread: channel id or ``a:…``."""
    conversation_id: str
    author: str
    """``bot`` or the key of a user."""
    reply_to_id: str | None
    versions: list[Version]
    deleted_at: datetime | None = None
    views: dict[str, View] = field(default_factory=dict)
    """By object id."""

    @property
    def latest(self) -> Version:
        return self.versions[-1]

    def seen_by(self, user: User) -> dict[str, Any] | None:
        """The card this user sees: their own, unless the message was edited since."""
        view = self.views.get(user.object_id)
        if view is not None and view.version == self.latest.number:
            return view.card
        return self.latest.card


@dataclass(frozen=True, slots=True)
class Dialog:
    """A dialog that a user has open, and the message whose button opened it."""

    card: dict[str, Any]
    opened_on: Message


@dataclass(slots=True)
class TeamsState:
    """See the module's docstring; ``of`` finds the one that belongs to a world."""

    world: World
    messages: dict[str, Message] = field(default_factory=dict)
    """By activity id, oldest first; ids are unique across conversations."""
    personal: dict[str, User] = field(default_factory=dict)
    """1:1 conversations (``a:…``) that exist, with whom."""
    uninstalled: set[str] = field(default_factory=set)
    """Channel ids the bot is not installed in."""
    not_installed_for: list[str] = field(default_factory=list)
    """Keys of people who have not got the bot's app in their personal scope."""
    locale: str = "en-GB"
    """What people's clients are set to (BCP 47)."""
    sso: str = "silent"
    """What clients do when asked for a token in a personal chat; see ``teams_sign_in``."""
    sso_as: str = ""
    """Key of somebody whose token every client sends; empty: its own user's."""
    rate_limits: bool = False
    """Off unless switched on: benchmarks run against the sandbox."""
    smallest_page: int = 50
    """Teams answers pagedmembers with at least so many, whatever is asked."""
    connection: str = "graph"
    """The OAuth connection configured on the Azure Bot."""
    signed_in: dict[str, bool] = field(default_factory=dict)
    """By object id, where it differs from the start."""
    mixed_up: dict[str, str] = field(default_factory=dict)
    """Keys of people for whom the token service has somebody else's token, and whose."""
    magic_codes: dict[str, str] = field(default_factory=dict)
    """Six-digit sign-in codes, by object id."""
    dialogs: dict[str, Dialog] = field(default_factory=dict)
    """By object id of whoever has it open."""
    session: aiohttp.ClientSession | None = None
    """Held while the sandbox runs; see ``teams_client.cleanup_ctx``."""
    channel_token: tuple[str, str, float] | None = None
    """The cached channel token: kid, token, when to make a new one."""
    _sends: dict[str, deque[float]] = field(default_factory=dict)
    _last_id: int = 0

    @classmethod
    def of(cls, world: World) -> TeamsState:
        """The state of this world, made at the first call."""
        entry = _STATES.get(id(world))
        if entry is None:
            entry = _STATES[id(world)] = cls(world)
        return entry

    def forget(self) -> None:
        """Let go of the world; the next ``of`` starts afresh."""
        _STATES.pop(id(self.world), None)

    @property
    def service_url(self) -> str:
        """The connector's base URL, exactly as activities and their tokens carry it."""
        return self.world.http_url.rstrip("/") + "/connector/"

    @property
    def bot_account(self) -> dict[str, Any]:
        return {"id": f"28:{self.world.client_id}", "name": BOT_NAME}

    def next_id(self) -> str:
        """A new message id: milliseconds since 1970 as in Teams, and always growing."""
        self._last_id = max(self._last_id + 1, int(self.world.now().timestamp() * 1000))
        return str(self._last_id)

    def channel(self, key_or_id: str) -> TeamsChannel:
        """By channel key or id. Raises ``KeyError``."""
        for channel in self.world.channels.values():
            if key_or_id in {channel.key, channel.id}:
                return channel
        raise KeyError(key_or_id)

    def personal_chat(self, user: User) -> str:
        """The id of the bot's 1:1 conversation with a user; the same one every time."""
        seed = f"{self.world.client_id}/{user.object_id}".encode()
        conversation_id = "a:1" + hashlib.sha256(seed).hexdigest()
        self.personal[conversation_id] = user
        return conversation_id

    def add(
        self,
        conversation_id: str,
        author: str,
        sent: dict[str, Any],
        *,
        message_id: str | None = None,
        reply_to_id: str | None = None,
    ) -> Message:
        """Show a new message; in a channel, ``conversation_id`` names the thread."""
        message = Message(
            id=message_id or self.next_id(),
            base=split(conversation_id)[0],
            conversation_id=conversation_id,
            author=author,
            reply_to_id=reply_to_id,
            versions=[Version(1, self.world.now(), sent)],
        )
        self.messages[message.id] = message
        return message

    def edit(self, message: Message, sent: dict[str, Any]) -> Version:
        """Replace what a message shows, for everybody; earlier versions are kept."""
        version = Version(message.latest.number + 1, self.world.now(), sent)
        message.versions.append(version)
        return version

    def throttle(self, base: str) -> int | None:
        """Count a send; or, when it is one too many, the seconds to wait (nothing is counted)."""
        if not self.rate_limits:
            return None
        now = self.world.now().timestamp()
        sends = self._sends.setdefault(base, deque(maxlen=RATES[-1][0]))
        for allowed, seconds in RATES:
            if len(sends) >= allowed and now - sends[-allowed] < seconds:
                return max(1, ceil(seconds - (now - sends[-allowed])))
        sends.append(now)
        return None

    def is_signed_in(self, user: User) -> bool:
        return self.signed_in.get(user.object_id, user.key not in SIGNED_OUT_AT_START)


_STATES: dict[int, TeamsState] = {}
"""By ``id(world)``: a ``World`` is neither hashable nor weakly referable, and each state keeps
its world alive, so that an id is never taken twice.
"""


def split(conversation_id: str) -> tuple[str, str | None]:
    """``19:…@thread.tacv2;messageid=N`` into channel id and ``N``."""
    base, _, root = conversation_id.partition(";messageid=")
    return base, root or None

"""What a click or a message in Teams can set going (``ports.Desk``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from bot.domain.content import CardContent, Note, RequestCard
from bot.domain.errors import ChannelError
from bot.domain.model import Actor, Choice
from bot.ports import NOTHING_PRESENTED, Continuation, LoginAsked, PersonalChat, Presented, Store
from bot.service.decide import Decisions
from bot.service.forgeries import Forgeries
from bot.service.signing_in import SigningIn
from bot.service.stops import StopError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ChannelRegister:
    """Under which service URL each channel was last heard from: the conversation references."""

    store: Store
    _known: dict[str, str] = field(default_factory=dict)

    async def service_url(self, channel_id: str) -> str | None:
        """None for a channel nobody has been heard from."""
        if channel_id not in self._known:
            async with self.store.transaction() as tx:
                found = await tx.service_url(channel_id)
            if found is None:
                return None
            self._known[channel_id] = found
        return self._known[channel_id]

    async def heard_from(self, channel_id: str, service_url: str) -> None:
        """Remember, when it is new. The URL comes with a verified token that names it."""
        if self._known.get(channel_id) == service_url:
            return
        async with self.store.transaction() as tx:
            await tx.save_service_url(channel_id, service_url)
        self._known[channel_id] = service_url
        log.info("channel_heard_from", channel=channel_id, service_url=service_url)


@dataclass(frozen=True, slots=True)
class ApproverDesk:
    """Decisions, sign-ins and the register of channels, as one."""

    decisions: Decisions
    signing_in: SigningIn
    chat: PersonalChat
    channels: ChannelRegister
    forgeries: Forgeries

    async def decide(
        self,
        actor: Actor,
        request_id: str,
        choice: Choice,
        justification: str,
        presented: Presented = NOTHING_PRESENTED,
    ) -> RequestCard | LoginAsked | None:
        return await self.decisions.decide(actor, request_id, choice, justification, presented)

    async def look(self, actor: Actor, request_id: str) -> RequestCard | None:
        return await self.decisions.look(actor, request_id)

    async def shown_on(self, conversation_id: str, activity_id: str) -> str | None:
        return await self.forgeries.shown_on(conversation_id, activity_id)

    async def forged(self, actor: Actor | None, cause: str, claimed: Mapping[str, str]) -> None:
        await self.forgeries.forged(actor, cause, claimed)

    async def heard_from(self, channel_id: str, service_url: str) -> None:
        await self.channels.heard_from(channel_id, service_url)

    async def signed_in(self, actor: Actor, presented: Presented) -> Continuation | None:
        """See ``ports.Desk.signed_in``."""
        try:
            assertion = await self.decisions.whose.assertion(actor, presented)
        except StopError as stop:
            log.info("sign_in_not_taken", why=stop.notice, actor=actor.identity.object_id)
            if stop.impostor is not None:
                await self.signing_in.report_impostor(actor, stop.impostor)
            return None

        async def carry_on() -> None:
            shown = await self.signing_in.finish_all(actor, assertion)
            for content in shown or (Note("signed-in"),):
                await self.tell(actor, content)

        return carry_on

    async def sign_in(self, actor: Actor) -> None:
        """See ``ports.Desk.sign_in``."""
        resource = await self.signing_in.user_tokens.sign_in(actor.channel_user_id)
        await self.chat.ask_to_sign_in(actor.channel_user_id, resource)

    async def sign_out(self, actor: Actor) -> None:
        """See ``ports.Desk.sign_out``."""
        await self.signing_in.sign_out(actor)

    async def tell(self, actor: Actor, content: CardContent) -> None:
        """In the personal chat, where there is one: what counts is in the channel and in Graph."""
        try:
            await self.chat.post(actor.channel_user_id, content)
        except ChannelError as error:
            log.info("not_told", actor=actor.identity.object_id, status=error.status)

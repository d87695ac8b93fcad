"""What is said to the bot, from its activities to the command desk and back: messages, buttons, and
the form, which is a Teams dialog.

Only what anybody may see is answered in a channel; the rest goes to the sender's own chat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import structlog
from botbuilder.core import TurnContext
from botbuilder.core.invoke_response import InvokeResponse

import cards
from bot.domain.errors import ChannelError
from bot.domain.model import Actor
from bot.domain.replies import FormReply, Notice, NoticeReply, Reply, is_public
from bot.inbound import sayings
from bot.inbound.activities import actor_of, is_personal
from bot.ports import Commands, PersonalChat
from bot.teams.adapter import RAW
from bot.teams.answers import card_answer, dialog, dialog_closed, send
from bot.teams.wire import reply_message

_log = structlog.get_logger(__name__)
T = TypeVar("T")
FETCH: Final = "task/fetch"
SUBMIT: Final = "task/submit"
_AGAIN: Final = NoticeReply(Notice.STILL_AT_IT)


class CommandTurns:
    """Stateless but for commands that outlast their turn."""

    def __init__(self, desk: Commands, chat: PersonalChat, zone: ZoneInfo, answer_within: float) -> None:
        self._desk = desk
        self._chat = chat
        self._zone = zone
        self._answer_within = answer_within
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def running(self) -> set[asyncio.Task[Any]]:
        """Commands under way, to be let finish when the bot stops."""
        return self._running

    # What arrives ---------------------------------------------------------------------------

    async def message(self, context: TurnContext) -> None:
        """Something typed, or a press of an old client, which comes as a message too."""
        raw = context.turn_state[RAW]
        actor = actor_of(raw)
        pressed = sayings.is_command_click(raw)
        said = sayings.pressed(raw, self._zone) if pressed else sayings.typed(raw, self._zone)
        reply = await self._in_time(actor, self._desk.say(actor, said))
        if is_personal(raw):
            await send(context, reply_message(cards.render(reply)))
            return
        public = reply if is_public(reply) else await self._privately(actor, reply)
        await send(context, reply_message(cards.public_reply(public)))

    async def click(self, context: TurnContext) -> InvokeResponse:
        """A press on a button that says a command. The card it stands on becomes the answer."""
        raw = context.turn_state[RAW]
        actor = actor_of(raw)
        reply = await self._in_time(actor, self._desk.say(actor, sayings.pressed(raw, self._zone)))
        if not is_personal(raw):
            public = reply if is_public(reply) else await self._privately(actor, reply)
            return card_answer(cards.public_reply(public))
        card = cards.render(reply)
        await self._replace(context, raw, card)
        return card_answer(card)

    async def fetch(self, context: TurnContext) -> InvokeResponse:
        """The form is asked for."""
        raw = context.turn_state[RAW]
        actor, said = actor_of(raw), sayings.form_asked_for(raw, self._zone)
        return _dialog(await self._in_time(actor, self._desk.form(actor, said), tell=False))

    async def submit(self, context: TurnContext) -> InvokeResponse:
        """The form is sent: what came of it is told in the sender's own chat, and the form closes."""
        raw = context.turn_state[RAW]
        actor, filled = actor_of(raw), sayings.form_filled(raw)
        said = sayings.form_asked_for(raw, self._zone)
        reply = await self._in_time(actor, self._desk.submit(actor, filled, said))
        if isinstance(reply, FormReply):
            return _dialog(reply)
        told = await self._privately(actor, reply)
        return dialog_closed() if told.notice is Notice.IN_OUR_CHAT else _dialog(reply)

    # Answering ------------------------------------------------------------------------------

    async def _in_time(
        self, actor: Actor, doing: Coroutine[Any, Any, T], *, tell: bool = True
    ) -> T | NoticeReply:
        """The answer; when it takes too long, that it is still being worked on: what was begun goes
        on, and is told in the actor's own chat. A caller that hangs up ends nothing half-way.
        """
        task: asyncio.Task[T] = asyncio.ensure_future(doing)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        late: Callable[[asyncio.Task[T]], None] = lambda done: self._told_later(actor, done, tell=tell)  # noqa: E731
        try:
            done, _ = await asyncio.wait({task}, timeout=self._answer_within)
        except asyncio.CancelledError:
            task.add_done_callback(late)
            raise
        if done:
            return task.result()
        _log.warning("command_outlasts_turn")
        task.add_done_callback(late)
        return _AGAIN

    def _told_later(self, actor: Actor, done: asyncio.Task[Any], *, tell: bool) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            _log.error("command_failed_late", error=type(error).__name__, exc_info=error)
        reply = NoticeReply(Notice.FAILED) if error is not None else done.result()
        if tell and not isinstance(reply, FormReply):
            telling = asyncio.ensure_future(self._privately(actor, reply))
            self._running.add(telling)
            telling.add_done_callback(self._running.discard)

    async def _privately(self, actor: Actor, reply: Reply) -> NoticeReply:
        """Tell the actor alone; the answer says whether that worked."""
        try:
            await self._chat.post(actor.channel_user_id, reply)
        except ChannelError as error:
            _log.warning("reply_not_posted", why=type(error).__name__)
            return NoticeReply(Notice.NO_CHAT)
        return NoticeReply(Notice.IN_OUR_CHAT)

    async def _replace(self, context: TurnContext, raw: Mapping[str, Any], card: Mapping[str, Any]) -> None:
        """Put the answer in the place of the card that was pressed, on the sender's other devices
        too; the answer to the press itself does not depend on it.
        """
        pressed_on = raw.get("replyToId")
        if not isinstance(pressed_on, str) or not pressed_on:
            return
        edited = reply_message(card)
        edited.id = pressed_on
        try:
            await context.update_activity(edited)
        except ChannelError as error:
            _log.warning("card_not_replaced", why=type(error).__name__)


def _dialog(reply: FormReply | Reply) -> InvokeResponse:
    if isinstance(reply, FormReply):
        return dialog(cards.form(reply))
    return dialog(cards.dialog_reply(reply))

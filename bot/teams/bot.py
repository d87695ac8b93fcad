"""What the bot does with an activity: clicks and commands go to the desks, channels are noted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

import structlog
from botbuilder.core import ActivityHandler, TurnContext
from botbuilder.core.invoke_response import InvokeResponse

import cards
from bot.domain.content import Note, RequestCard
from bot.domain.errors import InboundError
from bot.domain.model import Actor, Choice
from bot.inbound.activities import actor_of, channel_of, is_personal, language_of, same_tenant
from bot.inbound.clicks import (
    CardAction,
    card_action_of,
    card_clicked,
    claimed_by,
    is_card_submit,
    sign_in_invoke_of,
)
from bot.inbound.sayings import is_command_click
from bot.ports import Desk, LoginAsked, Presented
from bot.teams.adapter import RAW
from bot.teams.answers import OK, PRECONDITION_FAILED, card_answer, exchange_failed, login_request, send
from bot.teams.commands import FETCH, SUBMIT, CommandTurns
from bot.teams.wire import card_message
from cards.language import negotiated, speaking
from cards.localised import text

_log = structlog.get_logger(__name__)
T = TypeVar("T")
ANSWER_WITHIN: Final = 8.0
"""Seconds until a click is answered at the latest. Teams gives up after ten to fifteen (observed,
not documented)."""
_LOOK_WITHIN: Final = 2.0
_MAX_CHANNELS: Final = 4096
_CHOICES: Final = {"approve": Choice.APPROVE, "deny": Choice.DENY}
_SIGN_IN_INVOKES: Final = frozenset({"signin/tokenExchange", "signin/verifyState", "signin/failure"})
_TAKEN: Final = InvokeResponse(status=OK, body=None)
_NOT_IMPLEMENTED: Final = InvokeResponse(
    status=501, body={"code": "NotImplemented", "message": "This app does not know that invoke."}
)


class PimBot(ActivityHandler):  # type: ignore[misc]  # botbuilder is untyped
    """Stateless but for decisions that outlast their click, and channels heard from."""

    def __init__(
        self, desk: Desk, commands: CommandTurns, tenant_id: str, *, answer_within: float = ANSWER_WITHIN
    ) -> None:
        self._desk = desk
        self._commands = commands
        self._tenant_id = tenant_id
        self._answer_within = answer_within
        self._running: set[asyncio.Task[Any]] = set()
        self._heard: dict[str, str] = {}

    async def drain(self, seconds: float) -> None:
        """Let decisions under way finish; after so many seconds the rest are cancelled, to be
        finished by recovery when the bot is up again.
        """
        clock = asyncio.get_running_loop().time
        ends = clock() + seconds
        while (running := self._running | self._commands.running) and clock() < ends:
            # A command that ends late is told about, which takes a moment more.
            await asyncio.wait(running, timeout=ends - clock())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    # What arrives ---------------------------------------------------------------------------

    async def on_turn(self, turn_context: TurnContext) -> None:
        raw = turn_context.turn_state[RAW]
        await self._note_channel(raw)
        with speaking(negotiated(language_of(raw))):
            await super().on_turn(turn_context)

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        raw = turn_context.turn_state[RAW]
        if not is_card_submit(raw):
            await self._commands.message(turn_context)
            return
        if is_command_click(raw):
            await self._pressed(turn_context, self._commands.message)
            return
        # A client that knows no Action.Execute: what it gets is a message, for all to see.
        shown = await self._click(raw, public=not is_personal(raw))
        if not isinstance(shown, InvokeResponse):
            await send(turn_context, card_message(*shown))

    async def on_invoke_activity(self, turn_context: TurnContext) -> InvokeResponse:
        raw, name = turn_context.turn_state[RAW], turn_context.activity.name
        if name == FETCH:
            return await self._pressed(turn_context, self._commands.fetch)
        if name == SUBMIT:
            return await self._pressed(turn_context, self._commands.submit)
        if name == "adaptiveCard/action" and is_command_click(raw):
            return await self._pressed(turn_context, self._commands.click)
        if name == "adaptiveCard/action":
            shown = await self._click(raw, public=False)
            return shown if isinstance(shown, InvokeResponse) else card_answer(shown[0])
        if name in _SIGN_IN_INVOKES:
            return await self._sign_in(raw)
        _log.info("invoke_unknown", name=str(name)[:64])
        return _NOT_IMPLEMENTED

    # Signing in -----------------------------------------------------------------------------

    async def _sign_in(self, raw: Mapping[str, Any]) -> InvokeResponse:
        """What a client got for the bot, or that it got nothing. Every client of a user that is
        running sends it: what was begun is carried out once all the same.
        """
        sent, actor = sign_in_invoke_of(raw), actor_of(raw)
        if sent.failure:
            _log.warning("client_sign_in_failed", code=sent.failure, actor=actor.identity.object_id)
            await self._desk.tell(actor, Note("sign-in-failed"))
            return _TAKEN
        carry_on = await self._desk.signed_in(actor, Presented(token=sent.token, code=sent.code))
        if carry_on is None and sent.token is not None:
            detail = {"id": sent.exchange_id, "failureDetail": "The token is not accepted."}
            return InvokeResponse(status=PRECONDITION_FAILED, body=detail)
        if carry_on is None:
            await self._desk.tell(actor, Note("sign-in-code-wrong"))
            return _TAKEN
        self._behind(carry_on())
        return _TAKEN

    def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        """Go on with it after the answer; ``drain`` waits for it."""
        task = asyncio.create_task(work, name="after sign-in")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(_finished_late)

    async def _pressed(self, turn_context: TurnContext, answer: Callable[[TurnContext], Awaitable[T]]) -> T:
        """A press that says a command, or one in the form; a forged one is written down."""
        try:
            return await answer(turn_context)
        except InboundError as error:
            raw = turn_context.turn_state[RAW]
            await self._desk.forged(_whoever(raw), error.cause, claimed_by(raw))
            raise

    # A click --------------------------------------------------------------------------------

    async def _click(
        self, raw: Mapping[str, Any], *, public: bool
    ) -> tuple[dict[str, Any], str] | InvokeResponse:
        try:
            action, actor = card_action_of(raw), actor_of(raw)
            await self._check_card(raw, action)
            # Only an invoke can be answered by a request to sign in and be sent again.
            personal = is_personal(raw) and not is_card_submit(raw)
            shown = await self._desk_answers(action, actor, Presented(personal, action.token, action.code))
        except InboundError as error:
            await self._desk.forged(_whoever(raw), error.cause, claimed_by(raw))
            raise
        if isinstance(shown, LoginAsked):
            return exchange_failed() if shown.failed else login_request(shown.resource)
        if shown is None:
            if not action.automatic:  # clients refresh cards that are older than the database
                await self._desk.forged(actor, "unknown-request", claimed_by(raw))
            _log.info("request_unknown", request=action.request_id, verb=action.verb)
            return cards.message_card("unknown-request"), text.MESSAGES["unknown-request"][0]
        if public:
            # Somebody else following this link would sign in under the clicker's name.
            shown = replace(shown, sign_in_link=None)
        return cards.render(shown), cards.summary(shown)

    async def _check_card(self, raw: Mapping[str, Any], action: CardAction) -> None:
        """Refuse a click on one request's card that names another request. Raises ``InboundError``."""
        clicked = card_clicked(raw) if action.verb in _CHOICES else None
        if clicked is None:
            return
        shown_on = await self._desk.shown_on(*clicked)
        if shown_on is not None and shown_on != action.request_id:
            raise InboundError(cause="card-of-another-request")

    async def _desk_answers(
        self, action: CardAction, actor: Actor, presented: Presented
    ) -> RequestCard | LoginAsked | None:
        if action.verb == "refresh":
            async with asyncio.timeout(self._answer_within):
                return await self._desk.look(actor, action.request_id)
        choice = _CHOICES.get(action.verb)
        if choice is None:
            raise InboundError(cause="unknown-verb")
        if action.automatic:
            # Clients send refreshes by themselves; nothing may be decided without a hand on it.
            raise InboundError(cause="decision-without-click")
        return await self._decide(actor, action, choice, presented)

    async def _decide(
        self, actor: Actor, action: CardAction, choice: Choice, presented: Presented
    ) -> RequestCard | LoginAsked | None:
        """The desk's answer; when it takes too long, the card as it stands, and the decision goes
        on behind it. Neither a deadline nor a caller that hangs up ends a decision half-way.
        """
        deciding = self._desk.decide(actor, action.request_id, choice, action.reason, presented)
        task = asyncio.ensure_future(_awaited(deciding))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._answer_within)
        except asyncio.CancelledError:
            self._behind(self._tell_late(actor, task))
            raise
        if done:
            return task.result()
        _log.warning("decision_outlasts_click", request=action.request_id)
        self._behind(self._tell_late(actor, task))
        async with asyncio.timeout(_LOOK_WITHIN):
            shown = await self._desk.look(actor, action.request_id)
        return None if shown is None else replace(shown, notice="still-working")

    async def _tell_late(self, actor: Actor, task: asyncio.Task[RequestCard | LoginAsked | None]) -> None:
        """What came of a click that was answered before it was done, or whose sender had gone: in the
        clicker's own chat, since the card that would have answered it is not shown any more.
        """
        try:
            shown = await task
        except Exception as error:  # noqa: BLE001 - whatever it was, they are waiting for word
            _log.error("decision_failed_late", error=type(error).__name__, exc_info=error)
            await self._desk.tell(actor, Note("act-failed"))
            return
        _log.info("decision_finished_late")
        if isinstance(shown, LoginAsked):
            await self._desk.sign_in(actor)
        elif shown is not None:
            await self._desk.tell(actor, shown)

    # Channels -------------------------------------------------------------------------------

    async def _note_channel(self, raw: Mapping[str, Any]) -> None:
        """Tell the desk where a channel of our tenant is reached, when that is news. A desk that
        can't remember must not cost the sender an answer.
        """
        channel_id, service_url = channel_of(raw), raw.get("serviceUrl")
        if channel_id is None or not isinstance(service_url, str) or not same_tenant(raw, self._tenant_id):
            return
        if raw.get("action") == "remove" or self._heard.get(channel_id) == service_url:
            return
        try:
            await self._desk.heard_from(channel_id, service_url)
        except Exception as error:  # noqa: BLE001 - see the docstring
            _log.warning("channel_not_noted", channel=channel_id, error=type(error).__name__)
            return
        if len(self._heard) >= _MAX_CHANNELS:
            self._heard.clear()
        self._heard[channel_id] = service_url


async def _awaited(deciding: Any) -> RequestCard | LoginAsked | None:
    shown: RequestCard | LoginAsked | None = await deciding
    return shown


def _finished_late(task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        _log.warning("decision_cancelled")
    elif (error := task.exception()) is not None:
        _log.error("decision_failed_late", error=type(error).__name__, exc_info=error)


def _whoever(raw: Mapping[str, Any]) -> Actor | None:
    """Who it was, if the activity says so without contradiction."""
    try:
        return actor_of(raw)
    except InboundError:
        return None

"""botbuilder's turn pipeline, entered only with claims that were already verified.

One of the two seams to botbuilder (the other is ``connector``). The stock ``CloudAdapter``
answers every invoke that has a body with 500, turns ``PermissionError``s from anywhere in a turn
into 401, and stops authenticating altogether when its app id is empty; none of that code runs here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from botbuilder.core import CloudAdapterBase, TurnContext
from botbuilder.core.invoke_response import InvokeResponse
from botframework.connector.auth import ClaimsIdentity
from botframework.connector.auth.authenticate_request_result import AuthenticateRequestResult
from botframework.connector.auth.bot_framework_authentication import BotFrameworkAuthentication

from bot.domain.errors import ForbiddenError, InboundError
from bot.ports import TurnAnswer
from bot.teams.answers import OK, apology, failure_body, refusal_body, send
from bot.teams.config import TeamsConfig
from bot.teams.connector import Connectors, PooledConnectorFactory
from bot.teams.wire import activity_from_wire
from bot.telemetry import metrics

_log = structlog.get_logger(__name__)
RAW = "secondkey.activity"
"""Key in a turn's state of the activity as it was parsed: what botbuilder's classes drop
(``trigger``, tenants) is read from there.
"""
_ANSWER = "secondkey.answer"
_CREATED = 201
OnTurn = Callable[[TurnContext], Awaitable[None]]


class _NoAuthentication(BotFrameworkAuthentication):  # type: ignore[misc]  # botframework is untyped
    """Refuses to authenticate anything: that has been done before a turn begins."""

    def __init__(self, factory: PooledConnectorFactory) -> None:
        self._factory = factory

    async def authenticate_request(self, activity: Any, auth_header: str) -> Any:  # noqa: ARG002 - SDK's signature
        raise ForbiddenError(cause="not-verified")

    async def authenticate_streaming_request(self, auth_header: str, channel_id_header: str) -> Any:  # noqa: ARG002 - SDK's signature
        raise ForbiddenError(cause="not-verified")

    def create_connector_factory(self, claims_identity: Any) -> PooledConnectorFactory:  # noqa: ARG002 - SDK's signature
        return self._factory

    async def create_user_token_client(self, claims_identity: Any) -> None:
        """None: user tokens are a port of their own, ``BotUserTokens``."""


class StrictAdapter(CloudAdapterBase):  # type: ignore[misc]  # botbuilder is untyped
    """Runs one verified activity through a bot and says what the endpoint is to answer."""

    def __init__(self, config: TeamsConfig, connectors: Connectors) -> None:
        self._factory = PooledConnectorFactory(connectors)
        super().__init__(_NoAuthentication(self._factory))
        self._audience = config.bot_scope
        self._connectors = connectors
        self.on_turn_error = _on_turn_error

    async def run(
        self, activity: Mapping[str, Any], claims: Mapping[str, Any], on_turn: OnTurn
    ) -> TurnAnswer:
        """Never raises for what goes wrong inside the turn; raises ``ForbiddenError`` when the
        activity's service URL must not be used.
        """
        if not self._connectors.allows(str(activity.get("serviceUrl") or "")):
            raise ForbiddenError(cause="service-url-refused")
        turns: list[TurnContext] = []

        async def logic(context: TurnContext) -> None:
            turns.append(context)
            context.turn_state[RAW] = activity
            await on_turn(context)

        invoke = await self.process_activity(self._authenticated(claims), activity_from_wire(activity), logic)
        # Taken out, since the turn holds `logic`, which holds the list: a ring that only the collector ends.
        failed = turns.pop().turn_state.get(_ANSWER) if turns else None
        if isinstance(failed, TurnAnswer):
            return failed
        return TurnAnswer(_CREATED) if invoke is None else _answer(invoke)

    def _authenticated(self, claims: Mapping[str, Any]) -> AuthenticateRequestResult:
        result = AuthenticateRequestResult()
        result.claims_identity = ClaimsIdentity(dict(claims), True)
        result.audience = self._audience
        result.connector_factory = self._factory
        return result


def _answer(invoke: InvokeResponse) -> TurnAnswer:
    return TurnAnswer(int(invoke.status or OK), invoke.body)


async def _on_turn_error(context: TurnContext, error: Exception) -> None:
    """Turn whatever was raised into an answer. Must not raise: botbuilder would pass that on."""
    if isinstance(error, InboundError):
        _log.warning("inbound_refused", cause=error.cause, status=error.status)
        metrics.INBOUND_REFUSED.add(cause=error.cause)
        context.turn_state[_ANSWER] = TurnAnswer(error.status, refusal_body(error))
        return
    _log.error("turn_failed", error=type(error).__name__, exc_info=error)
    if context.activity.type == "invoke":
        context.turn_state[_ANSWER] = TurnAnswer(OK, failure_body())
        return
    try:
        await send(context, apology())
    except Exception as second:  # noqa: BLE001 - sending may be the very thing that failed
        _log.warning("apology_not_sent", error=type(second).__name__)

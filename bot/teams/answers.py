"""Answers to invokes and messages, as plain JSON.

Plain dicts throughout: botbuilder's own answer classes take no string values, put exception objects
into bodies and are serialised twice.
"""

from __future__ import annotations

from typing import Any

from botbuilder.core import TurnContext
from botbuilder.core.invoke_response import InvokeResponse
from botbuilder.schema import Activity, InputHints

import cards
from bot.domain.errors import InboundError
from bot.domain.model import SignInResource
from bot.teams.wire import CARD_TYPE, card_message
from cards.localised import text, text_commands

ERROR_TYPE = "application/vnd.microsoft.error"
LOGIN_REQUEST_TYPE = "application/vnd.microsoft.activity.loginRequest"
PRECONDITION_TYPE = "application/vnd.microsoft.error.preconditionFailed"
OK, UNAUTHORIZED, PRECONDITION_FAILED = 200, 401, 412


async def send(context: TurnContext, message: Activity) -> None:
    """Answer the turn's activity by a message, which is written on. Raises ``ChannelError``s.

    ``TurnContext.send_activity`` would first copy all of it, card included, and leave the copy to the
    garbage collector in a ring of closures.
    """
    message.input_hint = InputHints.accepting_input
    addressed = TurnContext.apply_conversation_reference(
        message, TurnContext.get_conversation_reference(context.activity)
    )
    await context.adapter.send_activities(context, [addressed])


def card_answer(card: dict[str, Any]) -> InvokeResponse:
    """The card that whoever clicked sees from now on."""
    return InvokeResponse(status=OK, body={"statusCode": OK, "type": CARD_TYPE, "value": card})


def login_request(resource: SignInResource) -> InvokeResponse:
    """Asks the client for a token; it then sends the action again with one (Teams docs, "SSO for
    Universal Actions").
    """
    body = {"statusCode": UNAUTHORIZED, "type": LOGIN_REQUEST_TYPE, "value": sign_in_asked(resource)}
    return InvokeResponse(status=OK, body=body)


def exchange_failed() -> InvokeResponse:
    """The token that the client sent is not accepted: it shows its sign-in button now."""
    value = {"code": str(PRECONDITION_FAILED), "message": text.EXCHANGE_FAILED}
    body = {"statusCode": PRECONDITION_FAILED, "type": PRECONDITION_TYPE, "value": value}
    return InvokeResponse(status=OK, body=body)


def sign_in_asked(resource: SignInResource) -> dict[str, Any]:
    """What a client needs to get a token for the bot, as login requests and OAuth cards have it."""
    asked: dict[str, Any] = {
        "text": text.SIGN_IN_ASKED,
        "connectionName": resource.connection,
        "buttons": _sign_in_buttons(resource),
    }
    if exchange := _exchange_resource(resource):
        asked["tokenExchangeResource"] = exchange
    return asked


def _sign_in_buttons(resource: SignInResource) -> list[dict[str, str]]:
    if resource.link is None:
        return []
    return [{"type": "signin", "title": text.SIGN_IN, "text": text.SIGN_IN, "value": resource.link}]


def _exchange_resource(resource: SignInResource) -> dict[str, str]:
    """What a client gets a token for by itself; empty when there is no single sign-on."""
    if resource.exchange_uri is None:
        return {}
    named = {
        "id": resource.exchange_id,
        "uri": resource.exchange_uri,
        "providerId": resource.provider_id,
    }
    return {name: value for name, value in named.items() if value is not None}


def dialog(card: dict[str, Any]) -> InvokeResponse:
    """Opens a dialog, or goes on with it (Teams docs, "Use dialogs in Teams bots")."""
    attachment = {"contentType": CARD_TYPE, "content": card}
    value = {"title": text_commands.FORM, "height": "medium", "width": "medium", "card": attachment}
    return InvokeResponse(status=OK, body={"task": {"type": "continue", "value": value}})


def dialog_closed() -> InvokeResponse:
    """Closes the dialog without a word."""
    return InvokeResponse(status=OK)


def error_body(status: int, code: str, message: str) -> dict[str, Any]:
    """The body of a failed Universal Action; Teams shows ``message`` below the card."""
    return {"statusCode": status, "type": ERROR_TYPE, "value": {"code": code, "message": message}}


def refusal_body(error: InboundError) -> dict[str, Any]:
    """What somebody whose click was not accepted is told: the cause, and that nothing happened."""
    return error_body(error.status, error.cause, ": ".join(text.MESSAGES["malformed"]))


def failure_body() -> dict[str, Any]:
    """What somebody is told whose click went wrong on our side. Does not claim that nothing was
    recorded, since that is not known here.
    """
    return error_body(500, "InternalError", text.MESSAGES["error"][1])


def apology() -> Activity:
    """The same as a message."""
    return card_message(cards.message_card("error"), text.MESSAGES["error"][0])

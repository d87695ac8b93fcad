"""Answers to invokes and messages, as plain JSON.

Plain dicts throughout: botbuilder's own answer classes take no string values, put exception objects
into bodies and are serialised twice.
"""

from __future__ import annotations

from typing import Any

from botbuilder.core.invoke_response import InvokeResponse
from botbuilder.schema import Activity

import cards
from bot.domain.errors import InboundError
from bot.teams.wire import CARD_TYPE, card_message
from cards import text

ERROR_TYPE = "application/vnd.microsoft.error"
OK = 200


def card_answer(card: dict[str, Any]) -> InvokeResponse:
    """The card that whoever clicked sees from now on."""
    return InvokeResponse(status=OK, body={"statusCode": OK, "type": CARD_TYPE, "value": card})


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

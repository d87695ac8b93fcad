"""What strangers are answered when they are refused, or have to come back later."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import web

from bot.domain.errors import InboundError
from bot.telemetry import metrics

_RETRY_AFTER: Final = "2"


def refusal(error: InboundError) -> web.Response:
    """The error's status, with its cause as the code."""
    metrics.INBOUND_REFUSED.add(cause=error.cause)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else None
    body = {"error": {"code": error.cause, "message": str(error)}}
    return web.json_response(body, status=error.status, headers=headers)


def deferral() -> web.Response:
    """503: nothing is wrong with what was sent, and sending it again will help."""
    body = {"error": {"code": "unavailable", "message": "Try again later."}}
    return web.json_response(body, status=503, headers={"Retry-After": _RETRY_AFTER})

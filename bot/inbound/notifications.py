"""Graph change and lifecycle notifications, parsed. Pure.

Source: Graph documentation, "Receive change notifications through webhooks" and "Reduce missing
subscriptions and change notifications".
"""

from __future__ import annotations

import json
from typing import Any, Final

from bot.domain.errors import InboundError
from bot.domain.model import Notification

_LONGEST_TOKEN: Final = 4096
_MOST: Final = 1000
_LONGEST_FIELD: Final = 512


def parse_validation(token: str | None) -> str | None:
    """The handshake's token, to be echoed as text/plain; None when there is none. Raises
    ``InboundError`` for one that Graph would not send.
    """
    if token is None:
        return None
    if not token or len(token) > _LONGEST_TOKEN or not token.isprintable():
        raise InboundError("that is no validation token", cause="bad-validation-token")
    return token


def parse_notifications(body: bytes) -> tuple[Notification, ...]:
    """The ``value`` of a notification POST. Raises ``InboundError``."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InboundError("the body is not JSON", cause="bad-json") from error
    values = document.get("value") if isinstance(document, dict) else None
    if not isinstance(values, list) or not 0 < len(values) <= _MOST:
        raise InboundError("the body has no list of notifications", cause="bad-shape")
    return tuple(_notification(value) for value in values)


def _notification(value: Any) -> Notification:
    if not isinstance(value, dict):
        raise InboundError("a notification is not an object", cause="bad-shape")
    return Notification(
        _text(value, "subscriptionId"),
        _text(value, "clientState"),
        None if value.get("lifecycleEvent") is None else _text(value, "lifecycleEvent"),
    )


def _text(value: dict[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or len(found) > _LONGEST_FIELD:
        raise InboundError(f"{key} is missing or no text", cause="bad-shape")
    return found

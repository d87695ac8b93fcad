"""What somebody clicked on a card, or their client answered to a sign-in. As suspicious as ``activities``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.errors import InboundError
from bot.inbound.activities import MAX_ID, is_text, mapping, one_line

MAX_REASON = 4000
"""Characters of a decision's justification that are accepted."""
_MAX_CLAIM = 128
_CARD_INVOKE = "adaptiveCard/action"
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,128}")
_TOKEN = re.compile(r"[A-Za-z0-9_=.-]{1,16384}")
_CODE = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True)
class CardAction:
    """A click on a card: the verb, the request it is about, and the typed reason."""

    verb: str
    request_id: str
    reason: str
    automatic: bool = False
    """True when the client sent it by itself (user-specific refresh) and nobody clicked."""
    token: str | None = field(default=None, repr=False)
    """What the client got in answer to a ``loginRequest``: a token for the bot,"""
    code: str | None = field(default=None, repr=False)
    """or the code that a sign-in by its button ended in."""


@dataclass(frozen=True, slots=True)
class SignInInvoke:
    """A ``signin/…`` invoke: a token, a code, or why there is neither."""

    token: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    exchange_id: str = ""
    failure: str = ""


def is_card_submit(activity: Mapping[str, Any]) -> bool:
    """Whether a message is the click of an ``Action.Submit`` button and not something typed."""
    return activity.get("type") == "message" and isinstance(activity.get("value"), dict)


def card_action_of(activity: Mapping[str, Any]) -> CardAction:
    """The card action that an activity carries.

    Reads ``adaptiveCard/action`` invokes (``value.action``) and the messages that ``Action.Submit``
    buttons send (``value`` is the data, the verb one of its keys). Raises ``InboundError`` with a
    cause when there is no such action or it is malformed.
    """
    value = activity.get("value")
    if not isinstance(value, dict):
        raise InboundError(cause="bad-value")
    if is_card_submit(activity):
        verb, data, trigger = value.get("verb"), value, None
    else:
        verb, data, trigger = _execute(activity, value)
    if not isinstance(verb, str) or not is_text(verb, 64):
        raise InboundError(cause="bad-verb")
    request_id = data.get("request")
    if not isinstance(request_id, str) or not _REQUEST_ID.fullmatch(request_id):
        raise InboundError(cause="bad-request-id")
    reason = _reason(data.get(f"{verb}_reason") or data.get("reason"))
    signed = value if not is_card_submit(activity) else {}
    return CardAction(
        verb,
        request_id,
        reason,
        automatic=trigger == "automatic",
        token=_token(mapping(signed.get("authentication")).get("token")),
        code=_code(signed.get("state")),
    )


def sign_in_invoke_of(activity: Mapping[str, Any]) -> SignInInvoke:
    """What a ``signin/tokenExchange``, ``signin/verifyState`` or ``signin/failure`` carries (Bot
    Framework docs, "Single sign-on"). Raises ``InboundError`` when it is malformed.
    """
    value = activity.get("value")
    if not isinstance(value, dict):
        raise InboundError(cause="bad-value")
    match activity.get("name"):
        case "signin/tokenExchange":
            found = SignInInvoke(token=_token(value.get("token")), exchange_id=_id(value.get("id")))
        case "signin/verifyState":
            found = SignInInvoke(code=_code(value.get("state")))
        case "signin/failure":
            return SignInInvoke(failure=one_line(value.get("code"))[:64] or "unknown")
        case _:
            raise InboundError(cause="bad-action")
    if found.token is None and found.code is None:
        raise InboundError(cause="bad-value")
    return found


def _id(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_ID else ""


def _token(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise InboundError(cause="bad-token")
    return value


def _code(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise InboundError(cause="bad-code")
    return value


def _execute(activity: Mapping[str, Any], value: dict[str, Any]) -> tuple[Any, dict[str, Any], Any]:
    action = value.get("action")
    if activity.get("name") != _CARD_INVOKE or not isinstance(action, dict):
        raise InboundError(cause="bad-action")
    if action.get("type", "Action.Execute") != "Action.Execute":
        raise InboundError(cause="bad-action-type")
    data = action.get("data")
    if not isinstance(data, dict):
        raise InboundError(cause="bad-data")
    verb = action.get("verb")
    if data.get("verb", verb) != verb:
        # The data carries the verb for clients that fall back to Action.Submit.
        raise InboundError(cause="verbs-differ")
    return verb, data, value.get("trigger")


def _reason(text: Any) -> str:
    """The typed reason, trimmed, without control characters other than line breaks and tabs."""
    if text is None:
        return ""
    if not isinstance(text, str):
        raise InboundError(cause="bad-reason")
    clean = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc").strip()
    if len(clean) > MAX_REASON:
        raise InboundError(cause="reason-too-long")
    return clean


def claimed_by(activity: Mapping[str, Any]) -> dict[str, str]:
    """What a click says of itself, whatever of it is true: for the audit log, short and printable."""
    value = mapping(activity.get("value"))
    action = mapping(value.get("action"))
    data = mapping(action.get("data")) if action else value
    sender = mapping(activity.get("from"))
    said = {
        "verb": action.get("verb"),
        "data_verb": data.get("verb"),
        "request": data.get("request"),
        "trigger": value.get("trigger"),
        "message": activity.get("replyToId"),
        "conversation": mapping(activity.get("conversation")).get("id"),
        "object_id": sender.get("aadObjectId"),
        "tenant": mapping(mapping(activity.get("channelData")).get("tenant")).get("id"),
    }
    return {name: one_line(one)[:_MAX_CLAIM] for name, one in said.items() if isinstance(one, str) and one}


def card_clicked(activity: Mapping[str, Any]) -> tuple[str, str] | None:
    """Conversation and message whose card was clicked; None when the activity does not say."""
    conversation, message = mapping(activity.get("conversation")).get("id"), activity.get("replyToId")
    if isinstance(conversation, str) and isinstance(message, str):
        return conversation, message
    return None

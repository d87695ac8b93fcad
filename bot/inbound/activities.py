"""What Teams sends, read into values: the activity itself, who acts, and what they clicked.

Pure, and suspicious: everything in here is written by somebody else until proven otherwise.
``actor_of`` is the one place where an ``Actor`` is made.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from bot.domain.errors import ForbiddenError, InboundError
from bot.domain.model import Actor, Identity

MAX_REASON = 4000
"""Characters of a decision's justification that are accepted."""
_MAX_DEPTH = 64
_MAX_ID = 512
_MAX_NAME = 256
_MAX_CLAIM = 128
_CARD_INVOKE = "adaptiveCard/action"
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,128}")
_TOKEN = re.compile(r"[A-Za-z0-9_=.-]{1,16384}")
_CODE = re.compile(r"[0-9]{6}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_REQUIRED_TEXT = ("type", "channelId")
_OPTIONAL_TEXT = ("serviceUrl", "id", "name", "text", "replyToId", "locale")
_REQUIRED_PARTIES = ("from", "conversation", "recipient")


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


# The activity ------------------------------------------------------------------------------


def parse_activity(body: bytes) -> dict[str, Any]:
    """A request body as an activity whose outer shape can be relied on.

    ``type`` and ``channelId`` are non-empty strings, ``from``, ``conversation`` and ``recipient``
    objects with a string ``id``, and the other fields that Second Key reads have the right type or
    are absent. ``serviceUrl`` may be absent here, since that is for the token check to refuse
    (403). Raises ``InboundError`` with a cause for anything else.
    """
    activity = _json_object(body)
    _check_depth(activity)
    _check_unicode(body, activity)
    for name in _REQUIRED_TEXT:
        if not _is_text(activity.get(name), _MAX_ID):
            raise InboundError(cause=f"bad-{name.lower()}")
    for name in _REQUIRED_PARTIES:
        _check_party(name, activity.get(name))
    for name in _OPTIONAL_TEXT:
        if not isinstance(activity.get(name), str | None):
            raise InboundError(cause=f"bad-{name.lower()}")
    if not isinstance(activity.get("channelData"), dict | None):
        raise InboundError(cause="bad-channeldata")
    _check_entities(activity.get("entities"))
    return activity


def _json_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        raise InboundError(cause="empty-body")
    try:
        document = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeError as error:
        raise InboundError(cause="bad-encoding") from error
    except RecursionError as error:
        raise InboundError(cause="too-deep") from error
    except ValueError as error:
        raise InboundError(cause="bad-json") from error
    if not isinstance(document, dict):
        raise InboundError(cause="not-an-object")
    return document


def _no_constant(name: str) -> NoReturn:
    """``NaN`` and ``Infinity`` are Python's idea of JSON and nobody else's."""
    raise ValueError(name)


def _check_depth(document: dict[str, Any]) -> None:
    """Shallow enough that whatever copies or walks it later can't run out of stack."""
    layer: list[Any] = [document]
    for _ in range(_MAX_DEPTH):
        layer = [child for node in layer for child in _children(node)]
        if not layer:
            return
    raise InboundError(cause="too-deep")


def _children(node: Any) -> Iterable[Any]:
    inner = node.values() if isinstance(node, dict) else node
    return (child for child in inner if isinstance(child, dict | list))


def _check_unicode(body: bytes, document: dict[str, Any]) -> None:
    """Refuse lone surrogates: they parse, and then can't be stored or sent on."""
    if b"\\u" not in body:
        return
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InboundError(cause="bad-encoding") from error


def _is_text(value: Any, limit: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= limit


def _check_party(name: str, party: Any) -> None:
    if not isinstance(party, dict) or not _is_text(party.get("id"), _MAX_ID):
        raise InboundError(cause=f"bad-{name}")
    if not isinstance(party.get("name"), str | None):
        raise InboundError(cause=f"bad-{name}")


def _check_entities(entities: Any) -> None:
    if entities is None:
        return
    if not isinstance(entities, list) or not all(isinstance(entity, dict) for entity in entities):
        raise InboundError(cause="bad-entities")


# Who ---------------------------------------------------------------------------------------


def actor_of(activity: Mapping[str, Any]) -> Actor:
    """Whoever a verified activity speaks for, with the tenant they really belong to.

    Somebody of another tenant is an ``Actor`` too, so that policy can refuse them by name. Raises
    ``ForbiddenError`` when the channel is not Teams, when it names no Entra object id or tenant,
    or when it names two tenants that differ.
    """
    if activity.get("channelId") != "msteams":
        raise ForbiddenError(cause="not-teams")
    sender = _mapping(activity.get("from"))
    object_id = sender.get("aadObjectId")
    if not isinstance(object_id, str) or not _GUID.fullmatch(object_id):
        raise ForbiddenError(cause="no-object-id")
    return Actor(
        identity=Identity(_tenant_of(activity), object_id),
        display_name=_one_line(sender.get("name")),
        channel_user_id=str(sender.get("id")),
        language=language_of(activity),
    )


def language_of(activity: Mapping[str, Any]) -> str | None:
    """What language the sender's client is set to (BCP 47), if it says so."""
    locale = activity.get("locale")
    return locale if isinstance(locale, str) and _LANGUAGE.fullmatch(locale) else None


def _tenant_of(activity: Mapping[str, Any]) -> str:
    """The tenant that every place which names one agrees on.

    In a shared channel the sender's own tenant (``from.tenantId``) can differ from the channel's;
    which of them an approval would count for is not ours to guess.
    """
    tenant = _mapping(_mapping(activity.get("channelData")).get("tenant"))
    named = (
        tenant.get("id"),
        _mapping(activity.get("conversation")).get("tenantId"),
        _mapping(activity.get("from")).get("tenantId"),
    )
    stated = [value for value in named if value is not None]
    if not all(isinstance(value, str) and _GUID.fullmatch(value) for value in stated):
        raise ForbiddenError(cause="bad-tenant")
    tenants = {value.lower() for value in stated}
    if not tenants:
        raise ForbiddenError(cause="no-tenant")
    if len(tenants) > 1:
        raise ForbiddenError(cause="tenants-differ")
    return str(tenants.pop())


def same_tenant(activity: Mapping[str, Any], tenant_id: str) -> bool:
    """Whether the activity comes out of this tenant, as far as it says so without contradiction."""
    try:
        return _tenant_of(activity) == tenant_id.lower()
    except ForbiddenError:
        return False


def channel_of(activity: Mapping[str, Any]) -> str | None:
    """The Teams channel (``19:…``) an activity happened in; None outside of teams."""
    data = _mapping(activity.get("channelData"))
    for part in ("channel", "team"):
        # A team's id is that of its General channel.
        found = _mapping(data.get(part)).get("id")
        if _is_text(found, _MAX_ID):
            return str(found)
    return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _one_line(name: Any) -> str:
    if not isinstance(name, str):
        return ""
    return "".join(map(_printable, name)).strip()[:_MAX_NAME]


def _printable(char: str) -> str:
    """Separators, which end lines too (U+2028), become plain spaces; what can't be shown goes."""
    kind = unicodedata.category(char)[0]
    return " " if kind == "Z" else "" if kind == "C" else char


# What --------------------------------------------------------------------------------------


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
    if not isinstance(verb, str) or not _is_text(verb, 64):
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
        token=_token(_mapping(signed.get("authentication")).get("token")),
        code=_code(signed.get("state")),
    )


def is_personal(activity: Mapping[str, Any]) -> bool:
    """Whether an activity happened in the bot's chat with one person."""
    return _mapping(activity.get("conversation")).get("conversationType") == "personal"


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
            return SignInInvoke(failure=_one_line(value.get("code"))[:64] or "unknown")
        case _:
            raise InboundError(cause="bad-action")
    if found.token is None and found.code is None:
        raise InboundError(cause="bad-value")
    return found


def _id(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= _MAX_ID else ""


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
    value = _mapping(activity.get("value"))
    action = _mapping(value.get("action"))
    data = _mapping(action.get("data")) if action else value
    sender = _mapping(activity.get("from"))
    said = {
        "verb": action.get("verb"),
        "data_verb": data.get("verb"),
        "request": data.get("request"),
        "trigger": value.get("trigger"),
        "message": activity.get("replyToId"),
        "conversation": _mapping(activity.get("conversation")).get("id"),
        "object_id": sender.get("aadObjectId"),
        "tenant": _mapping(_mapping(activity.get("channelData")).get("tenant")).get("id"),
    }
    return {name: _one_line(one)[:_MAX_CLAIM] for name, one in said.items() if isinstance(one, str) and one}


def card_clicked(activity: Mapping[str, Any]) -> tuple[str, str] | None:
    """Conversation and message whose card was clicked; None when the activity does not say."""
    conversation, message = _mapping(activity.get("conversation")).get("id"), activity.get("replyToId")
    if isinstance(conversation, str) and isinstance(message, str):
        return conversation, message
    return None


def mentions_stripped(activity: Mapping[str, Any]) -> str:
    """A message's text without the mentions that address the bot, each removed once.

    Only the exact text of a mention goes, so that ``<at>Help</at> Help me`` stays ``Help me``.
    """
    text = activity.get("text")
    if not isinstance(text, str):
        return ""
    bot = _mapping(activity.get("recipient")).get("id")
    for entity in activity.get("entities") or ():
        if str(entity.get("type")).lower() != "mention":
            continue
        said = entity.get("text")
        if isinstance(said, str) and _mapping(entity.get("mentioned")).get("id") == bot:
            text = text.replace(said, "", 1)
    return text.replace("\xa0", " ").strip()

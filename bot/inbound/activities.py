"""What Teams sends, read into values: the activity itself, who acts, and where.

Pure, and suspicious: everything in here is written by somebody else until proven otherwise.
``actor_of`` is the one place where an ``Actor`` is made.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from bot.domain.errors import ForbiddenError, InboundError
from bot.domain.model import Actor, Identity

_MAX_DEPTH = 64
MAX_ID = 512
_MAX_NAME = 256
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_REQUIRED_TEXT = ("type", "channelId")
_OPTIONAL_TEXT = ("serviceUrl", "id", "name", "text", "replyToId", "locale")
_REQUIRED_PARTIES = ("from", "conversation", "recipient")


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
        if not is_text(activity.get(name), MAX_ID):
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


def is_text(value: Any, limit: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= limit


def _check_party(name: str, party: Any) -> None:
    if not isinstance(party, dict) or not is_text(party.get("id"), MAX_ID):
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
    sender = mapping(activity.get("from"))
    object_id = sender.get("aadObjectId")
    if not isinstance(object_id, str) or not _GUID.fullmatch(object_id):
        raise ForbiddenError(cause="no-object-id")
    return Actor(
        identity=Identity(_tenant_of(activity), object_id),
        display_name=one_line(sender.get("name")),
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
    tenant = mapping(mapping(activity.get("channelData")).get("tenant"))
    named = (
        tenant.get("id"),
        mapping(activity.get("conversation")).get("tenantId"),
        mapping(activity.get("from")).get("tenantId"),
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
    data = mapping(activity.get("channelData"))
    for part in ("channel", "team"):
        # A team's id is that of its General channel.
        found = mapping(data.get(part)).get("id")
        if is_text(found, MAX_ID):
            return str(found)
    return None


def mapping(value: Any) -> Mapping[str, Any]:
    """What should be an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def one_line(name: Any) -> str:
    """A text to be shown, without what would break its line; empty for anything else."""
    if not isinstance(name, str):
        return ""
    return "".join(map(_printable, name)).strip()[:_MAX_NAME]


def _printable(char: str) -> str:
    """Separators, which end lines too (U+2028), become plain spaces; what can't be shown goes."""
    kind = unicodedata.category(char)[0]
    return " " if kind == "Z" else "" if kind == "C" else char


def is_personal(activity: Mapping[str, Any]) -> bool:
    """Whether an activity happened in the bot's chat with one person."""
    return mapping(activity.get("conversation")).get("conversationType") == "personal"


def mentions_stripped(activity: Mapping[str, Any]) -> str:
    """A message's text without the mentions that address the bot, each removed once.

    Only the exact text of a mention goes, so that ``<at>Help</at> Help me`` stays ``Help me``.
    """
    text = activity.get("text")
    if not isinstance(text, str):
        return ""
    bot = mapping(activity.get("recipient")).get("id")
    for entity in activity.get("entities") or ():
        if str(entity.get("type")).lower() != "mention":
            continue
        said = entity.get("text")
        if isinstance(said, str) and mapping(entity.get("mentioned")).get("id") == bot:
            text = text.replace(said, "", 1)
    return text.replace("\xa0", " ").strip()

"""What somebody said in Teams: typed, pressed on a card, or filled into a dialog. As suspicious as
``activities``: the texts and choices on buttons come back from a client, which may send anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.domain.errors import InboundError
from bot.domain.said import MAX_TEXT, Chosen, Filled, Said
from bot.inbound.activities import mentions_stripped

COMMAND_VERB: Final = "command"
FORM_VERB: Final = "form"
_AT: Final = re.compile(r"</?at\b[^>]{0,100}>", re.IGNORECASE)
_MAX_KEY: Final = 512
_MAX_FIELD: Final = 4000
_MAX_ZONE: Final = 64


def typed(activity: Mapping[str, Any], fallback: ZoneInfo) -> Said:
    """A message, without the mention of the bot; other people who are mentioned become their names."""
    text = mentions_stripped(activity)
    for entity in activity.get("entities") or ():
        said = entity.get("text")
        if str(entity.get("type")).lower() == "mention" and isinstance(said, str) and said:
            text = text.replace(said, _AT.sub("", said))
    return Said(text[: MAX_TEXT + 1], zone_of(activity, fallback))


def is_command_click(activity: Mapping[str, Any]) -> bool:
    """Whether it is a press on a button that says a command; a press on any other is a decision's."""
    return _data(activity).get("verb") == COMMAND_VERB


def pressed(activity: Mapping[str, Any], fallback: ZoneInfo) -> Said:
    """What a button says. Raises ``InboundError``."""
    value = activity.get("value")
    if isinstance(value, dict) and value.get("trigger") == "automatic":
        # Clients send refreshes by themselves; nothing may be said without a hand on it.
        raise InboundError(cause="command-without-click")
    return _said(_data(activity), zone_of(activity, fallback))


def form_asked_for(activity: Mapping[str, Any], fallback: ZoneInfo) -> Said:
    """What the form is to be filled with (``task/fetch``). Raises ``InboundError``."""
    return _said(_form_data(activity), zone_of(activity, fallback))


def form_filled(activity: Mapping[str, Any]) -> Filled:
    """The form as it was sent (``task/submit``). Raises ``InboundError``."""
    data = _form_data(activity)
    return Filled(*(_field(data, name) for name in ("role", "duration", "reason", "ticket")))


def zone_of(activity: Mapping[str, Any], fallback: ZoneInfo) -> ZoneInfo:
    """The time zone of the sender's client, as far as it says one that is known here."""
    for entity in activity.get("entities") or ():
        if str(entity.get("type")).lower() == "clientinfo" and (found := _zone(entity.get("timezone"))):
            return found
    return _zone(activity.get("localTimezone")) or fallback


def _zone(name: Any) -> ZoneInfo | None:
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_ZONE:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _data(activity: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data of a press: of ``Action.Execute`` in an invoke, of ``Action.Submit`` in a message."""
    value = activity.get("value")
    if not isinstance(value, dict):
        return {}
    if activity.get("type") == "message":
        return value
    action = value.get("action")
    if not isinstance(action, dict):
        return {}
    data = action.get("data")
    return data if isinstance(data, dict) and action.get("verb") == data.get("verb") else {}


def _form_data(activity: Mapping[str, Any]) -> Mapping[str, Any]:
    value = activity.get("value")
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, dict) or data.get("verb") != FORM_VERB:
        raise InboundError(cause="bad-form")
    return data


def _said(data: Mapping[str, Any], zone: ZoneInfo) -> Said:
    text = data.get("text", "")
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise InboundError(cause="bad-text")
    return Said(text, zone, _chosen(data), confirmed=data.get("confirmed") == "yes")


def _chosen(data: Mapping[str, Any]) -> Chosen | None:
    if "key" not in data:
        return None
    key, scope = data.get("key"), data.get("scope")
    for part in (key, scope):
        if not isinstance(part, str) or not 0 < len(part) <= _MAX_KEY:
            raise InboundError(cause="bad-choice")
    return Chosen(str(key), str(scope))


def _field(data: Mapping[str, Any], name: str) -> str:
    """A field, without control characters other than line breaks; clients leave out empty ones."""
    value = data.get(name, "")
    if not isinstance(value, str) or len(value) > _MAX_FIELD:
        raise InboundError(cause=f"bad-{name}")
    return "".join(c for c in value if c == "\n" or unicodedata.category(c) != "Cc").strip()

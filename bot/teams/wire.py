"""Activities between their JSON form and botbuilder's classes.

Written by hand: msrest's serialiser is an order of magnitude slower, turns wrong types and odd
timestamps into exceptions deep inside a turn, and spells ``tenantId`` as ``tenantID``, so that the
tenant is lost in both directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from botbuilder.schema import Activity, Attachment, ChannelAccount, ConversationAccount
from msrest.serialization import Model

CARD_TYPE = "application/vnd.microsoft.card.adaptive"


def activity_from_wire(activity: Mapping[str, Any]) -> Activity:
    """A parsed activity (see ``parse_activity``) as botbuilder knows it.

    ``deliveryMode`` is left out on purpose: with ``expectReplies`` botbuilder would replace the
    answer to an invoke by buffered replies, and Teams never asks for it.
    """
    return Activity(
        type=activity["type"],
        id=activity.get("id"),
        name=activity.get("name"),
        text=activity.get("text"),
        value=activity.get("value"),
        locale=activity.get("locale"),
        channel_id=activity["channelId"],
        service_url=activity.get("serviceUrl"),
        reply_to_id=activity.get("replyToId"),
        channel_data=activity.get("channelData"),
        from_property=_account(activity["from"]),
        recipient=_account(activity["recipient"]),
        conversation=_conversation(activity["conversation"]),
    )


def _account(party: Mapping[str, Any]) -> ChannelAccount:
    return ChannelAccount(id=party["id"], name=party.get("name"), aad_object_id=party.get("aadObjectId"))


def _conversation(party: Mapping[str, Any]) -> ConversationAccount:
    return ConversationAccount(
        id=party["id"],
        name=party.get("name"),
        is_group=party.get("isGroup"),
        conversation_type=party.get("conversationType"),
        tenant_id=party.get("tenantId"),
    )


def card_message(card: Mapping[str, Any], summary: str | None = None) -> Activity:
    """A message that holds one card. ``summary`` is what a notification shows of it."""
    return Activity(
        type="message",
        summary=summary,
        attachments=[Attachment(content_type=CARD_TYPE, content=card)],
    )


def reply_message(card: Mapping[str, Any]) -> Activity:
    """The same for the answer to a command. What it says of itself is also what is read aloud of it, so
    that nothing has to be drawn a second time.
    """
    return card_message(card, card["speak"])


def to_wire(value: Any) -> Any:
    """A botbuilder value as JSON would have it; what is no botbuilder class passes through."""
    if isinstance(value, Model):
        kind: Any = type(value)
        named = ((key, getattr(value, attribute)) for attribute, key in _keys(kind))
        return {key: to_wire(inner) for key, inner in named if inner is not None}
    if isinstance(value, list | tuple):
        return [to_wire(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value


@cache
def _keys(kind: Any) -> tuple[tuple[str, str], ...]:
    """Attribute and JSON key of each field, with botbuilder's misspelt ``tenantID`` put right."""
    table: Mapping[str, Mapping[str, str]] = kind._attribute_map  # noqa: SLF001 - the one description there is
    right = {"tenantID": "tenantId"}
    return tuple((name, right.get(entry["key"], entry["key"])) for name, entry in table.items())

"""Values that stand in several tables, or are read in several ways."""

from __future__ import annotations

from typing import Any

from bot.domain.model import PostedCard
from bot.ports import AuditEntry


def audit_entry_of(row: Any) -> AuditEntry:
    return AuditEntry(row.at, row.event, row.request_id, row.actor, row.facts)


def posted_of(row: Any) -> PostedCard:
    return PostedCard(row.conversation_id, row.activity_id, row.service_url)


def posted_values(posted: PostedCard) -> dict[str, Any]:
    return {
        "conversation_id": posted.conversation_id,
        "activity_id": posted.activity_id,
        "service_url": posted.service_url,
    }

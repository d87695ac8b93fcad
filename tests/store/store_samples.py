"""A request to store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.model import (
    ApprovalRequest,
    Danger,
    Identity,
    Person,
    Pool,
    PoolMember,
    Reason,
    Refusal,
    Role,
    SlaPlan,
    Ticket,
)

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TENANT = "11111111-2222-3333-4444-555555555555"


def person(name: str) -> Person:
    return Person(Identity(TENANT, f"oid-{name}"), name, f"{name}@contoso.example")


def a_request(request_id: str = "r1", **changes: Any) -> ApprovalRequest:
    fields: dict[str, Any] = {
        "id": request_id,
        "tenant_id": TENANT,
        "approval_id": request_id,
        "action": "selfActivate",
        "requester": person("rita"),
        "role": Role("role-1", "Security Administrator", Danger.HIGH),
        "scope": "/",
        "justification": "ticket 1234 \x00 \ud83d \N{GRINNING FACE}",
        "ticket": Ticket("1234", "ServiceNow"),
        "duration": timedelta(hours=2),
        "starts_at": None,
        "requested_at": AT,
        "expires_at": AT + timedelta(hours=24),
        "pool": Pool((PoolMember(person("adam"), (Refusal(Reason.ELIGIBLE_DIRECTLY, "/"),)),)),
        "sla": SlaPlan((timedelta(minutes=5),), timedelta(minutes=15)),
    }
    return ApprovalRequest(**(fields | changes))

"""Values that tests start from; each call gives an equal one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.domain.model import (
    Actor,
    ApprovalRef,
    ApprovalRequest,
    Choice,
    Claim,
    Danger,
    Decision,
    Identity,
    Person,
    PimRequest,
    PimStatus,
    Pool,
    PoolMember,
    Role,
    SlaPlan,
    Ticket,
)

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
TENANT = "aaaaaaaa-0000-4000-8000-000000000000"
RILEY = "bbbbbbbb-0000-4000-8000-000000000001"
ALEX = "bbbbbbbb-0000-4000-8000-000000000002"
BLAKE = "bbbbbbbb-0000-4000-8000-000000000003"
ROLE = "194ae4cb-b126-40b2-bd5b-6091b380977d"
NAMES = {RILEY: "Riley Stone", ALEX: "Alex Moreau", BLAKE: "Blake Okafor"}


def person(object_id: str, name: str | None = "someone", tenant: str = TENANT) -> Person:
    """With ``name=None``, shown by its object id, as when it could not be read."""
    shown = object_id if name is None else NAMES.get(object_id, name)
    return Person(Identity(tenant, object_id), shown, guest=False)


def an_actor(object_id: str = ALEX, tenant: str = TENANT) -> Actor:
    return Actor(Identity(tenant, object_id), NAMES.get(object_id, "someone"), f"29:{object_id}")


def a_pool(*object_ids: str) -> Pool:
    return Pool(tuple(PoolMember(person(one)) for one in object_ids or (ALEX, BLAKE)))


def a_request(**changes: object) -> ApprovalRequest:
    values: dict[str, object] = {
        "id": "61998d6f-0000-4000-8000-000000000001",
        "tenant_id": TENANT,
        "approval_id": "61998d6f-0000-4000-8000-000000000001",
        "action": "selfActivate",
        "requester": person(RILEY),
        "role": Role(ROLE, "Security Administrator", Danger.CRITICAL),
        "scope": "/",
        "justification": "ticket 1234",
        "ticket": Ticket("1234", "ServiceNow"),
        "duration": timedelta(hours=2),
        "starts_at": None,
        "requested_at": NOW,
        "expires_at": NOW + timedelta(hours=24),
        "pool": a_pool(),
        "sla": SlaPlan((timedelta(minutes=5), timedelta(minutes=15)), timedelta(hours=1)),
    }
    return ApprovalRequest(**{**values, **changes})  # type: ignore[arg-type]


def an_approval(approval_id: str, role_definition_id: str = ROLE) -> ApprovalRef:
    return ApprovalRef(role_definition_id, approval_id)


def a_pim_request(**changes: object) -> PimRequest:
    values: dict[str, object] = {
        "id": "61998d6f-0000-4000-8000-000000000001",
        "approval_id": "61998d6f-0000-4000-8000-000000000001",
        "action": "selfActivate",
        "raw_status": "PendingApprovalProvisioning",
        "status": PimStatus.AWAITING_APPROVAL,
        "principal_id": RILEY,
        "role_definition_id": ROLE,
        "scope": "/",
        "justification": "ticket 1234",
        "ticket": Ticket("1234", "ServiceNow"),
        "duration": timedelta(hours=2),
        "starts_at": None,
        "created_at": NOW,
    }
    return PimRequest(**{**values, **changes})  # type: ignore[arg-type]


def a_claim(choice: Choice = Choice.APPROVE, by: str = ALEX, claim_id: str = "claim-1") -> Claim:
    return Claim(claim_id, person(by), f"29:{by}", choice, "looks right", NOW)


def a_decision(choice: Choice = Choice.APPROVE, by: str | None = ALEX) -> Decision:
    return Decision(choice, person(by) if by else None, "looks right", NOW + timedelta(seconds=2))

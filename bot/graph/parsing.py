"""Graph's JSON read into domain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from bot.domain.errors import RejectedError
from bot.domain.group_roles import SCOPE, Access, GroupRole
from bot.domain.model import Identity, Person, PimRequest, PimStatus, Ticket
from bot.graph.durations import parse_iso_duration

Json = Mapping[str, Any]
_log = structlog.get_logger(__name__)

_STATUSES = {
    PimStatus.AWAITING_APPROVAL: (
        "PendingApproval",
        "PendingApprovalProvisioning",
        "PendingAdminDecision",
        "PendingEvaluation",
    ),
    PimStatus.IN_TRANSIT: (
        "PendingProvisioning",
        "PendingScheduleCreation",
        "PendingExternalProvisioning",
        "PendingRevocation",
        "ProvisioningStarted",
        "Accepted",
        "AdminApproved",
    ),
    PimStatus.GRANTED: ("Granted", "Provisioned", "ScheduleCreated"),
    PimStatus.DENIED: ("Denied", "AdminDenied"),
    PimStatus.WITHDRAWN: ("Canceled", "Cancelled"),
    PimStatus.EXPIRED: ("TimedOut", "Expired"),
    PimStatus.REVOKED: ("Revoked",),
    PimStatus.FAILED: ("Failed", "FailedAsResourceIsLocked", "Invalid"),
}
_STATUS_OF = {name.lower(): status for status, names in _STATUSES.items() for name in names}
AWAITING_NAMES = _STATUSES[PimStatus.AWAITING_APPROVAL]


def status_of(raw: str) -> PimStatus:
    """Graph's open status string, any case. An unknown ``Pending…`` counts as awaiting approval: a
    card too many is better than a request that nobody sees.
    """
    name = raw.strip().lower()
    known = _STATUS_OF.get(name)
    if known is not None:
        return known
    return PimStatus.AWAITING_APPROVAL if name.startswith("pending") else PimStatus.UNKNOWN


def awaiting(
    rows: Iterable[Json], read: Callable[[Json, datetime], PimRequest], seen_at: datetime
) -> tuple[PimRequest, ...]:
    """The requests that await approval. One that can't be read is logged and left out, so that it does not
    hide the others.
    """
    found = (_or_none(row, read, seen_at) for row in rows)
    return tuple(one for one in found if one and one.status is PimStatus.AWAITING_APPROVAL)


def _or_none(row: Json, read: Callable[[Json, datetime], PimRequest], seen_at: datetime) -> PimRequest | None:
    try:
        return read(row, seen_at)
    except RejectedError as exc:
        _log.exception("pim_request_unreadable", request_id=text(row, "id"), why=str(exc))
        return None


def required(row: Json, key: str) -> str:
    """The text under ``key``. Raises ``RejectedError`` naming the key."""
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise RejectedError(f"Graph's answer lacks {key}")
    return value.strip()


def text(row: Json, key: str) -> str:
    """The text under ``key``, or ``""``."""
    value = row.get(key)
    return value.strip() if isinstance(value, str) else ""


def child(row: Json, key: str) -> Json:
    """The object under ``key``, or an empty one."""
    value = row.get(key)
    return value if isinstance(value, Mapping) else {}


def rows(row: Json, key: str) -> list[Json]:
    """The objects under ``key``; none when it is absent. Raises ``RejectedError`` for anything else."""
    value = row.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise RejectedError(f"Graph's answer has something else than a list in {key}")
    return value


def time(row: Json, key: str) -> datetime | None:
    """The time under ``key``, aware UTC; None when absent or year 1, which is how .NET says *not set*.

    Raises ``RejectedError`` when it can't be read.
    """
    raw = text(row, key)
    if not raw:
        return None
    try:
        value = datetime.fromisoformat(raw)
    except ValueError as exc:
        raise RejectedError(f"Graph's {key} is no time") from exc
    if value.year == 1:
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def person_of(row: Json, tenant_id: str) -> Person:
    """A user object. The name is its UPN or object id when Graph tells no other."""
    object_id, upn = required(row, "id"), text(row, "userPrincipalName") or None
    guest = {"guest": True, "member": False}.get(text(row, "userType").lower())
    return Person(Identity(tenant_id, object_id), text(row, "displayName") or upn or object_id, upn, guest)


def request_of(row: Json, seen_at: datetime) -> PimRequest:
    """A ``unifiedRoleAssignmentScheduleRequest``. ``seen_at`` stands in for a missing creation time.

    Raises ``RejectedError`` when it lacks an id, principal or role.
    """
    role = required(row, "roleDefinitionId").lower()
    return _request(row, role, text(row, "directoryScopeId") or text(row, "appScopeId") or "/", seen_at)


def group_request_of(row: Json, seen_at: datetime) -> PimRequest:
    """A ``privilegedAccessGroupAssignmentScheduleRequest``, as ``request_of`` reads the others.

    Raises ``RejectedError`` also for an access that is neither membership nor ownership.
    """
    try:
        role = GroupRole(required(row, "groupId"), Access(required(row, "accessId").lower()))
    except ValueError as exc:
        raise RejectedError(f"Graph's answer names no membership or ownership: {exc}") from exc
    return _request(row, role.key, SCOPE, seen_at)


def _request(row: Json, role: str, scope: str, seen_at: datetime) -> PimRequest:
    schedule, raw_status = child(row, "scheduleInfo"), text(row, "status")
    return PimRequest(
        id=required(row, "id"),
        approval_id=text(row, "approvalId") or None,
        action=text(row, "action"),
        raw_status=raw_status,
        status=status_of(raw_status),
        principal_id=required(row, "principalId").lower(),
        role_definition_id=role,
        scope=scope,
        justification=text(row, "justification"),
        ticket=_ticket(child(row, "ticketInfo")),
        duration=_duration(schedule),
        starts_at=time(schedule, "startDateTime"),
        created_at=time(row, "createdDateTime") or seen_at,
    )


def _ticket(row: Json) -> Ticket | None:
    number, system = text(row, "ticketNumber"), text(row, "ticketSystem")
    return Ticket(number, system) if number or system else None


def _duration(schedule: Json) -> timedelta | None:
    expiration = child(schedule, "expiration")
    start, end = time(schedule, "startDateTime"), time(expiration, "endDateTime")
    match text(expiration, "type").lower():
        case "afterduration":
            return _parsed(text(expiration, "duration"))
        case "afterdatetime" if start and end:
            return end - start
        case _:
            return None


def _parsed(duration: str) -> timedelta | None:
    try:
        return parse_iso_duration(duration)
    except ValueError:
        # Visibility first: the card appears without a duration rather than not at all.
        _log.warning("pim_duration_unreadable", duration=duration)
        return None

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.errors import RejectedError
from bot.domain.model import PimStatus, Ticket
from bot.graph.parsing import person_of, request_of, status_of

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def row(**changed: Any) -> dict[str, Any]:
    return {
        "id": "R1",
        "status": "PendingApproval",
        "action": "selfActivate",
        "principalId": "P1",
        "roleDefinitionId": "D1",
        **changed,
    }


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("PendingApproval", PimStatus.AWAITING_APPROVAL),
        ("PendingApprovalProvisioning", PimStatus.AWAITING_APPROVAL),
        ("PendingAdminDecision", PimStatus.AWAITING_APPROVAL),
        ("PendingEvaluation", PimStatus.AWAITING_APPROVAL),
        ("pendingapproval", PimStatus.AWAITING_APPROVAL),
        ("PendingSomethingNew", PimStatus.AWAITING_APPROVAL),
        ("PendingProvisioning", PimStatus.IN_TRANSIT),
        ("PendingScheduleCreation", PimStatus.IN_TRANSIT),
        ("PendingExternalProvisioning", PimStatus.IN_TRANSIT),
        ("PendingRevocation", PimStatus.IN_TRANSIT),
        ("ProvisioningStarted", PimStatus.IN_TRANSIT),
        ("Accepted", PimStatus.IN_TRANSIT),
        ("AdminApproved", PimStatus.IN_TRANSIT),
        ("Granted", PimStatus.GRANTED),
        ("Provisioned", PimStatus.GRANTED),
        ("ScheduleCreated", PimStatus.GRANTED),
        ("Denied", PimStatus.DENIED),
        ("AdminDenied", PimStatus.DENIED),
        ("Canceled", PimStatus.WITHDRAWN),
        ("Cancelled", PimStatus.WITHDRAWN),
        ("TimedOut", PimStatus.EXPIRED),
        ("Expired", PimStatus.EXPIRED),
        ("Revoked", PimStatus.REVOKED),
        ("Failed", PimStatus.FAILED),
        ("FailedAsResourceIsLocked", PimStatus.FAILED),
        ("Invalid", PimStatus.FAILED),
        ("SomethingElse", PimStatus.UNKNOWN),
        ("", PimStatus.UNKNOWN),
    ],
)
def test_every_status_graph_may_say_is_read(raw: str, status: PimStatus) -> None:
    assert status_of(raw) is status


def test_a_bare_request_is_read_with_defaults() -> None:
    request = request_of(row(), NOW)
    assert (request.principal_id, request.role_definition_id, request.scope) == ("p1", "d1", "/")
    assert (request.approval_id, request.ticket, request.duration, request.starts_at) == (
        None,
        None,
        None,
        None,
    )
    assert request.created_at == NOW


def test_seven_digits_of_a_second_are_read() -> None:
    request = request_of(row(createdDateTime="2026-11-23T08:59:59.1234567Z"), NOW)
    assert request.created_at == datetime(2026, 11, 23, 8, 59, 59, 123456, tzinfo=UTC)


def test_year_one_is_no_start() -> None:
    request = request_of(row(scheduleInfo={"startDateTime": "0001-01-01T00:00:00Z"}), NOW)
    assert request.starts_at is None


@pytest.mark.parametrize(
    ("expiration", "duration"),
    [
        pytest.param({"type": "AfterDuration", "duration": "PT30M"}, timedelta(minutes=30), id="duration"),
        pytest.param({"type": "afterDuration", "duration": "PT8H"}, timedelta(hours=8), id="lower case"),
        pytest.param(
            {"type": "AfterDateTime", "endDateTime": "2026-11-23T12:00:00Z"}, timedelta(hours=3), id="until"
        ),
        pytest.param({"type": "NoExpiration"}, None, id="for good"),
        pytest.param({"type": "AfterDateTime"}, None, id="until unknown"),
        pytest.param(
            {"type": "AfterDuration", "duration": "5:30:00"}, None, id="unreadable, but still shown"
        ),
        pytest.param(None, None, id="nothing said"),
    ],
)
def test_how_long_is_read_from_either_form(expiration: Any, duration: timedelta | None) -> None:
    schedule = {"startDateTime": "2026-11-23T09:00:00Z", "expiration": expiration}
    assert request_of(row(scheduleInfo=schedule), NOW).duration == duration


@pytest.mark.parametrize(
    ("info", "ticket"),
    [
        pytest.param({"ticketNumber": "INC-1", "ticketSystem": "SN"}, Ticket("INC-1", "SN"), id="both"),
        pytest.param({"ticketNumber": "INC-1", "ticketSystem": None}, Ticket("INC-1"), id="number"),
        pytest.param({"ticketNumber": None, "ticketSystem": None}, None, id="nulls"),
        pytest.param(None, None, id="absent"),
    ],
)
def test_the_ticket_is_read(info: Any, ticket: Ticket | None) -> None:
    assert request_of(row(ticketInfo=info), NOW).ticket == ticket


@pytest.mark.parametrize("key", ["id", "principalId", "roleDefinitionId"])
@pytest.mark.parametrize("value", [None, "", 7])
def test_a_request_without_its_ids_is_refused_and_the_key_named(key: str, value: Any) -> None:
    with pytest.raises(RejectedError, match=key):
        request_of(row(**{key: value}), NOW)


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(RejectedError, match="createdDateTime"):
        request_of(row(createdDateTime="yesterday"), NOW)


def test_a_scope_is_passed_through() -> None:
    assert request_of(row(directoryScopeId="/administrativeUnits/A"), NOW).scope == "/administrativeUnits/A"


@pytest.mark.parametrize(
    ("user", "name"),
    [
        pytest.param({"displayName": "Alex", "userPrincipalName": "a@x"}, "Alex", id="display name"),
        pytest.param({"displayName": None, "userPrincipalName": "a@x"}, "a@x", id="UPN"),
        pytest.param({}, "O1", id="object id"),
    ],
)
def test_a_person_always_has_something_to_be_called_by(user: dict[str, Any], name: str) -> None:
    assert person_of({"id": "O1", **user}, "T").display_name == name

"""What is asked of PIM, read from the JSON it came as."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.durations import parse_duration, parse_time
from bot.sandbox.graph_http import GraphError


@dataclass(frozen=True, slots=True)
class Wish:
    """A ``unifiedRoleAssignmentScheduleRequest`` as it was asked for, checked for form only."""

    action: str
    principal_id: str
    role_id: str
    scope: str
    justification: str
    start: datetime
    duration: timedelta | None
    duration_text: str
    ticket_number: str | None
    ticket_system: str | None
    validation_only: bool

    @classmethod
    def parse(cls, body: dict[str, Any], now: datetime) -> Wish:
        """Raises ``GraphError`` 400."""
        schedule = body.get("scheduleInfo") or {}
        expiration = schedule.get("expiration") or {}
        ticket = body.get("ticketInfo") or {}
        start = _time(schedule.get("startDateTime")) or now
        duration, text = _duration(expiration, start)
        return cls(
            action=_text(body, "action"),
            principal_id=_text(body, "principalId").lower(),
            role_id=_text(body, "roleDefinitionId").lower(),
            scope=body.get("directoryScopeId") or "/",
            justification=body.get("justification") or "",
            start=start,
            duration=duration,
            duration_text=text,
            ticket_number=ticket.get("ticketNumber"),
            ticket_system=ticket.get("ticketSystem"),
            validation_only=bool(body.get("isValidationOnly", False)),
        )


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise GraphError(400, "BadRequest", f"The required property '{name}' is missing from the payload.")
    return value


def _time(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_time(str(text))
    except ValueError as error:
        message = f"Cannot convert the literal '{text}' to the expected type 'Edm.DateTimeOffset'."
        raise GraphError(400, "BadRequest", message) from error


def _duration(expiration: dict[str, Any], start: datetime) -> tuple[timedelta | None, str]:
    """None: without an end, which no activation policy allows."""
    kind = str(expiration.get("type", "notSpecified")).lower()
    if kind == "afterdatetime":
        end = _time(expiration.get("endDateTime")) or start
        seconds = int((end - start).total_seconds())
        return timedelta(seconds=seconds), f"PT{seconds}S"
    text = expiration.get("duration")
    if kind != "afterduration" or text is None:
        return None, ""
    try:
        return parse_duration(str(text)), str(text)
    except ValueError as error:
        message = f"Cannot convert the literal '{text}' to the expected type 'Edm.Duration'."
        raise GraphError(400, "BadRequest", message) from error

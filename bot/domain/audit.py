"""The names of what the audit log records. Each is a stable tag: add, never rename."""

from __future__ import annotations

from enum import StrEnum


class AuditEvent(StrEnum):
    TAKEN_IN = "request.taken-in"
    FORECAST = "request.forecast-completed"
    REFUSED = "decision.refused"
    NOT_SENT = "decision.not-sent"
    CLAIMED = "decision.claimed"
    RELEASED = "decision.released"
    RECORDED = "decision.recorded"
    SETTLED = "request.settled-elsewhere"
    ESCALATED = "request.escalated"
    IMPERSONATION = "attack.token-of-another"
    FORGED = "attack.forged-click"
    REPORTED = "conduct.reported"
    """Its actor is who was reported; it is Second Key that reports."""
    SUBSCRIPTION_REFUSED = "subscription.refused"

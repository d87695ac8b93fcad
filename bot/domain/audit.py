"""The names of what the audit log records. Each is a stable tag: add, never rename."""

from __future__ import annotations

from enum import StrEnum


class AuditEvent(StrEnum):
    TAKEN_IN = "request.taken-in"
    FORECAST = "request.forecast-completed"
    REFUSED = "decision.refused"
    NOT_SENT = "decision.not-sent"
    VOTED = "decision.vote-counted"
    VOTE_DROPPED = "decision.vote-dropped"
    CLAIMED = "decision.claimed"
    RELEASED = "decision.released"
    RECORDED = "decision.recorded"
    SETTLED = "request.settled-elsewhere"
    ESCALATED = "request.escalated"
    SIGNED_IN = "act.signed-in"
    SIGNED_OUT = "actor.signed-out"
    IMPERSONATION = "attack.token-of-another"
    FORGED = "attack.forged-click"
    REPORTED = "conduct.reported"
    """Its actor is who was reported; it is Second Key that reports."""
    USABLE = "request.usable"
    PROLONGED = "request.prolonged"
    ENDED = "request.ended"
    ACTIVATION_SENT = "activation.sent"
    ACTIVATION_REFUSED = "activation.refused"
    ACTIVATION_WITHDRAWN = "activation.withdrawn"
    ROLE_GIVEN_BACK = "activation.given-back"
    SUBSCRIPTION_REFUSED = "subscription.refused"

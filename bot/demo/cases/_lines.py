"""What audit trails have in common."""

from __future__ import annotations

from bot.demo.scene import Line


def decided(who: str, choice: str = "Approve") -> tuple[Line, Line]:
    """A decision by their own token, on fresh facts, and Graph's confirmation of it."""
    return (
        Line("decision.claimed", who=who, as_whom=who, rule="not the requester", judged=True),
        Line("decision.recorded", who=who, facts={"choice": choice}),
    )


def not_sent(who: str, rule: str | None = None, *, as_whom: str | None = None) -> Line:
    """A click that was heard and not sent, and why."""
    return Line("decision.not-sent", who=who, as_whom=as_whom, rule=rule)

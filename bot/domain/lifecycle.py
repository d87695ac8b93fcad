"""The lifecycle of a request: one table, and everything that may change a request.

Rule: whatever affects a transition stands in ``TABLE``. An event that is not in it raises and
changes nothing. Every change returns a new value with the next ``version``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from bot.domain.errors import IllegalEventError
from bot.domain.model import (
    ApprovalRequest,
    Choice,
    Claim,
    Decision,
    Person,
    PimStatus,
    Pool,
    Role,
    State,
    Unreadable,
)


class Event(StrEnum):
    """What can happen to a request. Decided, seen or refused, always by Graph's word."""

    CLAIM = "claim"
    RELEASE = "release"
    CONFIRM_APPROVAL = "confirm-approval"
    CONFIRM_DENIAL = "confirm-denial"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    DECIDE_ELSEWHERE = "decide-elsewhere"
    FAIL = "fail"
    BECOME_USABLE = "become-usable"
    LAPSE = "lapse"


_FROM_OUTSIDE = {
    Event.WITHDRAW: State.WITHDRAWN,
    Event.EXPIRE: State.EXPIRED,
    Event.DECIDE_ELSEWHERE: State.DECIDED_ELSEWHERE,
    Event.FAIL: State.FAILED,
}

TABLE: Final = MappingProxyType(
    {
        State.PENDING: MappingProxyType(
            {
                Event.CLAIM: State.DECIDING,
                # A claim that was given back, but whose PATCH took effect after all.
                Event.CONFIRM_APPROVAL: State.APPROVED,
                Event.CONFIRM_DENIAL: State.DENIED,
                **_FROM_OUTSIDE,
            }
        ),
        State.DECIDING: MappingProxyType(
            {
                Event.RELEASE: State.PENDING,
                Event.CONFIRM_APPROVAL: State.APPROVED,
                Event.CONFIRM_DENIAL: State.DENIED,
                **_FROM_OUTSIDE,
            }
        ),
        State.APPROVED: MappingProxyType(
            {Event.BECOME_USABLE: State.ACTIVE, Event.LAPSE: State.ENDED, Event.FAIL: State.FAILED}
        ),
        State.ACTIVE: MappingProxyType({Event.LAPSE: State.ENDED}),
        State.DENIED: MappingProxyType({}),
        State.WITHDRAWN: MappingProxyType({}),
        State.EXPIRED: MappingProxyType({}),
        # Approved elsewhere, that is: of what was denied Graph never shows an assignment.
        State.DECIDED_ELSEWHERE: MappingProxyType(
            {Event.BECOME_USABLE: State.ACTIVE, Event.LAPSE: State.ENDED}
        ),
        State.FAILED: MappingProxyType({}),
        State.ENDED: MappingProxyType({}),
    }
)

OPEN: Final = frozenset({State.PENDING, State.DECIDING})
"""States in which somebody still has to decide, or is about to."""


def advance(state: State, event: Event) -> State:
    """The state after ``event``. Raises ``IllegalEventError``."""
    after = TABLE[state].get(event)
    if after is None:
        raise IllegalEventError(f"{event} is not allowed while {state}")
    return after


def _moved(request: ApprovalRequest, event: Event, **changes: Any) -> ApprovalRequest:
    return replace(request, state=advance(request.state, event), version=request.version + 1, **changes)


def claim(request: ApprovalRequest, by: Claim) -> ApprovalRequest:
    """Somebody's decision is on its way to Graph. Raises ``IllegalEventError``."""
    return _moved(request, Event.CLAIM, claim=by)


def release(request: ApprovalRequest) -> ApprovalRequest:
    """The claimed decision did not happen; the request is open again. The claim stays readable,
    in case Graph turns out to have taken it after all. Raises ``IllegalEventError``.
    """
    return _moved(request, Event.RELEASE)


def confirm(request: ApprovalRequest, decision: Decision) -> ApprovalRequest:
    """Graph has confirmed a decision made here. Raises ``IllegalEventError``."""
    event = Event.CONFIRM_APPROVAL if decision.choice is Choice.APPROVE else Event.CONFIRM_DENIAL
    return _moved(request, event, decision=decision, ended_at=decision.at)


def decided_elsewhere(request: ApprovalRequest, decision: Decision) -> ApprovalRequest:
    """Graph says that it was decided, and not by us. Raises ``IllegalEventError``."""
    return _moved(request, Event.DECIDE_ELSEWHERE, decision=decision, ended_at=decision.at)


def closed(request: ApprovalRequest, event: Event, at: datetime) -> ApprovalRequest:
    """Withdrawn, expired or failed, seen at ``at``. Raises ``IllegalEventError``."""
    return _moved(request, event, ended_at=at)


def usable(request: ApprovalRequest, at: datetime, until: datetime | None) -> ApprovalRequest:
    """The role was seen to be usable at ``at``. Raises ``IllegalEventError``, also for a denial."""
    if request.decision is not None and request.decision.choice is Choice.DENY:
        raise IllegalEventError("what was denied does not become usable")
    return _moved(request, Event.BECOME_USABLE, usable_at=at, usable_until=until)


def prolonged(request: ApprovalRequest, until: datetime | None) -> ApprovalRequest:
    """Its end has moved. Raises ``IllegalEventError`` unless it is active."""
    if request.state is not State.ACTIVE:
        raise IllegalEventError(f"nothing ends while {request.state}")
    return replace(request, usable_until=until, version=request.version + 1)


def lapsed(request: ApprovalRequest, at: datetime) -> ApprovalRequest:
    """The activation is over. Raises ``IllegalEventError``."""
    return _moved(request, Event.LAPSE, ended_at=at)


def rung_fired(request: ApprovalRequest, rung: int) -> ApprovalRequest:
    """Ops were pinged. Raises ``IllegalEventError`` unless the request is open."""
    if request.state not in OPEN:
        raise IllegalEventError(f"nothing is escalated while {request.state}")
    return replace(request, rung=max(request.rung, rung), version=request.version + 1)


def reforecast(
    request: ApprovalRequest, *, requester: Person, role: Role, pool: Pool | Unreadable, quorum: int
) -> ApprovalRequest:
    """What could not be read at intake could be read now; a quorum is found by the role's name, so that
    it can only grow. Raises ``IllegalEventError`` unless the request is open and something was
    missing: a frozen pool is never rewritten.
    """
    if request.state not in OPEN or not is_incomplete(request):
        raise IllegalEventError("a complete forecast is frozen")
    asked_for = max(request.quorum, quorum)
    return replace(
        request, requester=requester, role=role, pool=pool, quorum=asked_for, version=request.version + 1
    )


def is_incomplete(request: ApprovalRequest) -> bool:
    """Whether anything that the card needs could not be read yet."""
    return (
        isinstance(request.pool, Unreadable)
        or request.pool.unreadable is not None
        or request.requester.display_name == request.requester.identity.object_id
        or not is_role_known(request)
    )


def is_role_known(request: ApprovalRequest) -> bool:
    """Whether the role's name could be read, by which settings may speak of it."""
    return request.role.display_name != request.role.definition_id


def ending(status: PimStatus) -> Event | None:
    """How Graph's status ends an open request; None while it doesn't. ``GRANTED`` and
    ``REVOKED`` (granted, and already given back) were approved, ``DENIED`` was denied.
    """
    return _ENDINGS.get(status)


_ENDINGS: Final = MappingProxyType(
    {
        PimStatus.GRANTED: Event.DECIDE_ELSEWHERE,
        PimStatus.REVOKED: Event.DECIDE_ELSEWHERE,
        PimStatus.DENIED: Event.DECIDE_ELSEWHERE,
        PimStatus.WITHDRAWN: Event.WITHDRAW,
        PimStatus.EXPIRED: Event.EXPIRE,
        PimStatus.FAILED: Event.FAIL,
    }
)


def mermaid() -> str:
    """The table as a Mermaid state diagram (the README's is generated from it)."""
    lines = ["stateDiagram-v2", "    [*] --> PENDING"]
    lines += [
        f"    {before.name} --> {after.name}: {event}"
        for before, events in TABLE.items()
        for event, after in events.items()
    ]
    lines += [f"    {state.name} --> [*]" for state, events in TABLE.items() if not events]
    return "\n".join(lines)

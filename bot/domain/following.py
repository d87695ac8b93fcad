"""An activation followed from its request to its end: what Graph was seen to say, and when to look
again. Graph alone tells when a role is usable and when it is over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.activation import ActiveRole
from bot.domain.model import ApprovalRequest, Choice, Person, PimRequest, PimStatus, State, Ticket

ENDING_NOTICE: Final = timedelta(minutes=10)
"""So long before its end a role counts as ending."""
_LOOK_AGAIN: Final = timedelta(minutes=2)
"""While a role is active: it may be given back at any time."""
_MISSING_TOLERATED: Final = timedelta(seconds=20)
"""Graph's replicas may not agree; an assignment is gone when it is missing for this long."""
_PATIENCE: Final = (
    (timedelta(seconds=10), timedelta(seconds=1)),
    (timedelta(minutes=1), timedelta(seconds=3)),
    (timedelta(minutes=10), timedelta(seconds=15)),
    (timedelta(hours=1), timedelta(minutes=1)),
)
"""How often to look for an assignment that has not appeared yet, by how long it was granted."""
_PATIENCE_AT_LAST: Final = timedelta(minutes=5)


class HowEnded(StrEnum):
    LAPSED = "lapsed"
    """Its time was over."""
    GIVEN_BACK = "given-back"
    """Before its time: by its holder, or taken away."""
    NEVER_SEEN = "never-seen"
    """Its time was over before it was ever seen to be usable."""
    CANCELLED = "cancelled"
    """Granted, and withdrawn before it began."""
    FAILED = "failed"
    """PIM could not carry it out."""


class Stage(StrEnum):
    """What its requester sees of an activation."""

    WAITING = "waiting"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    FAILED = "failed"
    GRANTED = "granted"
    """Approved, or in need of no approval, and not yet usable."""
    USABLE = "usable"
    ENDING = "ending"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Activation:
    """One request for a role, as its requester follows it. ``version`` grows by one with every
    change; every write is a compare-and-set on it.
    """

    request_id: str
    requester: Person
    key: str
    role_name: str
    scope: str
    reason: str
    ticket: Ticket | None
    duration: timedelta | None
    starts_at: datetime | None
    asked_at: datetime
    channel_user_id: str | None = None
    """The Teams id of the requester, whose personal chat has the living card; None: nobody asked
    here, so nobody is told here.
    """
    granted_at: datetime | None = None
    usable_at: datetime | None = None
    until: datetime | None = None
    ending: bool = False
    missing_since: datetime | None = None
    ended_at: datetime | None = None
    how_ended: HowEnded | None = None
    give_back_at: datetime | None = None
    """When the bot will give it back, as its holder asked."""
    renewed_by: tuple[str, ...] = ()
    """Requests that the tenant took as extensions of this activation."""
    hitch: str | None = None
    """Why something that was to be done later could not be: a key of ``cards.text.HITCHES``."""
    version: int = 1
    language: str | None = None
    """Of the requester's client, when they asked (BCP 47)."""

    @property
    def propagation(self) -> timedelta | None:
        """How long it took from being granted (and due) to being usable."""
        if self.granted_at is None or self.usable_at is None:
            return None
        return self.usable_at - _due(self, self.granted_at)


def of_pim(
    pim: PimRequest, requester: Person, role_name: str, channel_user_id: str | None, at: datetime
) -> Activation:
    """What is followed of a request that Graph has just taken."""
    how = _ENDINGS.get(pim.status)
    return Activation(
        request_id=pim.id,
        requester=requester,
        key=pim.role_definition_id,
        role_name=role_name,
        scope=pim.scope,
        reason=pim.justification,
        ticket=pim.ticket,
        duration=pim.duration,
        starts_at=pim.starts_at,
        asked_at=pim.created_at,
        channel_user_id=channel_user_id,
        # Whatever neither waits nor is over is on its way, and is looked for.
        granted_at=None if pim.status in _UNDECIDED or how is not None else at,
        ended_at=at if how is not None else None,
        how_ended=how,
    )


def of_active(role: ActiveRole, requester: Person, channel_user_id: str) -> Activation | None:
    """What is followed of a role that was activated elsewhere, and needed no approval; None when
    Graph does not say by which request.
    """
    if role.request_id is None:
        return None
    return Activation(
        request_id=role.request_id,
        requester=requester,
        key=role.key,
        role_name=role.display_name,
        scope=role.scope,
        reason="",
        ticket=None,
        duration=role.until - role.since if role.until is not None else None,
        starts_at=None,
        asked_at=role.since,
        channel_user_id=channel_user_id,
        granted_at=role.since,
        usable_at=role.since,
        until=role.until,
    )


def is_running(activation: Activation, key: str, scope: str) -> bool:
    """Whether it is how this role is held now."""
    held = activation.usable_at is not None and activation.ended_at is None
    return held and (activation.key, activation.scope) == (key, scope)


def of_request(request: ApprovalRequest) -> Activation:
    """What is followed of a request that was made elsewhere."""
    return Activation(
        request_id=request.id,
        requester=request.requester,
        key=request.role.definition_id,
        role_name=request.role.display_name,
        scope=request.scope,
        reason=request.justification,
        ticket=request.ticket,
        duration=request.duration,
        starts_at=request.starts_at,
        asked_at=request.requested_at,
        granted_at=granted_at(request),
    )


def granted_at(request: ApprovalRequest) -> datetime | None:
    """When the request was approved, here or elsewhere; None while it is not."""
    decision = request.decision
    if request.state not in _APPROVED or decision is None or decision.choice is not Choice.APPROVE:
        return None
    return decision.at


def granted(activation: Activation, at: datetime) -> Activation:
    """It was approved at ``at``; the first word counts."""
    if activation.granted_at is not None:
        return activation
    return _changed(activation, granted_at=at)


def told_here(activation: Activation, channel_user_id: str) -> Activation:
    """Its requester turned out to have asked here."""
    if activation.channel_user_id is not None:
        return activation
    return _changed(activation, channel_user_id=channel_user_id)


def to_be_given_back(activation: Activation, at: datetime | None, hitch: str | None = None) -> Activation:
    """Its holder asked to give it back at ``at``; None: no more, because of ``hitch``."""
    if (activation.give_back_at, activation.hitch) == (at, hitch):
        return activation
    return _changed(activation, give_back_at=at, hitch=hitch)


def renewed(activation: Activation, request_id: str) -> Activation:
    """The tenant took another request as its extension."""
    return _changed(activation, renewed_by=(*activation.renewed_by, request_id))


def given_back(activation: Activation, at: datetime) -> Activation:
    """Graph confirmed that its holder gave it back."""
    if activation.ended_at is not None:
        return activation
    return _changed(activation, ended_at=at, how_ended=HowEnded.GIVEN_BACK, give_back_at=None, hitch=None)


def seen(
    activation: Activation, held: ActiveRole | None, status: PimStatus | None, at: datetime
) -> Activation:
    """What a look at Graph makes of it: the assignment that ``held`` is, or else the request's
    ``status`` (None: it could not be told). The same value when nothing is new.
    """
    if activation.ended_at is not None or activation.granted_at is None:
        return activation
    if held is not None and not _is_another(activation, held):
        return _present(activation, held, at)
    if activation.usable_at is None:
        return _not_there_yet(activation, status, at)
    return _gone(activation, status, at)


def next_look(activation: Activation, at: datetime) -> datetime | None:
    """When to look again; None when there is nothing more to see."""
    if activation.ended_at is not None or activation.granted_at is None:
        return None
    if activation.usable_at is None:
        due = _due(activation, activation.granted_at)
        return due if due > at else at + _pause(at - due)
    if activation.missing_since is not None:
        return activation.missing_since + _MISSING_TOLERATED
    moments = [at + _LOOK_AGAIN]
    if activation.until is not None:
        moments += [m for m in (activation.until - ENDING_NOTICE, activation.until) if m > at]
    return min(moments)


def stage(activation: Activation, request: ApprovalRequest | None) -> Stage:
    """``request``: the approval request, where one was needed."""
    if activation.ended_at is not None:
        return Stage.FAILED if activation.how_ended is HowEnded.FAILED else Stage.ENDED
    if activation.usable_at is not None:
        return Stage.ENDING if activation.ending else Stage.USABLE
    if activation.granted_at is not None:
        return Stage.GRANTED
    if request is None:
        return Stage.WAITING
    if request.state is State.DECIDED_ELSEWHERE:
        return Stage.DENIED
    return _STAGES.get(request.state, Stage.WAITING)


_UNDECIDED: Final = frozenset({PimStatus.AWAITING_APPROVAL})
_APPROVED: Final = frozenset({State.APPROVED, State.DECIDED_ELSEWHERE, State.ACTIVE, State.ENDED})
_STAGES: Final = {
    State.DENIED: Stage.DENIED,
    State.WITHDRAWN: Stage.WITHDRAWN,
    State.EXPIRED: Stage.EXPIRED,
    State.FAILED: Stage.FAILED,
}
_ENDINGS: Final = {
    PimStatus.REVOKED: HowEnded.GIVEN_BACK,
    PimStatus.WITHDRAWN: HowEnded.CANCELLED,
    PimStatus.FAILED: HowEnded.FAILED,
    PimStatus.DENIED: HowEnded.FAILED,
    PimStatus.EXPIRED: HowEnded.FAILED,
}


def _is_another(activation: Activation, held: ActiveRole) -> bool:
    """Whether what is held came of a later request: the role was given back, and asked for again."""
    if activation.usable_at is None or held.request_id is None:
        return False
    known = held.request_id in {activation.request_id, *activation.renewed_by}
    return not known and held.since > activation.usable_at


def _present(activation: Activation, held: ActiveRole, at: datetime) -> Activation:
    now = replace(
        activation,
        usable_at=activation.usable_at or at,
        until=held.until,
        ending=held.until is not None and held.until - ENDING_NOTICE <= at,
        missing_since=None,
    )
    return activation if now == activation else replace(now, version=activation.version + 1)


def _not_there_yet(activation: Activation, status: PimStatus | None, at: datetime) -> Activation:
    how = _ENDINGS.get(status) if status is not None else None
    if how is not None:
        return _changed(activation, ended_at=at, how_ended=how)
    last = activation.granted_at
    if last is not None and activation.duration is not None:
        last = _due(activation, last) + activation.duration
        if at >= last:
            return _changed(activation, ended_at=last, how_ended=HowEnded.NEVER_SEEN)
    return activation


def _gone(activation: Activation, status: PimStatus | None, at: datetime) -> Activation:
    if activation.until is not None and at >= activation.until:
        return _changed(activation, ended_at=activation.until, how_ended=HowEnded.LAPSED)
    since = activation.missing_since
    if status is PimStatus.REVOKED or (since is not None and at - since >= _MISSING_TOLERATED):
        return _changed(activation, ended_at=since or at, how_ended=HowEnded.GIVEN_BACK)
    return activation if since is not None else _changed(activation, missing_since=at)


def _due(activation: Activation, granted_at: datetime) -> datetime:
    """When it should become usable."""
    return max(granted_at, activation.starts_at or granted_at)


def _pause(waited: timedelta) -> timedelta:
    return next((pause for span, pause in _PATIENCE if waited < span), _PATIENCE_AT_LAST)


def _changed(activation: Activation, **changes: object) -> Activation:
    return replace(activation, version=activation.version + 1, **changes)  # type: ignore[arg-type]

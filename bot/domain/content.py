"""What cards are made of: a request and whom it is shown to, a ping or report to ops, an own activation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.following import Activation, Stage
from bot.domain.model import ApprovalRequest, Decision, Person, Pool, Reason, Refusal, Unreadable
from bot.domain.replies import Reply


class Viewer(StrEnum):
    """Whom a request card is drawn for."""

    EVERYONE = "everyone"
    ABLE = "able"
    REFUSED = "refused"
    VOTED = "voted"
    """Has approved; others have to as well."""


@dataclass(frozen=True, slots=True)
class RequestCard:
    """The request's card. ``refresh_user_ids``: Teams ids that get a card of their own."""

    request: ApprovalRequest
    portal_url: str
    viewer: Viewer = Viewer.EVERYONE
    refusals: tuple[Refusal, ...] = ()
    """For ``Viewer.REFUSED``: why this viewer may not decide."""
    notice: str | None = None
    """A key of ``cards.text.NOTICES``: what just happened to this viewer's click."""
    sign_in_link: str | None = None
    refresh_user_ids: tuple[str, ...] = ()


class PingCause(StrEnum):
    UNANSWERED = "unanswered"
    EMPTY_POOL = "empty-pool"
    BELOW_QUORUM = "below-quorum"
    """Fewer can decide than have to approve."""
    QUORUM_BYPASSED = "quorum-bypassed"
    """Approved elsewhere, before as many had approved as the role asks for."""
    THIN_POOL = "thin-pool"


@dataclass(frozen=True, slots=True)
class OpsCard:
    """A ping to ops about a request nobody has answered, or too few can."""

    request: ApprovalRequest
    cause: PingCause
    rung: int
    waited: timedelta
    portal_url: str


@dataclass(frozen=True, slots=True)
class ConductCard:
    """A report to ops: somebody tried again and again to decide what they may not."""

    person: Person
    since: datetime
    until: datetime
    refusals: tuple[tuple[Reason, int], ...]
    """How often each reason was given; a try can have several."""
    forged: int
    """How many tries were clicks that no card of ours sends."""
    impersonated: int
    """How many came with another user's token."""
    tries: int
    requests: tuple[ApprovalRequest, ...]
    """What they tried to decide, as far as it is known here."""
    portal_url: str


@dataclass(frozen=True, slots=True)
class ActivationCard:
    """The living card of an activation, in its requester's own chat."""

    activation: Activation
    stage: Stage
    portal_url: str
    pool: Pool | Unreadable | None = None
    """Who can decide, while it waits."""
    expires_at: datetime | None = None
    """When PIM closes the request, while it waits."""
    decision: Decision | None = None
    """By whom and why it was approved or denied."""
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A few words that belong to no request; ``key`` is one of ``cards.text.MESSAGES``."""

    key: str


CardContent = RequestCard | OpsCard | ConductCard | ActivationCard | Note | Reply

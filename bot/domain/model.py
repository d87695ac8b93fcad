"""The values everything else is written in.

Times are aware UTC ``datetime``s, durations ``timedelta``s. Names are text to show and never
identify anybody: identity is tenant id + Entra object id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """Who somebody is: Entra tenant id + object id, both lower-case GUIDs."""

    tenant_id: str
    object_id: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "tenant_id", self.tenant_id.strip().lower())
        object.__setattr__(self, "object_id", self.object_id.strip().lower())
        if not self.tenant_id or not self.object_id:
            raise ValueError("an identity needs a tenant id and an object id")


@dataclass(frozen=True, slots=True)
class Person:
    """An identity with the names to show for it."""

    identity: Identity
    display_name: str
    upn: str | None = None
    guest: bool | None = field(default=None, compare=False)
    """By Entra's ``userType``; None when it was not read, or is neither guest nor member. Not part of
    who somebody is."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody a verified channel token speaks for.

    Made in exactly one place, ``bot.inbound.activities.actor_of``, from an activity whose token
    was verified; holding one means that the channel vouched for the identity. One is kept with
    what its actor began and a sign-in will finish (``bot.domain.sign_in``).
    """

    identity: Identity
    display_name: str
    channel_user_id: str
    """The Teams user id (``29:…``), which the token service keeps user tokens under."""
    language: str | None = None
    """BCP 47, as their client says: for what they are shown, and for nothing else."""


class Danger(StrEnum):
    """How much harm an activation of a role can do; shown in words on the card."""

    CRITICAL = "critical"
    HIGH = "high"
    ELEVATED = "elevated"


@dataclass(frozen=True, slots=True)
class Role:
    """A directory role definition."""

    definition_id: str
    display_name: str
    danger: Danger


@dataclass(frozen=True, slots=True)
class Ticket:
    """``ticketInfo`` of a request: information only, PIM does not check it."""

    number: str
    system: str = ""


class PimStatus(StrEnum):
    """Graph's open ``status`` string of a schedule request, read into what matters here."""

    AWAITING_APPROVAL = "awaiting-approval"
    IN_TRANSIT = "in-transit"
    """Neither pending nor settled (``PendingProvisioning``…): wait for the next look."""
    GRANTED = "granted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REVOKED = "revoked"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PimRequest:
    """A ``unifiedRoleAssignmentScheduleRequest`` as Graph tells it now."""

    id: str
    approval_id: str | None
    action: str
    raw_status: str
    status: PimStatus
    principal_id: str
    role_definition_id: str
    scope: str
    """``directoryScopeId``, passed through as Graph gave it."""
    justification: str
    ticket: Ticket | None
    duration: timedelta | None
    starts_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApprovalRef:
    """Which approval, and of which kind: the role tells the API that has it."""

    role_definition_id: str
    approval_id: str


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """Who may approve a role's activation, from its role management policy, groups expanded."""

    approval_required: bool
    approvers: tuple[Person, ...]
    defaulted: bool = False
    """True when the policy names nobody, so that PIM falls back to Privileged Role
    Administrators and Global Administrators (who are then the ``approvers``)."""
    justification_required: bool = False


class PathKind(StrEnum):
    """How a user comes to a role."""

    DIRECT = "direct"
    GROUP = "group"
    """As a member of a group that is eligible for the role, or has it."""
    GROUP_ELIGIBLE = "group-eligible"
    """By activating membership in such a group (PIM for Groups)."""
    NESTED = "nested"
    """By activating one membership after the other, or one that a group of theirs is eligible for."""
    OWNER = "owner"
    """As the owner of a group on the way, or by becoming one: an owner can add themselves."""


@dataclass(frozen=True, slots=True)
class RolePath:
    """One way in which a user is eligible for a role, or holds it."""

    object_id: str
    kind: PathKind
    scope: str
    via: tuple[str, ...] = ()
    """The groups it goes through, the user's own first and the one that has the role last: their
    display names, or object ids where they have none."""


APPROVER_POLICY: Final = "approver policy"
ELIGIBILITY: Final = "eligibility"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A fact that could not be read, and why; stands where the fact would."""

    fact: str
    why: str


@dataclass(frozen=True, slots=True)
class Holders:
    """Everybody eligible for a role definition and everybody who holds it, at any scope."""

    eligible: tuple[RolePath, ...]
    active: tuple[RolePath, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds of one person and one role: a policy that names them or nobody, and no paths but
    theirs.
    """

    policy: ApprovalPolicy | Unreadable
    holders: Holders | Unreadable


@dataclass(frozen=True, slots=True)
class Facts:
    """What separation of duties is judged on, with the time of the oldest reading."""

    policy: ApprovalPolicy | Unreadable
    holders: Holders | Unreadable
    read_at: datetime
    about: Identity | None = None
    """Whose ``Standing`` these are; None: everybody's."""


class Reason(StrEnum):
    """Why somebody may not decide. Keys the audit tag, the metric and the card's text."""

    OTHER_TENANT = "other-tenant"
    OWN_REQUEST = "own-request"
    BREAK_GLASS = "break-glass"
    NOT_AN_APPROVER = "not-an-approver"
    NO_LONGER_AN_APPROVER = "no-longer-an-approver"
    GUEST = "guest"
    ELIGIBLE_DIRECTLY = "eligible-directly"
    ELIGIBLE_THROUGH_GROUP = "eligible-through-group"
    ELIGIBLE_FOR_GROUP = "eligible-for-group"
    ELIGIBLE_THROUGH_NESTED_GROUPS = "eligible-through-nested-groups"
    OWNS_GROUP = "owns-group"
    HOLDS_ROLE = "holds-role"
    FACT_UNREADABLE = "fact-unreadable"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason, with the group, scope or fact it is about."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PoolMember:
    """An approver as forecast at intake: able to decide when ``refusals`` is empty."""

    person: Person
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Pool:
    """The approver pool, frozen onto the request at intake."""

    members: tuple[PoolMember, ...]
    defaulted: bool = False
    justification_required: bool = False
    unreadable: Unreadable | None = None
    """Set when eligibility could not be read: nobody may decide here until it can."""

    @property
    def able(self) -> tuple[PoolMember, ...]:
        """Members who can decide, as far as the forecast knows."""
        if self.unreadable is not None:
            return ()
        return tuple(m for m in self.members if not m.refusals)


class Choice(StrEnum):
    """What an approver decides; the values are Graph's ``reviewResult`` spelling."""

    APPROVE = "Approve"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class Claim:
    """A decision under way, written down before Graph hears of it."""

    id: str
    by: Person
    channel_user_id: str
    choice: Choice
    justification: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Vote:
    """An approval that waits for others, where a role asks for more than one."""

    by: Person
    justification: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What Graph has confirmed. ``by`` is None when Graph did not say who."""

    choice: Choice
    by: Person | None
    justification: str
    at: datetime


class State(StrEnum):
    PENDING = "pending"
    DECIDING = "deciding"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    DECIDED_ELSEWHERE = "decided-elsewhere"
    FAILED = "failed"
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SlaPlan:
    """The escalation ladder, frozen at intake: offsets from the request's creation."""

    rungs: tuple[timedelta, ...]
    repeat: timedelta | None = None
    """After the last rung, again every so often, until the request ends."""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One PIM request on its way through the house: what Graph said, plus our own state.

    ``version`` grows by one with every change; every write is a compare-and-set on it.
    """

    id: str
    tenant_id: str
    approval_id: str | None
    action: str
    requester: Person
    role: Role
    scope: str
    justification: str
    ticket: Ticket | None
    duration: timedelta | None
    starts_at: datetime | None
    requested_at: datetime
    expires_at: datetime
    pool: Pool | Unreadable
    sla: SlaPlan
    state: State = State.PENDING
    version: int = 1
    rung: int = 0
    """How many SLA rungs have fired."""
    quorum: int = 1
    """How many people have to approve, frozen at intake."""
    votes: tuple[Vote, ...] = ()
    """With a quorum of more than one: who has approved so far."""
    denial_needs_reason: bool = False
    """Whether a denial takes a reason whatever the policy says, by setting, frozen at intake."""
    claim: Claim | None = None
    """The claim under way while DECIDING; otherwise the last one, if any."""
    decision: Decision | None = None
    ended_at: datetime | None = None
    usable_at: datetime | None = None
    """When the assignment was seen to be really there."""
    usable_until: datetime | None = None

    @property
    def decidable_here(self) -> bool:
        """Graph can decide activations only; extensions and renewals go to the portal
        (Entra docs, "Approve or deny requests", known limitation).
        """
        return self.approval_id is not None and self.action.lower() == "selfactivate"

    @property
    def approval(self) -> ApprovalRef:
        """Where its approval is found. Only for a request that has one (``decidable_here``)."""
        return ApprovalRef(self.role.definition_id, str(self.approval_id))


@dataclass(frozen=True, slots=True)
class PostedCard:
    """Where a card lives, so that it can be edited in place."""

    conversation_id: str
    activity_id: str
    service_url: str


@dataclass(frozen=True, slots=True)
class UserAssertion:
    """A user's token for this app, to be exchanged on-behalf-of. Never shown, never logged."""

    token: str = field(repr=False)
    claims: str | None = field(default=None, repr=False)
    """The claims request that the token was got for in a step-up; the exchange repeats it, so that
    the exchanged token carries the authentication context too."""


@dataclass(frozen=True, slots=True)
class SignInNeeded:
    """No token is held for a user; ``link`` leads to where what they began is then finished."""

    link: str | None = None


@dataclass(frozen=True, slots=True)
class SignInResource:
    """By what a Teams client gets a user's token to the token service (Bot Framework Token API,
    ``GetSignInResource``): silently, by exchange, or by way of the link.
    """

    connection: str
    link: str | None
    exchange_id: str | None = None
    exchange_uri: str | None = None
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class ApprovalStep:
    """The approval step that is open for, or was decided by, somebody."""

    approval_id: str
    step_id: str
    open: bool
    """``InProgress`` and nobody has reviewed it."""
    assigned_to_me: bool
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class Notification:
    """What matters of one Graph change or lifecycle notification; the rest is a hint at best."""

    subscription_id: str
    client_state: str = field(repr=False)
    lifecycle_event: str | None = None

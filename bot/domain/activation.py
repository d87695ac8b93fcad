"""Activating one's own roles: what is wished for, what the role's policy makes of it, and what came
of it.

A role's ``key`` is its role definition id; for PIM for Groups it is
``group:{group id}:member|owner`` (``domain.group_roles``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.domain.model import PimRequest, SignInNeeded, Ticket

MINIMUM_ACTIVE: Final = timedelta(minutes=5)
"""PIM takes nothing back earlier (error ``ActiveDurationTooShort``)."""
REASON_LIMIT: Final = 500
"""Characters of a justification that PIM takes."""


@dataclass(frozen=True, slots=True)
class EligibleRole:
    """A role that somebody may activate, at one scope."""

    key: str
    display_name: str
    scope: str
    """``directoryScopeId`` of the eligibility, passed through as Graph gave it."""
    scope_name: str | None = None
    """What the scope is called; None when Graph did not say, or for the whole directory."""
    ends_at: datetime | None = None
    """When the eligibility ends; None: never."""


@dataclass(frozen=True, slots=True)
class ActiveRole:
    """A role that somebody has activated and holds now."""

    key: str
    display_name: str
    scope: str
    since: datetime
    until: datetime | None
    request_id: str | None = None
    """The request that brought it, where Graph says."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One activation as its requester wants it."""

    role: EligibleRole
    duration: timedelta
    starts_at: datetime | None
    """None: now."""
    reason: str
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class ActivationPolicy:
    """What a role's policy asks of whoever activates it."""

    longest: timedelta | None
    """None: the policy sets no limit."""
    reason_required: bool
    ticket_required: bool
    mfa_required: bool
    authentication_context: str | None
    """``c1``…: what the user's token must carry."""
    approval_required: bool


# What is wrong with a wish, told before anything is sent ---------------------------------------


@dataclass(frozen=True, slots=True)
class TooLong:
    """Longer than the policy allows."""

    limit: timedelta


@dataclass(frozen=True, slots=True)
class TooShort:
    """No whole second long: PIM takes no such duration."""


@dataclass(frozen=True, slots=True)
class OutlastsEligibility:
    """The eligibility ends before the activation would."""

    ends_at: datetime
    limit: timedelta | None
    """The longest that would fit; None when nothing does."""


@dataclass(frozen=True, slots=True)
class ReasonMissing:
    """The policy asks for a justification."""


@dataclass(frozen=True, slots=True)
class ReasonTooLong:
    """PIM takes no longer justification."""

    limit: int


@dataclass(frozen=True, slots=True)
class TicketMissing:
    """The policy asks for a ticket number."""


Problem = TooLong | TooShort | OutlastsEligibility | ReasonMissing | ReasonTooLong | TicketMissing


@dataclass(frozen=True, slots=True)
class Fine:
    """Nothing stands against sending the wish."""


def check(wish: Wish, policy: ActivationPolicy) -> Fine | tuple[Problem, ...]:
    """Everything that PIM would refuse about a wish, as far as that can be told beforehand. What
    depends on the sign-in (MFA, authentication context) is not asked here.
    """
    problems = [p for p in (_length(wish, policy), _outlasting(wish), *_words(wish, policy)) if p is not None]
    return tuple(problems) or Fine()


def shortened(wish: Wish, problems: tuple[Problem, ...]) -> Wish | None:
    """The same wish with the longest duration allowed; None when length is not what is wrong, or
    something else is wrong as well, which a click can't mend.
    """
    limits = [p.limit for p in problems if isinstance(p, TooLong | OutlastsEligibility)]
    if len(limits) != len(problems) or not limits:
        return None
    known = [limit for limit in limits if limit is not None]
    return replace(wish, duration=min(known)) if len(known) == len(limits) else None


def _length(wish: Wish, policy: ActivationPolicy) -> Problem | None:
    if wish.duration < timedelta(seconds=1) or wish.duration.microseconds:
        return TooShort()
    if policy.longest is not None and wish.duration > policy.longest:
        return TooLong(policy.longest)
    return None


def _outlasting(wish: Wish) -> Problem | None:
    """Only for a wish with a start: when *now* is, PIM knows best."""
    ends_at = wish.role.ends_at
    if ends_at is None or wish.starts_at is None or wish.starts_at + wish.duration <= ends_at:
        return None
    left = timedelta(seconds=int((ends_at - wish.starts_at).total_seconds()))
    return OutlastsEligibility(ends_at, left if left > timedelta(0) else None)


def _words(wish: Wish, policy: ActivationPolicy) -> tuple[Problem | None, ...]:
    reason = wish.reason.strip()
    number = wish.ticket.number.strip() if wish.ticket else ""
    return (
        ReasonMissing() if policy.reason_required and not reason else None,
        ReasonTooLong(REASON_LIMIT) if len(reason) > REASON_LIMIT else None,
        TicketMissing() if policy.ticket_required and not number else None,
    )


# What came of it -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """Graph has the request. Whether it waits for an approval, says ``request.status``. The
    requester's living card follows by itself.
    """

    request: PimRequest


@dataclass(frozen=True, slots=True)
class NeedsChange:
    """Nothing was sent, because PIM would have refused it."""

    problems: tuple[Problem, ...]
    instead: Wish | None
    """What one click could send instead."""


@dataclass(frozen=True, slots=True)
class AlreadyActive:
    """The role is active; a second activation was refused."""

    role: ActiveRole


@dataclass(frozen=True, slots=True)
class AlreadyPending:
    """The same role is being asked for already; this is that request."""

    request: PimRequest


@dataclass(frozen=True, slots=True)
class NotEligible:
    """The user has no eligibility for the role at this scope. Eligibility is granted by whoever
    administers PIM, and is not what an activation is refused for.
    """


@dataclass(frozen=True, slots=True)
class LicenceMissing:
    """The tenant has no licence for PIM."""


@dataclass(frozen=True, slots=True)
class PolicyRefused:
    """PIM refused by rules of the role's policy, by their names (``ExpirationRule``…)."""

    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepUpNeeded:
    """Entra asks for a stronger sign-in; ``link`` starts it and the act is then carried out."""

    claims: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentNeeded:
    """Nobody has consented to the bot's acting for this user; ``link`` leads to where they can."""

    link: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentDeclined:
    """The user was asked to consent, and did not; ``link`` asks once more."""

    link: str | None = None


@dataclass(frozen=True, slots=True)
class AdminConsentNeeded:
    """Only an administrator can consent: no sign-in of the user's mends it."""


@dataclass(frozen=True, slots=True)
class SignInExpired:
    """The sign-in that the token came from has ended by itself; ``link`` leads to a new one."""

    link: str | None = None


@dataclass(frozen=True, slots=True)
class SignInRevoked:
    """Somebody ended the sign-in that the token came from; ``link`` leads to a new one."""

    link: str | None = None


@dataclass(frozen=True, slots=True)
class SignInBlocked:
    """Entra does not let the user in, however they sign in."""


Curable = SignInNeeded | StepUpNeeded | ConsentNeeded | ConsentDeclined | SignInExpired | SignInRevoked
"""What a sign-in may mend."""


@dataclass(frozen=True, slots=True)
class NotPermitted:
    """The bot, or the user, lacks a permission in Graph."""

    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnotherAccount:
    """The sign-in that is held belongs to another account than the one that asks."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Graph or Entra could not be reached; nothing was done."""


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """The request may have been made: Graph's answer was lost, and reading did not tell."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Graph refused for a reason that is not known here; ``code`` is Graph's."""

    code: str


@dataclass(frozen=True, slots=True)
class RoleGone:
    """The role, the group, the scope or the user is not known to PIM (any more)."""


@dataclass(frozen=True, slots=True)
class ResourceLocked:
    """PIM is changing the same role assignment just now."""


Trouble = (
    Curable
    | AdminConsentNeeded
    | SignInBlocked
    | AnotherAccount
    | NotPermitted
    | LicenceMissing
    | RoleGone
    | ResourceLocked
    | Unavailable
    | OutcomeUnknown
    | Rejected
)
"""What can come of anything that is done in Graph as the user."""

ActivationOutcome = (
    Sent | NeedsChange | AlreadyActive | AlreadyPending | NotEligible | PolicyRefused | Trouble
)


# Giving back, withdrawing, extending -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GivenBack:
    """The role was deactivated."""

    role: ActiveRole


@dataclass(frozen=True, slots=True)
class NotActive:
    """There is nothing to give back."""


@dataclass(frozen=True, slots=True)
class TooEarly:
    """PIM takes the role back at ``possible_at`` at the earliest."""

    role: ActiveRole
    possible_at: datetime


@dataclass(frozen=True, slots=True)
class WillGiveBack:
    """The role will be deactivated at that time."""

    role: ActiveRole
    at: datetime


DeactivationOutcome = GivenBack | NotActive | TooEarly | WillGiveBack | Trouble


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The pending request was taken back."""

    request: PimRequest


@dataclass(frozen=True, slots=True)
class NothingPending:
    """The user has no such pending request."""


@dataclass(frozen=True, slots=True)
class WhichOne:
    """Several requests are pending; one has to be named."""

    requests: tuple[PimRequest, ...]


@dataclass(frozen=True, slots=True)
class NotWithdrawable:
    """The request is no longer pending: it was decided meanwhile, or has ended."""

    request: PimRequest


WithdrawalOutcome = Withdrawn | NothingPending | WhichOne | NotWithdrawable | Trouble


@dataclass(frozen=True, slots=True)
class Extended:
    """The tenant took the repeated activation as an extension."""

    request: PimRequest


@dataclass(frozen=True, slots=True)
class ExtensionCosts:
    """PIM refuses a second activation while one runs. It would take giving the role back and asking
    again; nothing has been done.
    """

    role: ActiveRole
    wish: Wish
    """To be sent once confirmed."""
    approval_required: bool
    possible_at: datetime | None
    """PIM takes the role back at this time at the earliest; None: now."""
    usually_gone_for: timedelta | None
    """How long it took lately from asking for this role to its being usable; None: never seen."""


ExtensionOutcome = (
    Extended | ExtensionCosts | GivenBack | WillGiveBack | NotActive | TooEarly | ActivationOutcome
)

"""What may come of anything done in Graph as the user, said as a value."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.domain import activation as a
from bot.domain.errors import (
    ClaimsChallengeError,
    DirectoryError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionMissingError,
    PimRefusal,
    PimRefusedError,
    UnavailableError,
)
from bot.domain.model import SignInNeeded
from bot.domain.obstacles import SIGN_IN_NEEDED, Obstacle, Way, obstacle_of

_Plain = (
    SignInNeeded
    | a.ConsentNeeded
    | a.ConsentDeclined
    | a.AdminConsentNeeded
    | a.SignInExpired
    | a.SignInRevoked
    | a.SignInBlocked
)

_BY_TAG: Final[Mapping[str, type[_Plain]]] = MappingProxyType(
    {
        "sign-in-needed": SignInNeeded,
        "interaction-needed": SignInNeeded,
        "consent-needed": a.ConsentNeeded,
        "consent-declined": a.ConsentDeclined,
        "admin-consent-needed": a.AdminConsentNeeded,
        "sign-in-expired": a.SignInExpired,
        "sign-in-revoked": a.SignInRevoked,
        "sign-in-blocked": a.SignInBlocked,
    }
)


def trouble_of(error: DirectoryError) -> a.Trouble:
    """What a failed call comes to, whatever was being done."""
    match error:
        case ClaimsChallengeError():
            return a.StepUpNeeded(error.claims)
        case PermissionMissingError():
            return a.NotPermitted(error.scopes)
        case PimRefusedError():
            return _refused(error)
        case NotFoundError():
            return a.RoleGone()
        case OutcomeUnknownError():
            return a.OutcomeUnknown()
        case UnavailableError():
            return a.Unavailable()
        case _:
            made = _BY_TAG.get(obstacle_of(error).tag)
            return a.Rejected(error.code) if made is None else made()


def may_yet_be(outcome: object) -> bool:
    """Whether trying again later may help: then an effect does."""
    return isinstance(outcome, a.Unavailable | a.OutcomeUnknown | a.ResourceLocked)


def obstacle_for(trouble: a.Curable) -> Obstacle:
    """What a sign-in has to get past."""
    match trouble:
        case a.StepUpNeeded(claims=claims):
            return Obstacle("step-up-needed", Way.STEP_UP, claims)
        case a.ConsentNeeded():
            return Obstacle("consent-needed", Way.CONSENT)
        case a.ConsentDeclined():
            return Obstacle("consent-declined", Way.CONSENT)
        case a.SignInExpired():
            return Obstacle("sign-in-expired", Way.SIGN_IN)
        case a.SignInRevoked():
            return Obstacle("sign-in-revoked", Way.SIGN_IN)
        case SignInNeeded():
            return SIGN_IN_NEEDED


def _refused(error: PimRefusedError) -> a.Trouble:
    match error.refusal:
        case PimRefusal.LICENCE:
            return a.LicenceMissing()
        case PimRefusal.UNKNOWN_ROLE:
            return a.RoleGone()
        case PimRefusal.LOCKED:
            return a.ResourceLocked()
        case _:
            return a.Rejected(error.code)

"""What may come of anything done in Graph as the user, said as a value."""

from __future__ import annotations

from bot.domain import activation as a
from bot.domain.errors import (
    ClaimsChallengeError,
    DirectoryError,
    InteractionRequiredError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionMissingError,
    PimRefusal,
    PimRefusedError,
    UnavailableError,
)
from bot.domain.model import SignInNeeded

_CONSENT = "AADSTS65001"


def trouble_of(error: DirectoryError) -> a.Trouble:
    """What a failed call comes to, whatever was being done."""
    match error:
        case ClaimsChallengeError():
            return a.StepUpNeeded(error.claims)
        case InteractionRequiredError(code=code) if code == _CONSENT:
            return a.ConsentNeeded()
        case InteractionRequiredError():
            return SignInNeeded()
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
            return a.Rejected(error.code)


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

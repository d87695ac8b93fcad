"""What stands between a user and a call as themselves, and the way on.

Each obstacle has a stable tag, which keys the card's words, the audit line and the metric. The codes
are Entra's (Entra docs, "Microsoft Entra authentication and authorization error codes").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bot.domain.errors import (
    ClaimsChallengeError,
    DirectoryError,
    InteractionRequiredError,
    NotFoundError,
    PermissionMissingError,
    UnavailableError,
)


class Way(StrEnum):
    """How somebody gets past an obstacle."""

    SIGN_IN = "sign-in"
    CONSENT = "consent"
    """Sign in and agree to what Second Key may do as them."""
    STEP_UP = "step-up"
    """Sign in again, stronger: what is demanded stands in ``Obstacle.claims``."""
    NONE = "none"
    """Nothing that signing in could mend."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """``tag`` is a key of ``cards.text.NOTICES``."""

    tag: str
    way: Way = Way.NONE
    claims: str | None = field(default=None, repr=False)
    """With ``STEP_UP``: the claims request (OpenID Connect Core §5.5) that the sign-in carries."""


SIGN_IN_NEEDED: Final = Obstacle("sign-in-needed", Way.SIGN_IN)

_CONSENT_MISSING = Obstacle("consent-needed", Way.CONSENT)
_CONSENT_DECLINED = Obstacle("consent-declined", Way.CONSENT)
_EXPIRED = Obstacle("sign-in-expired", Way.SIGN_IN)
_REVOKED = Obstacle("sign-in-revoked", Way.SIGN_IN)
_INTERACTION = Obstacle("interaction-needed", Way.SIGN_IN)
_BLOCKED = Obstacle("sign-in-blocked")

_BY_CODE: Final[Mapping[str, Obstacle]] = MappingProxyType(
    {
        "AADSTS65001": _CONSENT_MISSING,
        "AADSTS65004": _CONSENT_DECLINED,
        "AADSTS90094": Obstacle("admin-consent-needed"),
        "AADSTS90095": Obstacle("admin-consent-needed"),
        # The sign-in that the token came from has ended by itself.
        "AADSTS700082": _EXPIRED,
        "AADSTS700084": _EXPIRED,
        "AADSTS70008": _EXPIRED,
        "AADSTS70043": _EXPIRED,
        "AADSTS500133": _EXPIRED,
        "AADSTS50089": _EXPIRED,
        # Somebody ended it: a new password, an administrator, a risk policy.
        "AADSTS50173": _REVOKED,
        "AADSTS50133": _REVOKED,
        "AADSTS50132": _REVOKED,
        "AADSTS50013": _REVOKED,
        # Entra will not let them in, however they sign in.
        "AADSTS50057": _BLOCKED,
        "AADSTS50053": _BLOCKED,
        "AADSTS50105": _BLOCKED,
        "AADSTS53000": _BLOCKED,
        "AADSTS53001": _BLOCKED,
        "AADSTS53002": _BLOCKED,
        "AADSTS53003": _BLOCKED,
        "AADSTS530032": _BLOCKED,
    }
)


def obstacle_of(error: DirectoryError) -> Obstacle:
    """What a failed call as a user means for that user."""
    match error:
        case ClaimsChallengeError():
            return Obstacle("step-up-needed", Way.STEP_UP, error.claims)
        case InteractionRequiredError():
            return _BY_CODE.get(error.code, _INTERACTION)
        case PermissionMissingError():
            return Obstacle("permission-missing")
        case NotFoundError():
            return Obstacle("not-open")
        case UnavailableError():
            return Obstacle("try-again")
        case _:
            return _BY_CODE.get(error.code, Obstacle("rejected"))

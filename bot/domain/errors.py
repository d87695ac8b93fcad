"""Every error the project raises on purpose. The docstring is the default message; leaves
carry data; adapters translate vendor errors into these with ``from``. Messages never hold a
token or a secret.
"""

from __future__ import annotations

import inspect
from enum import StrEnum

from bot.domain import group_roles
from bot.domain.model import PimRequest


class SecondKeyError(Exception):
    """Something went wrong in Second Key."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))


class MisconfiguredError(SecondKeyError):
    """A setting that only shows when it is used is wrong; the message names it."""


class IllegalEventError(SecondKeyError):
    """The event is not allowed in this state."""


class DirectoryError(SecondKeyError):
    """Microsoft Graph or Entra did not do what was asked."""

    def __init__(self, message: str | None = None, *, code: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class UnavailableError(DirectoryError):
    """The service could not be reached or is overloaded; trying again later may help."""


class OutcomeUnknownError(UnavailableError):
    """The call may or may not have taken effect; read before repeating it."""


class PermissionMissingError(DirectoryError):
    """A permission is missing."""

    def __init__(
        self,
        message: str | None = None,
        *,
        scopes: tuple[str, ...] = (),
        code: str = "",
        status: int | None = 403,
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.scopes = scopes


class NotFoundError(DirectoryError):
    """There is no such object."""


class AlreadyDecidedError(DirectoryError):
    """Another approver has already decided this step."""


class ClaimsChallengeError(DirectoryError):
    """Entra asks for stronger authentication first."""

    def __init__(
        self, message: str | None = None, *, claims: str, code: str = "", status: int | None = None
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.claims = claims


class InteractionRequiredError(DirectoryError):
    """The user has to sign in again, or to consent."""


class RejectedError(DirectoryError):
    """The service refused the call for a reason that trying again won't change."""


class IncompleteListingError(DirectoryError):
    """Some of the pending requests could not be listed."""

    def __init__(
        self,
        message: str | None = None,
        *,
        found: tuple[PimRequest, ...],
        groups: frozenset[str] = frozenset(),
        directory_roles: DirectoryError | None = None,
    ) -> None:
        super().__init__(message)
        self.found = found
        """What could be listed."""
        self.groups = groups
        """Object ids of the groups whose requests could not be."""
        self.directory_roles = directory_roles
        """Why the requests for directory roles could not be; None when they could."""

    def hides(self, role_definition_id: str) -> bool:
        """Whether requests for this role may be missing for no other reason than this."""
        group = group_roles.parse(role_definition_id)
        return self.directory_roles is not None if group is None else group.group_id in self.groups


class PimRefusal(StrEnum):
    """What PIM refuses a user's own request for, whatever the code it says so with."""

    ACTIVE_ALREADY = "active-already"
    PENDING_ALREADY = "pending-already"
    NOT_ACTIVE = "not-active"
    TOO_EARLY = "too-early"
    """Active for less than five minutes."""
    POLICY = "policy"
    """By rules of the role's policy, whose names stand in ``PimRefusedError.rules``."""
    LICENCE = "licence"
    UNKNOWN_ROLE = "unknown-role"
    """The role, the scope or the user is not known to PIM."""
    LOCKED = "locked"
    NOT_WITHDRAWABLE = "not-withdrawable"


class PimRefusedError(RejectedError):
    """PIM refused a request that a user made for themselves."""

    def __init__(
        self,
        message: str | None = None,
        *,
        refusal: PimRefusal,
        rules: tuple[str, ...] = (),
        code: str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.refusal = refusal
        self.rules = rules


class ChannelError(SecondKeyError):
    """Teams did not do what was asked."""

    def __init__(
        self, message: str | None = None, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class ChannelUnavailableError(ChannelError):
    """Teams could not be reached or is throttling; trying again later may help."""


class ChannelRefusedError(ChannelError):
    """Teams refused for good: bot not installed there, activity gone, or card too large."""


class InboundError(SecondKeyError):
    """A stranger sent something that is not accepted."""

    status = 400

    def __init__(self, message: str | None = None, *, cause: str = "malformed") -> None:
        super().__init__(message)
        self.cause = cause


class UnauthenticatedError(InboundError):
    """The token is missing or not valid."""

    status = 401


class ForbiddenError(InboundError):
    """The token is valid, but not for this."""

    status = 403


class UnknownKeyError(UnauthenticatedError):
    """The token's signing key is not known; the key set may be stale."""

    def __init__(self, kid: str) -> None:
        super().__init__(cause="unknown-kid")
        self.kid = kid

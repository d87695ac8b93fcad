"""Entra and Microsoft Graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bot.domain.activation import ActivationPolicy, ActiveRole, EligibleRole, Wish
from bot.domain.model import (
    ApprovalPolicy,
    ApprovalRef,
    ApprovalStep,
    Choice,
    Holders,
    Person,
    PimRequest,
    Role,
    Standing,
    UserAssertion,
)
from bot.domain.sign_in import PendingAct


class AppTokens(Protocol):
    """App-only access tokens, cached until shortly before they expire."""

    async def token(self, scope: str) -> str:
        """Raises ``UnavailableError`` or ``RejectedError`` (secret wrong, app unknown)."""

    def forget(self, scope: str) -> None:
        """Drop a cached token that a service answered 401 to."""


class Directory(Protocol):
    """What Graph tells the app itself (app-only). All raise ``DirectoryError``s. A role definition id
    may be the key of a group role (``domain.group_roles``).
    """

    async def pending_requests(self) -> tuple[PimRequest, ...]:
        """Every request in the tenant that waits for an approval: for directory roles, and for the
        groups that are looked after. A request may be missing for one or another round. Raises
        ``IncompleteListingError``, which has what could be listed.
        """

    async def request(self, request_id: str, role_definition_id: str) -> PimRequest | None:
        """One request, which is for this role, as it is now; None when Graph has no such request."""

    async def role(self, role_definition_id: str) -> Role: ...

    async def person(self, object_id: str) -> Person: ...

    async def approval_policy(self, role_definition_id: str) -> ApprovalPolicy: ...

    async def standing(self, role_definition_id: str, object_id: str) -> Standing:
        """Whether one user may approve the role's activation, and every path on which they have the role
        or could get it; the same as ``approval_policy`` and ``holders`` say of them, with few calls.
        A part that can't be read is ``Unreadable``; raises no ``DirectoryError``.
        """

    async def holders(self, role_definition_id: str) -> Holders:
        """Who is eligible for the role and who holds it now, role-assignable groups expanded."""


class Approvals(Protocol):
    """Approvals, read and decided as the approver, with a token on-behalf-of them."""

    async def read(self, assertion: UserAssertion, approval: ApprovalRef) -> ApprovalStep:
        """The open step, or the one that was decided. Raises ``NotFoundError``,
        ``ClaimsChallengeError``, ``InteractionRequiredError``, ``PermissionMissingError``,
        ``UnavailableError``.
        """

    async def decide(
        self,
        assertion: UserAssertion,
        approval: ApprovalRef,
        step_id: str,
        choice: Choice,
        justification: str,
    ) -> None:
        """PATCH the step, once: never repeated by the adapter, except after an answer that says
        nothing was done (429). Raises ``AlreadyDecidedError`` (409), ``OutcomeUnknownError``
        (no answer, 5xx), and what ``read`` raises.
        """


@dataclass(frozen=True, slots=True)
class GraphSubscription:
    id: str
    expires_at: datetime


class SelfService(Protocol):
    """PIM as a user sees it who activates roles, with a token on-behalf-of them. All raise
    ``ClaimsChallengeError``, ``InteractionRequiredError``, ``PermissionMissingError``,
    ``UnavailableError``, ``RejectedError``.
    """

    async def eligible(self, assertion: UserAssertion) -> tuple[EligibleRole, ...]:
        """What the user may activate now, through groups too; each role and scope once."""

    async def active(self, assertion: UserAssertion) -> tuple[ActiveRole, ...]:
        """What the user has activated and holds now. An activation takes a while to appear."""

    async def requests(self, assertion: UserAssertion) -> tuple[PimRequest, ...]:
        """The user's own requests, whatever became of them, newest first."""

    async def activate(
        self, assertion: UserAssertion, principal_id: str, wish: Wish, *, validate_only: bool = False
    ) -> PimRequest:
        """POST ``selfActivate``, once: never repeated, except after an answer that says nothing was
        done (429). Raises ``PimRefusedError``, ``OutcomeUnknownError``.
        """

    async def give_back(
        self, assertion: UserAssertion, principal_id: str, key: str, scope: str
    ) -> PimRequest:
        """POST ``selfDeactivate``, once; raises as ``activate`` does."""

    async def withdraw(self, assertion: UserAssertion, request: PimRequest) -> None:
        """Cancel a pending request. Raises ``PimRefusedError``, ``OutcomeUnknownError``."""


class RoleFacts(Protocol):
    """What Graph tells the app itself about activating a role. All raise ``DirectoryError``s."""

    async def activation_policy(self, key: str) -> ActivationPolicy: ...

    async def held(self, principal_id: str, key: str, scope: str) -> ActiveRole | None:
        """The principal's activated assignment of the role, once it is really there."""


class Subscriptions(Protocol):
    """Graph change subscriptions (app-only)."""

    async def create(self, resource: str, client_state: str, expires_at: datetime) -> GraphSubscription:
        """Raises ``RejectedError``/``PermissionMissingError`` when the tenant refuses."""

    async def renew(self, subscription_id: str, expires_at: datetime) -> GraphSubscription:
        """Raises ``NotFoundError`` when Graph no longer has it."""

    async def delete(self, subscription_id: str) -> None:
        """Does nothing when it is already gone."""


@dataclass(frozen=True, slots=True)
class SignInStart:
    """Where to send the browser, and what to keep until it comes back."""

    url: str
    flow: Mapping[str, Any] = field(repr=False)


class SignIns(Protocol):
    """Sign-ins in a browser, by authorization code and PKCE, at our own ``/signin``."""

    async def begin(self, act: PendingAct, state: str) -> SignInStart:
        """A new authorization request for an act, of the scope and strength that it needs. Raises
        ``UnavailableError`` while Entra can't say where to sign in.
        """

    async def redeem(self, flow: Mapping[str, Any], answer: Mapping[str, str]) -> UserAssertion:
        """The token for the code that came back. Raises ``SignInRefusedError``, ``UnavailableError``."""

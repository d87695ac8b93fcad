"""What the services need from the outside, as protocols. Adapters implement them, bootstrap
joins them; nothing here is vendor-specific.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from bot.domain.activation import (
    ActivationOutcome,
    ActivationPolicy,
    ActiveRole,
    DeactivationOutcome,
    EligibleRole,
    ExtensionOutcome,
    Trouble,
    Wish,
    WithdrawalOutcome,
)
from bot.domain.content import CardContent, RequestCard
from bot.domain.following import Activation
from bot.domain.model import (
    Actor,
    ApprovalPolicy,
    ApprovalRef,
    ApprovalRequest,
    ApprovalStep,
    Choice,
    Holders,
    Identity,
    Person,
    PimRequest,
    PostedCard,
    Role,
    SignInNeeded,
    SignInResource,
    Standing,
    UserAssertion,
)
from bot.domain.replies import FormReply, Reply
from bot.domain.said import Filled, Said
from bot.domain.sign_in import PendingAct

# Time and ids ------------------------------------------------------------------------------


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The time, aware UTC."""

    async def wait(self, seconds: float) -> None:
        """Return after so many seconds of this clock, or sooner when it is moved."""


class Ids(Protocol):
    """The only source of random ids and secrets."""

    def new_id(self) -> str: ...

    def new_secret(self) -> str:
        """A random URL-safe string of at least 256 bits, at most 128 characters."""


# Entra and Graph ---------------------------------------------------------------------------


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


# Teams -------------------------------------------------------------------------------------


class Channel(Protocol):
    """Cards in Teams channels. All raise ``ChannelError``s."""

    async def post(self, channel_id: str, content: CardContent) -> PostedCard: ...

    async def edit(self, posted: PostedCard, content: CardContent) -> None: ...


@dataclass(frozen=True, slots=True)
class SignInStart:
    """Where to send the browser, and what to keep until it comes back."""

    url: str
    flow: Mapping[str, Any] = field(repr=False)


class PersonalChat(Protocol):
    """The bot's chats with single persons, named by their Teams id (``29:…``). All raise
    ``ChannelError``s. What was posted is edited by ``Channel.edit``.
    """

    async def post(self, channel_user_id: str, content: CardContent) -> PostedCard:
        """Raises ``ChannelRefusedError`` when the bot is not installed for this person."""

    async def ask_to_sign_in(self, channel_user_id: str, resource: SignInResource) -> None:
        """Ask for the user's token: their client answers by itself when it can (single sign-on), or
        shows a button. Raises as ``post`` does.
        """


class UserTokens(Protocol):
    """User tokens held by the Bot Framework token service. All raise ``UnavailableError``. Whose
    token comes back is for the caller to check.
    """

    async def assertion(self, channel_user_id: str) -> UserAssertion | SignInNeeded:
        """The user's token for this app."""

    async def exchange(self, channel_user_id: str, token: str) -> UserAssertion | None:
        """Trade a token that a client or a sign-in got for one that the service keeps; None when it
        does not accept it (consent is missing, or the token is no good).
        """

    async def redeem(self, channel_user_id: str, code: str) -> UserAssertion | None:
        """The token of a sign-in that ended with this code; None for a wrong code."""

    async def sign_in(self, channel_user_id: str) -> SignInResource:
        """How the user's client can get there."""

    async def sign_out(self, channel_user_id: str) -> None:
        """Forget the user's token."""


class SignIns(Protocol):
    """Sign-ins in a browser, by authorization code and PKCE, at our own ``/signin``."""

    async def begin(self, act: PendingAct, state: str) -> SignInStart:
        """A new authorization request for an act, of the scope and strength that it needs. Raises
        ``UnavailableError`` while Entra can't say where to sign in.
        """

    async def redeem(self, flow: Mapping[str, Any], answer: Mapping[str, str]) -> UserAssertion:
        """The token for the code that came back. Raises ``SignInRefusedError``, ``UnavailableError``."""


@dataclass(frozen=True, slots=True)
class TurnAnswer:
    """What the messaging endpoint answers: an HTTP status and, for invokes, a JSON body."""

    status: int
    body: Mapping[str, Any] | None = None


class Turns(Protocol):
    """Runs one verified inbound activity through the bot."""

    async def run(self, activity: Mapping[str, Any], claims: Mapping[str, Any]) -> TurnAnswer: ...


# Store -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Effect:
    """Something to be done, as it is written down. ``key`` is natural: the same effect twice
    is one row.
    """

    key: str
    kind: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeasedEffect:
    """An effect this process may carry out until its lease ends. ``attempts`` starts at 1 and,
    with the owner, is the fencing token.
    """

    key: str
    kind: str
    due_at: datetime
    payload: Mapping[str, Any]
    attempts: int
    owner: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log: who, as whom, what, on which facts, under which rule."""

    at: datetime
    event: str
    request_id: str | None
    actor: str | None
    """``tenant/object`` of whoever acted; None for Second Key itself."""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CardRow:
    """The approver channel's card of a request and the request version it shows."""

    posted: PostedCard
    shown_version: int


@dataclass(frozen=True, slots=True)
class OwnCardRow:
    """The living card of an activation in its requester's chat, and what it shows."""

    posted: PostedCard
    shown: str


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A resource that Second Key wants to be told about, and how that stands."""

    resource: str
    client_state: str = field(repr=False)
    subscription_id: str | None = None
    expires_at: datetime | None = None
    refused: str | None = None
    """Why the tenant refused; retried at ``retry_at``."""
    retry_at: datetime | None = None


class Transaction(Protocol):
    """One transaction. Committed when its block ends, rolled back when it raises."""

    async def request(self, request_id: str) -> ApprovalRequest | None: ...

    async def open_requests(self) -> tuple[ApprovalRequest, ...]:
        """Every PENDING or DECIDING request."""

    async def add_request(self, request: ApprovalRequest) -> bool:
        """False, and nothing written, when the request is already there."""

    async def save_request(self, request: ApprovalRequest) -> bool:
        """Compare-and-set: writes when the stored version is ``request.version - 1``, else
        False and nothing written.
        """

    async def card(self, request_id: str) -> CardRow | None: ...

    async def save_card(self, request_id: str, row: CardRow) -> None: ...

    async def request_shown_on(self, conversation_id: str, activity_id: str) -> str | None:
        """The id of the request whose card that message is."""

    async def activation(self, request_id: str) -> Activation | None: ...

    async def add_activation(self, activation: Activation) -> bool:
        """False, and nothing written, when it is there already."""

    async def save_activation(self, activation: Activation) -> bool:
        """Compare-and-set on ``version``, as ``save_request``."""

    async def activations_of(self, requester: Identity, limit: int) -> tuple[Activation, ...]:
        """The newest of one requester's, newest first."""

    async def activations_for(self, key: str, limit: int) -> tuple[Activation, ...]:
        """The newest for one role, whoever asked, newest first."""

    async def own_card(self, request_id: str) -> OwnCardRow | None: ...

    async def save_own_card(self, request_id: str, row: OwnCardRow) -> None: ...

    async def audit(self, entry: AuditEntry) -> None: ...

    async def audit_trail(self, request_id: str) -> tuple[AuditEntry, ...]: ...

    async def audit_of(
        self, actor: str, events: Sequence[str], since: datetime, limit: int
    ) -> tuple[AuditEntry, ...]:
        """The newest ``limit`` lines of these events about one actor's doings, in the order of
        writing.
        """

    async def enqueue(self, effect: Effect) -> None:
        """Written once: does nothing when the key is there, done or not."""

    async def wake(self, effect: Effect) -> None:
        """Written or re-armed: the effect will run (again) at ``effect.due_at`` at the latest;
        when it is being carried out now, once more after that. One row a key means that an
        effect never runs beside itself.
        """

    async def cancel(self, key: str) -> None:
        """Mark an effect done, whoever holds it."""

    async def finish(self, effect: LeasedEffect) -> bool:
        """Mark it done (or due again, when woken meanwhile); False when the lease was lost, and
        then the caller must roll back.
        """

    async def reschedule(self, effect: LeasedEffect, at: datetime) -> bool:
        """As ``finish``, but due again at ``at`` (sooner when woken meanwhile)."""

    async def due_at(self, key: str) -> datetime | None:
        """When the effect of this key is (or was last) meant to run, whatever retries put off;
        None when there is no such row.
        """

    async def service_url(self, channel_id: str) -> str | None: ...

    async def save_service_url(self, channel_id: str, service_url: str) -> None: ...

    async def save_act(self, act: PendingAct) -> None:
        """Written, in place of the actor's earlier one of this kind and subject."""

    async def act(self, key: str) -> PendingAct | None: ...

    async def acts_of(self, actor: Identity) -> tuple[PendingAct, ...]:
        """What this actor began and nobody has finished, oldest first; expired ones too."""

    async def start_act(self, act: PendingAct) -> bool:
        """Write the flow and browser of an act; False when it was used or replaced meanwhile."""

    async def end_flow(self, act: PendingAct) -> bool:
        """Forget the flow of an act; False when it is another one, or gone: an answer counts once."""

    async def use_act(self, key: str, at: datetime) -> bool:
        """Mark it used; False when it was used already, or is gone. Whoever gets True carries it out."""

    async def subscriptions(self) -> tuple[SubscriptionRow, ...]: ...

    async def save_subscription(self, row: SubscriptionRow) -> None: ...

    async def drop_subscription(self, resource: str) -> None: ...


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...

    async def claim_effects(
        self, owner: str, kinds: Sequence[str], limit: int, lease_seconds: float
    ) -> tuple[LeasedEffect, ...]:
        """Lease due effects of these kinds, oldest first."""

    async def retry_effect(self, effect: LeasedEffect, at: datetime, error: str) -> bool:
        """Give the lease back after a failure, due again at ``at``."""

    async def free_leases(self, owner: str | None) -> int:
        """Make the leased effects of an owner (None: of every owner) due now."""

    async def next_due(self, kinds: Sequence[str]) -> datetime | None:
        """When the next effect of these kinds comes due."""

    async def ping(self) -> None:
        """Raises when the store can't be reached."""

    async def close(self) -> None: ...


# What the Teams adapter asks of the services -----------------------------------------------


@dataclass(frozen=True, slots=True)
class Presented:
    """What a client sent along with an action, besides the action."""

    personal: bool = False
    """In a personal chat, the only place where a client gets a token by itself (Teams docs, "SSO
    for Universal Actions")."""
    token: str | None = field(default=None, repr=False)
    """A token that the client got for the bot."""
    code: str | None = field(default=None, repr=False)
    """The code that a sign-in by the client's button ended in."""


NOTHING_PRESENTED: Final = Presented()

Continuation = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class LoginAsked:
    """The client has to send the action again, with a token; ``failed``: the one it sent is not
    accepted.
    """

    resource: SignInResource
    failed: bool = False


class Desk(Protocol):
    """Everything a click or a message in Teams can set going."""

    async def decide(
        self,
        actor: Actor,
        request_id: str,
        choice: Choice,
        justification: str,
        presented: Presented = NOTHING_PRESENTED,
    ) -> RequestCard | LoginAsked | None:
        """Carry out a decision; the answer is the card this actor sees now. None: no such
        request.
        """

    async def signed_in(self, actor: Actor, presented: Presented) -> Continuation | None:
        """The client sends a token, or a code, that the bot had asked for. None when it is not
        accepted; otherwise what is to be done now: it carries out what the actor had begun, and
        tells them in their personal chat.
        """

    async def tell(self, actor: Actor, content: CardContent) -> None:
        """Say something in the actor's personal chat, if there is one."""

    async def sign_in(self, actor: Actor) -> None:
        """Ask for the actor's token in their personal chat. Raises ``ChannelError``."""

    async def sign_out(self, actor: Actor) -> None:
        """Forget the actor's token. Raises ``UnavailableError``."""

    async def look(self, actor: Actor, request_id: str) -> RequestCard | None:
        """The request's card as this actor may see it (user-specific refresh)."""

    async def shown_on(self, conversation_id: str, activity_id: str) -> str | None:
        """The id of the request whose card that message is; None for any other message."""

    async def forged(self, actor: Actor | None, cause: str, claimed: Mapping[str, str]) -> None:
        """Write down a click that no card of ours sends. ``claimed`` is what it says of itself."""

    async def heard_from(self, channel_id: str, service_url: str) -> None:
        """Remember under which service URL a channel is reached."""


# What a command asks of the services -------------------------------------------------------


class OwnRoles(Protocol):
    """Everything about one's own roles, done with the user's own token. Nothing raises for what
    Graph, Entra or the token service may answer: that is a ``Trouble``.
    """

    async def eligible(self, actor: Actor) -> tuple[EligibleRole, ...] | Trouble:
        """What the actor may activate now, each role and scope once."""

    async def active(self, actor: Actor) -> tuple[ActiveRole, ...] | Trouble:
        """What the actor has activated and holds now."""

    async def pending(self, actor: Actor) -> tuple[PimRequest, ...] | Trouble:
        """The actor's own requests that await an approval, newest first."""

    async def activate(self, actor: Actor, wish: Wish) -> ActivationOutcome:
        """Send the wish, unless the role's policy is sure to refuse it. The same wish twice is one
        request: the second is ``AlreadyPending`` or ``AlreadyActive``.
        """

    async def deactivate(
        self, actor: Actor, key: str, scope: str, *, when_possible: bool = False
    ) -> DeactivationOutcome:
        """Give an active role back now. ``when_possible``: at the first moment PIM allows it, when
        that is not now (``WillGiveBack`` instead of ``TooEarly``).
        """

    async def withdraw(self, actor: Actor, request_id: str | None = None) -> WithdrawalOutcome:
        """Take back the actor's own pending request; None: the only one there is."""

    async def extend(self, actor: Actor, wish: Wish, *, confirmed: bool = False) -> ExtensionOutcome:
        """Have an active role for the wish's duration from now. Where that takes giving it back
        first, nothing is done unless ``confirmed``.
        """


class Commands(Protocol):
    """Everything that can be said to the bot. Nothing is answered but what the actor may see, and
    only ``replies.is_public`` replies may be shown to anybody else.
    """

    async def say(self, actor: Actor, said: Said) -> Reply:
        """Have a command done, typed or picked."""

    async def form(self, actor: Actor, said: Said) -> FormReply | Reply:
        """The form for an activation, filled with what ``said`` holds; a ``Reply`` when there is none."""

    async def submit(self, actor: Actor, filled: Filled, said: Said) -> FormReply | Reply:
        """Have the form's activation done; the form again when something in it can't be read."""

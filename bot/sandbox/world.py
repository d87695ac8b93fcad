"""The one mutable state of the sandbox: its clock, keys, people, log and faults.

Everything that speaks HTTP in the sandbox is a view on a ``World``. It runs on one event loop, so
nothing here locks.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.sandbox.tenant import Tenant

APP_ROLES = (
    "AuditLog.Read.All",
    "Directory.Read.All",
    "GroupMember.Read.All",
    "Mail.Read",
    "PrivilegedAccess.Read.AzureADGroup",
    "PrivilegedAssignmentSchedule.Read.AzureADGroup",
    "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    "RoleAssignmentSchedule.ReadWrite.Directory",
    "RoleEligibilitySchedule.Read.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagementPolicy.Read.AzureADGroup",
    "RoleManagementPolicy.Read.Directory",
    "User.Read.All",
)
DELEGATED_SCOPES = (
    "PrivilegedAccess.ReadWrite.AzureAD",
    "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
    "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    "RoleAssignmentSchedule.ReadWrite.Directory",
    "RoleEligibilitySchedule.Read.Directory",
    "User.Read",
)


@dataclass(slots=True)
class User:
    """A person of the seeded tenant. ``key`` is how scripts name them (``alex``)."""

    key: str
    object_id: str
    teams_id: str
    """``29:…``, what Teams calls them in activities."""
    display_name: str
    upn: str
    persona: str
    """Why they are in the tenant, in a sentence."""
    job_title: str = ""
    department: str = ""
    guest: bool = False


@dataclass(slots=True)
class TeamsChannel:
    key: str
    id: str
    """``19:…@thread.tacv2``."""
    name: str
    team_id: str
    members: list[str]
    """Object ids."""


@dataclass(slots=True)
class Fault:
    """Something that goes wrong on demand, for requests whose ``METHOD /path`` matches."""

    id: str
    service: str
    """``login``, ``graph``, ``connector`` or ``token``."""
    match: str
    """A regular expression searched in ``METHOD /path?query``."""
    status: int | None = None
    retry_after: int | None = None
    delay_seconds: float = 0.0
    after: bool = False
    """True: the request takes effect and only its answer is lost or replaced."""
    drop: bool = False
    """True: the connection is closed without an answer."""
    code: str | None = None
    """Graph's error code and message to answer ``status`` with; None: one that fits the status."""
    message: str | None = None
    times: int | None = 1
    """How often; None until it is removed."""


@dataclass(slots=True)
class SigningKey:
    kid: str
    private: rsa.RSAPrivateKey

    @classmethod
    def new(cls) -> SigningKey:
        return cls(secrets.token_hex(8), rsa.generate_private_key(public_exponent=65537, key_size=2048))


@dataclass(slots=True)
class ManagedIdentity:
    """What stands in for the bot's secret: federated to its app registration."""

    client_id: str = "5e1f0a3c-9d44-4b0e-8a57-6f2c1d7be901"
    principal_id: str = "c3a7d2e8-41b6-4f9a-b0d5-2e8f6a915c44"
    header: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    """Proves to the identity endpoint that the caller is inside."""


@dataclass(slots=True)
class World:
    """See the module's docstring. ``on_event`` callbacks get every log line as it is written."""

    tenant_id: str
    client_id: str
    """The bot's app registration."""
    client_secret: str = field(repr=False)
    real_now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))  # noqa: TID251
    offset: timedelta = timedelta(0)
    users: dict[str, User] = field(default_factory=dict)
    """By object id."""
    channels: dict[str, TeamsChannel] = field(default_factory=dict)
    """By channel id."""
    faults: dict[str, Fault] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    entra_keys: list[SigningKey] = field(default_factory=lambda: [SigningKey.new()], repr=False)
    """Newest last; the newest signs, all are published."""
    channel_keys: list[SigningKey] = field(default_factory=lambda: [SigningKey.new()], repr=False)
    """The Bot Connector's own keys, published with endorsements."""
    tokens_void_before: datetime | None = None
    """Access tokens issued earlier are answered 401, as if they had expired."""
    messaging_endpoint: str | None = None
    """Where the bot listens (``…/api/messages``)."""
    login_url: str = ""
    http_url: str = ""
    """Base of Graph (``/v1.0``, ``/beta``), connector (``/connector``), token service
    (``/token``) and control (``/_sandbox``)."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    """Notified whenever the log grows or the clock moves."""
    tenant: Tenant = field(default_factory=Tenant)
    """Groups, roles, policies, PIM requests, subscriptions."""
    app_roles: set[str] = field(default_factory=lambda: set(APP_ROLES))
    """Application permissions granted to the bot, read when a token is issued."""
    delegated_scopes: set[str] = field(default_factory=lambda: set(DELEGATED_SCOPES))
    consented: set[str] | None = None
    """Object ids of users on whose behalf the bot may act; None: admin consent for all."""
    require_claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By object id: the claims an on-behalf-of exchange for that user demands first."""
    claims_challenge: bool = False
    """Voided tokens are answered with a claims challenge (continuous access evaluation)."""
    issued: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    """By ``uti``: when a token was issued by the sandbox's clock, and when it expires by the real
    one, because token caches (azure-identity's) run on the machine's clock and can't be moved."""
    refresh_tokens: dict[str, str] = field(default_factory=dict, repr=False)
    """Refresh token to object id."""
    codes: dict[str, Any] = field(default_factory=dict, repr=False)
    """Authorization codes (``entra_browser.Code``) that nobody has redeemed yet."""
    no_step_up: set[str] = field(default_factory=set)
    """Object ids of users who fail every stronger sign-in."""
    obo_refusals: dict[str, int] = field(default_factory=dict)
    """By object id: the AADSTS number with which on-behalf-of is refused until the user has signed
    in again in a browser."""
    cookies: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    """By object id: the cookies of their browser."""
    trust: ssl.SSLContext | None = None
    """What browsers trust: the sandbox's own certificate authority."""
    client_certificates: list[Any] = field(default_factory=list)
    """Public keys that client assertions of the bot may be signed with."""
    identity: ManagedIdentity = field(default_factory=ManagedIdentity)
    verified: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Claims by SHA-256 of tokens whose signature was checked already."""
    page_size: int = 100
    mail_delay_seconds: float = 0.0
    pending_status: str = "PendingApprovalProvisioning"
    """What a fresh request that needs approval reports."""
    notification_backoff_seconds: float = 0.5
    propagation_seconds: float = 0.0
    """How long an assignment that was activated takes to appear among the schedule instances."""
    premium_licence: bool = True
    """False: the tenant has no Entra ID P2, and PIM refuses everything."""
    reactivation_extends: bool = False
    """True: PIM takes a repeated activation as an extension, as some tenants are said to."""
    single_factor: set[str] = field(default_factory=set)
    """Object ids of users whose sign-in proved no second factor."""
    http: aiohttp.ClientSession | None = None
    """For what the sandbox itself calls: webhooks and the bot."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def now(self) -> datetime:
        """The sandbox's time, aware UTC."""
        return self.real_now() + self.offset

    def new_id(self) -> str:
        return str(uuid.uuid4())  # noqa: TID251

    def user(self, key_or_id: str) -> User:
        """By object id, key, UPN or Teams id. Raises ``KeyError``."""
        wanted = key_or_id.lower()
        for user in self.users.values():
            if wanted in {user.object_id.lower(), user.key.lower(), user.upn.lower(), user.teams_id.lower()}:
                return user
        raise KeyError(key_or_id)

    async def record(self, service: str, event: str, **fields: Any) -> dict[str, Any]:
        """Append a line to the log (never with a token in it) and wake whoever waits for it."""
        line = {
            "seq": len(self.log) + 1,
            "at": self.now().isoformat(),
            "service": service,
            "event": event,
            **fields,
        }
        self.log.append(line)
        async with self.changed:
            self.changed.notify_all()
        return line

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the requests; the server cancels what is left when it stops."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def wait_until(self, at: datetime) -> None:
        """Return once the sandbox's clock has reached ``at``."""
        while (left := (at - self.now()).total_seconds()) > 0:
            async with self.changed:
                try:
                    await asyncio.wait_for(self.changed.wait(), timeout=left)
                except TimeoutError:
                    continue

    async def advance(self, seconds: float) -> datetime:
        """Move the clock forward."""
        self.offset += timedelta(seconds=seconds)
        await self.record("sandbox", "clock_moved", seconds=seconds)
        return self.now()

    def sign(self, claims: dict[str, Any], key: SigningKey, lifetime: timedelta = timedelta(hours=1)) -> str:
        """An RS256 token with ``iat``, ``nbf`` and ``exp`` by the sandbox's clock, unless given."""
        now = int(self.now().timestamp())
        full = {"iat": now, "nbf": now, "exp": now + int(lifetime.total_seconds()), **claims}
        return jwt.encode(full, key.private, algorithm="RS256", headers={"kid": key.kid})

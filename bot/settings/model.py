"""Every setting there is. The README's table is generated from the descriptions here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bot import clouds, sso
from bot.clouds import CLOUDS, CUSTOM_URLS, Cloud
from bot.domain import tickets
from bot.domain.model import Role
from bot.settings.faults import DEFAULT_PORT, PREFIX, SettingsError, combined_faults, single_faults
from bot.tracing import Traces

_GUID: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_CHANNEL: Final = r"^19:[^@\s]+@thread\.(tacv2|skype)$"

Guid = Annotated[str, Field(pattern=_GUID)]
ChannelId = Annotated[str, Field(pattern=_CHANNEL)]
Rung = Annotated[float, Field(gt=0, le=86_400)]


class Routing(BaseModel):
    """What one role is called, and where its cards go (``[roles."Role name or id"]`` in the TOML)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approver_channel: ChannelId | None = None
    ops_channel: ChannelId | None = None
    approver_authentication_context: Annotated[str, Field(pattern=r"^c([1-9]|[1-9][0-9])$")] | None = None
    """Approving takes a sign-in with this authentication context."""
    quorum: Annotated[int, Field(ge=1, le=9)] = 1
    """How many people have to approve."""
    aliases: tuple[str, ...] = ()


class FromFileAndEnvironment(BaseSettings):
    """Where settings come from; the environment wins."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic-settings' signature)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


class Settings(FromFileAndEnvironment):
    """Read once, at start; checked as a whole."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        toml_file="secondkey.toml",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        # Container tooling passes unset variables on as empty ones.
        env_ignore_empty=True,
    )

    tenant_id: Guid = Field(description="Entra tenant id. Required.")
    client_id: Guid = Field(description="The bot's app registration. Required.")
    client_secret: SecretStr | None = Field(
        default=None, description="One of three ways to authenticate: a client secret."
    )
    client_certificate: Path | None = Field(
        default=None, description="One of three: path of a PEM file with certificate and private key."
    )
    managed_identity: Guid | None = Field(
        default=None,
        description="One of three: client id of a user-assigned managed identity federated to the app"
        " (no secret at all).",
    )
    public_url: str = Field(description="https base URL under which Microsoft reaches the bot. Required.")
    approver_channel: ChannelId = Field(
        description="Teams channel for approval cards, `19:…@thread.tacv2`; per-role routing in the"
        " TOML. Required."
    )
    ops_channel: ChannelId = Field(description="Teams channel for pings to ops. Required.")
    database_url: str = Field(
        default="sqlite+aiosqlite:///secondkey.db",
        repr=False,
        description="SQLAlchemy URL; `postgresql+asyncpg://…` for several replicas. With `?role=…` the bot"
        " works as that role, to which its tables then belong.",
    )
    database_identity: Guid | None = Field(
        default=None,
        description="PostgreSQL on Azure without a password: client id of the managed identity whose"
        " Entra tokens log in. Always over TLS.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(
        default=DEFAULT_PORT, ge=0, le=65535, description="Port to listen on; 0 takes a free one."
    )
    oauth_connection: str = Field(
        default="graph", min_length=1, description="Name of the Azure Bot OAuth connection."
    )
    break_glass: Annotated[tuple[Guid, ...], NoDecode] = Field(
        default=(), description="Object ids of break-glass accounts, comma-separated: they take no part."
    )
    active_holders_may_decide: bool = Field(
        default=False, description="Let approvers decide who hold the role themselves right now."
    )
    ticket_system: str = Field(
        default="unspecified",
        min_length=1,
        max_length=100,
        description="What is sent as a ticket's system when its number does not tell: PIM asks for both.",
    )
    denial_needs_reason: bool = Field(
        default=True, description="Ask approvers for a reason whenever they deny, whatever the policy says."
    )
    guests_may_decide: bool = Field(
        default=False, description="Let approvers decide who are guests in the tenant."
    )
    poll_seconds: float = Field(
        default=10, ge=1, le=3600, description="How often Graph is asked for pending requests."
    )
    pim_groups: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("auto",),
        description="Groups whose activations (PIM for Groups) get cards too: `auto` takes all under PIM's"
        " management, `none` none, or their object ids, comma-separated.",
    )
    sla_seconds: float = Field(
        default=300, gt=0, le=86_400, description="When ops are pinged for the first time: the first rung."
    )
    sla_further_seconds: Annotated[tuple[Rung, ...], NoDecode] = Field(
        default=(900.0, 3600.0), description="Further rungs, in seconds after the request was made."
    )
    sla_repeat_seconds: float = Field(
        default=3600,
        ge=60,
        le=86_400,
        description="After the last rung, again every so often until the request ends.",
    )
    subscriptions: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Graph resources to subscribe to, comma-separated."
    )
    cloud: Literal["public", "usgov", "usdod", "china", "custom"] = Field(
        default="public", description="Which Microsoft cloud; `custom` names each endpoint below."
    )
    login_url: str | None = Field(default=None, description="With `custom`: Entra.")
    graph_url: str | None = Field(default=None, description="With `custom`: Microsoft Graph.")
    connector_url: str | None = Field(default=None, description="With `custom`: Bot Connector.")
    token_service_url: str | None = Field(default=None, description="With `custom`: user-token service.")
    bot_openid_url: str | None = Field(
        default=None, description="With `custom`: OpenID metadata of inbound tokens."
    )
    bot_issuer: str | None = Field(default=None, description="With `custom`: issuer of inbound tokens.")
    ca_bundle: Path | None = Field(
        default=None, description="With `custom`: PEM file of the authority that signs its certificates."
    )
    dangerously_clock_url: str | None = Field(
        default=None,
        description="With `custom`: follow the clock of a sandbox. Never with a real tenant.",
    )
    activations_per_hour: int = Field(
        default=20, ge=1, le=1000, description="How many activations one user may ask the bot for in an hour."
    )
    time_zone: str = Field(
        default="UTC",
        description="IANA time zone of times that are typed, where Teams does not tell the user's own.",
    )
    ticket_patterns: dict[str, str] = Field(
        default_factory=lambda: dict(tickets.DEFAULTS),
        description="What ticket ids look like, by the system they belong to: a table in the TOML, JSON in"
        " the environment.",
    )
    language: Literal["en", "de"] = Field(
        default="en",
        description="Language of what many read, as cards in channels are. People are answered in their own.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log line to print."
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port for `GET /metrics` (Prometheus), by itself and never the public one; without it"
        " there are no metrics.",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address that the metrics port listens on.")
    traces: Traces = Field(
        default="off",
        description="Where OpenTelemetry traces go: `off`, `otlp` or `azure-monitor` (each an extra to"
        " install).",
    )
    roles: Annotated[dict[str, Routing], NoDecode] = Field(
        default_factory=dict, description="Per-role routing, in the TOML only.", exclude=True
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError("there is no such time zone") from None
        return name

    @field_validator("ticket_patterns")
    @classmethod
    def _harmless_patterns(cls, patterns: dict[str, str]) -> dict[str, str]:
        tickets.TicketPatterns.of(patterns)
        return patterns

    @field_validator("break_glass", "subscriptions", "sla_further_seconds", "pim_groups", mode="before")
    @classmethod
    def _comma_separated(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("pim_groups")
    @classmethod
    def _groups_or_a_word(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        lower = tuple(dict.fromkeys(one.lower() for one in value))
        if lower in {("auto",), ("none",)} or (lower and all(re.match(_GUID, one) for one in lower)):
            return lower
        raise PydanticCustomError("pim_groups", "must be object ids of groups, or the one word auto or none")

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Faults of single settings and of combinations, reported together. What is empty counts as
        not set.
        """
        data = {name: value for name, value in data.items() if value != ""}
        faults = list(combined_faults(data))
        try:
            made = handler(data)
        except ValidationError as error:
            raise SettingsError([*single_faults(error), *faults]) from None
        if faults:
            raise SettingsError(faults)
        return made

    @property
    def endpoints(self) -> Cloud:
        """The endpoints of the chosen cloud."""
        if self.cloud != "custom":
            return CLOUDS[self.cloud]
        return clouds.custom({name: str(getattr(self, name)) for name in CUSTOM_URLS})

    @property
    def managed_groups(self) -> tuple[str, ...] | None:
        """Object ids of the groups to look after; None: all that PIM manages."""
        if self.pim_groups == ("auto",):
            return None
        return () if self.pim_groups == ("none",) else self.pim_groups

    @property
    def notification_url(self) -> str:
        return self.public_url.rstrip("/") + "/api/notifications"

    @property
    def lifecycle_url(self) -> str:
        return self.public_url.rstrip("/") + "/api/lifecycle"

    @property
    def sign_in_url(self) -> str:
        return self.public_url.rstrip("/") + "/signin"

    @property
    def api_scope(self) -> str:
        """The scope that the app exposes, which sign-ins ask for."""
        return f"{sso.application_id_uri(self.client_id)}/{sso.SCOPE}"

    def approver_context_of(self, role: Role) -> str | None:
        routed = self._routing(role)
        return routed.approver_authentication_context if routed else None

    def quorum_of(self, role: Role) -> int:
        routed = self._routing(role)
        return routed.quorum if routed else 1

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """Further names of roles, by id or name in lower case."""
        return {named.casefold(): routing.aliases for named, routing in self.roles.items() if routing.aliases}

    def approver_channel_of(self, role: Role) -> str:
        routed = self._routing(role)
        return (routed and routed.approver_channel) or self.approver_channel

    def ops_channel_of(self, role: Role) -> str:
        routed = self._routing(role)
        return (routed and routed.ops_channel) or self.ops_channel

    def _routing(self, role: Role) -> Routing | None:
        routes = {named.casefold(): routing for named, routing in self.roles.items()}
        return routes.get(role.definition_id.casefold()) or routes.get(role.display_name.casefold())

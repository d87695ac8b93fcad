"""What the Teams adapter has to know."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class TeamsConfig:
    """Addresses and names, none of them secret. Raises ``ValueError`` for an empty one: the
    archived SDK takes an empty app id to mean that nothing need be authenticated.
    """

    client_id: str
    """The bot's app registration."""
    tenant_id: str
    connector_url: str
    """The service URL that is used for a channel nobody has been heard from yet."""
    token_service_url: str
    bot_scope: str
    """Scope of the token that the connector and the token service are called with."""
    oauth_connection: str
    """Name of the Azure Bot OAuth connection that holds user tokens."""

    def __post_init__(self) -> None:
        empty = [f.name for f in fields(self) if not getattr(self, f.name).strip()]
        if empty:
            raise ValueError(f"the Teams adapter can't start without: {', '.join(empty)}")

    @property
    def bot_id(self) -> str:
        """The bot as Teams names it."""
        return f"28:{self.client_id}"

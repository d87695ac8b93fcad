"""The schema, as of the newest migration. SQLite and PostgreSQL share it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, kept as UTC. SQLite has no time zones, so there the UTC wall time is kept."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone was about to be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s"},
)

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    # JSON and not JSONB: user text may hold U+0000, which JSONB refuses.
    Column("document", JSON, nullable=False),
    Index("ix_requests_state", "state"),
)

audit = Table(
    "audit",
    metadata,
    # SQLite numbers rows by itself only when the key is exactly INTEGER.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("event", Text, nullable=False),
    Column("request_id", Text),
    Column("actor", Text),
    Column("facts", JSON, nullable=False),
    Index("ix_audit_request_id", "request_id", "seq"),
    Index("ix_audit_actor", "actor", "at"),
    sqlite_autoincrement=True,
)

cards = Table(
    "cards",
    metadata,
    Column("request_id", Text, ForeignKey("requests.id"), primary_key=True),
    Column("conversation_id", Text, nullable=False),
    Column("activity_id", Text, nullable=False),
    Column("service_url", Text, nullable=False),
    Column("shown_version", Integer, nullable=False),
    Index("ix_cards_activity_id", "activity_id"),
)

activations = Table(
    "activations",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("role_key", Text, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", JSON, nullable=False),
    Index("ix_activations_requester", "tenant_id", "object_id", "asked_at"),
    Index("ix_activations_role", "role_key", "asked_at"),
)

own_cards = Table(
    "own_cards",
    metadata,
    Column("request_id", Text, ForeignKey("activations.request_id"), primary_key=True),
    Column("conversation_id", Text, nullable=False),
    Column("activity_id", Text, nullable=False),
    Column("service_url", Text, nullable=False),
    Column("shown", Text, nullable=False),
)

effects = Table(
    "effects",
    metadata,
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payload", JSON, nullable=False),
    # When it should happen.
    Column("due_at", UtcDateTime, nullable=False),
    # When it may be claimed next: the next attempt, or the end of the lease.
    Column("run_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_owner", Text),
    # Grows with every claim and never goes back, so that no two leases look alike.
    Column("lease_no", BigInteger, nullable=False),
    # Set when woken while leased: once more at this time.
    Column("woken_at", UtcDateTime),
    Column("done_at", UtcDateTime),
    Column("last_error", Text),
    Index(
        "ix_effects_run_at",
        "run_at",
        sqlite_where=text("done_at IS NULL"),
        postgresql_where=text("done_at IS NULL"),
    ),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("resource", Text, primary_key=True),
    Column("client_state", Text, nullable=False),
    Column("subscription_id", Text),
    Column("expires_at", UtcDateTime),
    Column("refused", Text),
    Column("retry_at", UtcDateTime),
)

service_urls = Table(
    "service_urls",
    metadata,
    Column("channel_id", Text, primary_key=True),
    Column("service_url", Text, nullable=False),
)

acts = Table(
    "acts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    # The state of the sign-in under way: what an answer has to bring to be taken once.
    Column("flow_state", Text),
    Column("document", JSON, nullable=False),
    UniqueConstraint("tenant_id", "object_id", "kind", "subject", name="uq_acts_actor_kind_subject"),
)

"""The whole schema of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_SEQ = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _requests()
    _audit()
    _effects()
    _channels()
    _append_only()


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("requested_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
    )
    op.create_index("ix_requests_state", "requests", ["state"])
    op.create_table(
        "cards",
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("activity_id", sa.Text, nullable=False),
        sa.Column("service_url", sa.Text, nullable=False),
        sa.Column("shown_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="pk_cards"),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name="fk_cards_request_id"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", _SEQ, nullable=False, autoincrement=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.Column("actor", sa.Text),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_request_id", "audit", ["request_id", "seq"])


def _effects() -> None:
    op.create_table(
        "effects",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("run_at", _TIME, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_no", sa.BigInteger, nullable=False),
        sa.Column("woken_at", _TIME),
        sa.Column("done_at", _TIME),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("key", name="pk_effects"),
    )
    pending = sa.text("done_at IS NULL")
    op.create_index(
        "ix_effects_run_at", "effects", ["run_at"], sqlite_where=pending, postgresql_where=pending
    )


def _channels() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("client_state", sa.Text, nullable=False),
        sa.Column("subscription_id", sa.Text),
        sa.Column("expires_at", _TIME),
        sa.Column("refused", sa.Text),
        sa.Column("retry_at", _TIME),
        sa.PrimaryKeyConstraint("resource", name="pk_subscriptions"),
    )
    op.create_table(
        "service_urls",
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("service_url", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("channel_id", name="pk_service_urls"),
    )


def _append_only() -> None:
    """The audit log takes new lines and gives none back, whatever the code above it does."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )

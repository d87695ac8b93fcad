"""Activations that are followed, and the living cards of their requesters."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "activations",
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("role_key", sa.Text, nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="pk_activations"),
    )
    op.create_index("ix_activations_requester", "activations", ["tenant_id", "object_id", "asked_at"])
    op.create_index("ix_activations_role", "activations", ["role_key", "asked_at"])
    op.create_table(
        "own_cards",
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("activity_id", sa.Text, nullable=False),
        sa.Column("service_url", sa.Text, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="pk_own_cards"),
        sa.ForeignKeyConstraint(["request_id"], ["activations.request_id"], name="fk_own_cards_request_id"),
    )

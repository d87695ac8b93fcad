"""What is asked at a click: whose card a message is, and what an actor did lately."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_actor", "audit", ["actor", "at"])
    op.create_index("ix_cards_activity_id", "cards", ["activity_id"])

"""Responses to requests with an Idempotency-Key, for 24 hours."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "idempotent_responses",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_idempotent_responses")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_idempotent_responses_expires_at_ms"), "idempotent_responses", ["expires_at_ms"])

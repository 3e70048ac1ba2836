"""Integrations: one row for each outside service; its key is among the encrypted secrets."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "integrations",
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("base_url", sa.Text()),
        sa.Column("mask", sa.String(length=12)),
        sa.Column("added_at_ms", sa.BigInteger()),
        sa.Column("added_by", sa.Text()),
        sa.Column("tested_at_ms", sa.BigInteger()),
        sa.Column("test_outcome", sa.String(length=20)),
        sa.Column("test_words", sa.Text()),
        sa.Column("failing_since_ms", sa.BigInteger()),
        sa.Column("failing_reason", sa.Text()),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_integrations")),
        sa.UniqueConstraint("id", name=op.f("uq_integrations_id")),
    )

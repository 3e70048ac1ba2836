"""Costs of requests through the AI gateway, more kinds of tokens, and the sums of costs by hour."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. No row is rewritten: the cost of earlier requests stays unknown."""
    for column in (
        sa.Column("cost_micros", sa.BigInteger(), nullable=True),
        sa.Column("price_version", sa.String(length=40), nullable=True),
        sa.Column("is_estimated", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("cache_written_tokens", sa.BigInteger(), nullable=True),
        sa.Column("audio_tokens", sa.BigInteger(), nullable=True),
        sa.Column("reasoning_tokens", sa.BigInteger(), nullable=True),
        sa.Column("alias", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Text(), nullable=True),
    ):
        op.add_column("usage_ai", column)
    for name in ("cost_micros", "priced_count", "estimated_count"):
        op.add_column("usage_ai_hours", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))

"""The counts of clients that folds add to the others a moment later."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table. On PostgreSQL it is emptied all the time, so its dead rows are removed soon."""
    op.create_table(
        "usage_client_counts",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("caller", sa.BigInteger(), nullable=False),
        sa.Column("accepted_count", sa.BigInteger(), nullable=False),
        sa.Column("refused_count", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger(), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE usage_client_counts"
            " SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000)"
        )

"""Counters of limits; which secret a request used, and the units it consumed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table. No row is rewritten; the index has rows with a number only."""
    op.add_column("usage_rows", sa.Column("secret_number", sa.Integer(), nullable=True))
    op.add_column("usage_rows", sa.Column("consumed", sa.Text(), nullable=True))
    op.create_index(
        "ix_usage_rows_key_id_secret_number_id",
        "usage_rows",
        ["key_id", "secret_number", "id"],
        sqlite_where=sa.text("secret_number IS NOT NULL"),
        postgresql_where=sa.text("secret_number IS NOT NULL"),
    )
    op.create_table(
        "limit_counters",
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_limit_counters")),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE usage_rows ALTER COLUMN key_hint TYPE varchar(40)")
        op.execute("ALTER TABLE limit_counters SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)")

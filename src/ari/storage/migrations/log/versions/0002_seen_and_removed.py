"""Sources of rows; clients and addresses of keys; counts of rows that retention removed; an index by code."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UPDATED_ALL_THE_TIME = ("usage_hours", "usage_totals", "usage_attempts", "usage_seen")


def upgrade() -> None:
    """Add what is missing and fill it from the rows that are there."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute("SET LOCAL statement_timeout = 0")
    op.add_column("usage_rows", sa.Column("source", sa.String(length=10), nullable=False, server_default="request"))
    op.drop_index("ix_usage_rows_key_id_id", table_name="usage_rows")
    op.create_index("ix_usage_rows_key_id_code_id", "usage_rows", ["key_id", "code", "id"], unique=False)
    op.create_index("ix_usage_rows_code_id", "usage_rows", ["code", "id"], unique=False)
    for name in ("removed_request_count", "removed_refused_count"):
        op.add_column("usage_totals", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    _create_seen()
    if postgresql:
        _tune()


def _create_seen() -> None:
    op.create_table(
        "usage_seen",
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("accepted_count", sa.BigInteger(), nullable=False),
        sa.Column("refused_count", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "kind", "value", name=op.f("pk_usage_seen")),
        sqlite_with_rowid=False,
    )
    for kind, column in (("address", "client_address"), ("user_agent", "user_agent")):
        op.execute(
            f"INSERT INTO usage_seen SELECT key_id, '{kind}', coalesce({column}, 'other'),"  # noqa: S608 - our own names
            " sum(CASE code WHEN 'ok' THEN count ELSE 0 END), sum(CASE code WHEN 'ok' THEN 0 ELSE count END),"
            " min(at_ms), max(at_ms) FROM usage_rows GROUP BY 1, 3"
        )


def _tune() -> None:
    """Room in the pages of counters, so that an update needs no new index entry; dead rows go before they pile up."""
    for table in _UPDATED_ALL_THE_TIME:
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)")
    op.execute(
        "ALTER TABLE usage_rows SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02)"
    )

"""Rollups for the usage pages: requests of all keys by hour, of each key by day, attempts by hour and address."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000


def upgrade() -> None:
    """Make the tables and fill them from what is counted already."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute("SET LOCAL statement_timeout = 0")
    _make()
    op.execute("INSERT INTO usage_all_hours SELECT hour_ms, true, code, sum(count) FROM usage_hours GROUP BY 1, 3")
    op.execute(
        f"INSERT INTO usage_all_hours SELECT minute_ms - minute_ms % {_HOUR_MS}, false, reason, sum(count)"  # noqa: S608 - our own numbers
        " FROM usage_attempts GROUP BY 1, 3"
    )
    op.execute(
        f"INSERT INTO usage_days SELECT key_id, hour_ms - hour_ms % {_DAY_MS},"  # noqa: S608 - our own numbers
        " sum(CASE code WHEN 'ok' THEN count ELSE 0 END), sum(CASE code WHEN 'ok' THEN 0 ELSE count END)"
        " FROM usage_hours GROUP BY 1, 2"
    )
    op.execute(
        f"INSERT INTO usage_attempt_hours SELECT minute_ms - minute_ms % {_HOUR_MS}, reason, address, sum(count),"  # noqa: S608 - our own numbers
        " max(minute_ms) FROM usage_attempts GROUP BY 1, 2, 3"
    )
    if postgresql:
        for table in ("usage_all_hours", "usage_days", "usage_attempt_hours"):
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)")


def _make() -> None:
    op.create_table(
        "usage_all_hours",
        sa.Column("hour_ms", sa.BigInteger(), nullable=False),
        sa.Column("with_key", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour_ms", "with_key", "code", name=op.f("pk_usage_all_hours")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usage_days",
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("day_ms", sa.BigInteger(), nullable=False),
        sa.Column("accepted_count", sa.BigInteger(), nullable=False),
        sa.Column("refused_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "day_ms", name=op.f("pk_usage_days")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usage_attempt_hours",
        sa.Column("hour_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour_ms", "reason", "address", name=op.f("pk_usage_attempt_hours")),
        sqlite_with_rowid=False,
    )

"""Rows without repeated texts: the tables, and a view in the place of the old table, which keeps its rows for now."""

import sqlalchemy as sa
from alembic import op

from ari.storage.migrations.old_rows import make_view

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and rename the old one. No row is moved here."""
    op.rename_table("usage_rows", "usage_rows_old")
    _make_dictionaries()
    _make_log()
    op.execute(make_view())
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE usage_log SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02)"
        )
        op.execute("ALTER TABLE usage_callers SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)")


def _make_dictionaries() -> None:
    op.create_table(
        "usage_names",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_usage_names")),
    )
    op.create_index("ix_usage_names_text", "usage_names", ["text"], unique=True)
    op.create_table(
        "usage_callers",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_usage_callers")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_usage_callers_address_user_agent", "usage_callers", ["address", "user_agent"], unique=False)


def _make_log() -> None:
    op.create_table(
        "usage_log",
        sa.Column("id_high", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id_low", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_offset_ms", sa.BigInteger(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column("caller", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("key_hint", sa.Integer(), nullable=False),
        sa.Column("route", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("secret_number", sa.Integer(), nullable=True),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("source", sa.Integer(), nullable=True),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("consumed", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id_high", "id_low", name=op.f("pk_usage_log")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_usage_log_key_code", "usage_log", ["key", "code", "id_high"], unique=False)
    op.create_index("ix_usage_log_code", "usage_log", ["code", "id_high"], unique=False)
    op.create_index(
        "ix_usage_log_key_secret_number",
        "usage_log",
        ["key", "secret_number", "id_high"],
        sqlite_where=sa.text("secret_number IS NOT NULL"),
        postgresql_where=sa.text("secret_number IS NOT NULL"),
    )

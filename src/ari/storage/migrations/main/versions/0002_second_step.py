"""Two-factor, backup codes, pending sign-ins, encrypted secrets; the time of a session's last password check."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; a session that is there gave its password when it began."""
    op.add_column("sessions", sa.Column("confirmed_at_ms", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE sessions SET confirmed_at_ms = created_at_ms")
    op.create_table(
        "half_sign_ins",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        _of_account("half_sign_ins"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_half_sign_ins")),
    )
    op.create_index(op.f("ix_half_sign_ins_account_id"), "half_sign_ins", ["account_id"], unique=False)
    op.create_table(
        "two_factor",
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("enabled_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        _of_account("two_factor"),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_two_factor")),
    )
    op.create_table(
        "backup_codes",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_at_ms", sa.BigInteger(), nullable=True),
        _of_account("backup_codes"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_backup_codes")),
    )
    op.create_index(op.f("ix_backup_codes_account_id"), "backup_codes", ["account_id"], unique=False)
    op.create_table(
        "sealed_secrets",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_sealed_secrets")),
    )


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_account_id")
    return sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=name, ondelete="CASCADE")

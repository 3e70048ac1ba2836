"""Notices and the state of their emails."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; no emails are sent about earlier events."""
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.String(length=40), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_try_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("next_try_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("sent_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("sender", sa.String(length=10), nullable=True),
        sa.Column("sender_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("digest_id", sa.String(length=40), nullable=True),
        sa.Column("letter", sa.Text(), nullable=True),
        sa.Column("lease_holder", sa.String(length=40), nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("kind", "event_id", name=op.f("uq_notices_kind_event_id")),
    )
    op.create_index(op.f("ix_notices_digest_id"), "notices", ["digest_id"], unique=False)
    op.create_index("ix_notices_state_next_try_at_ms", "notices", ["state", "next_try_at_ms"], unique=False)
    op.create_index("ix_notices_kind_made_at_ms", "notices", ["kind", "made_at_ms"], unique=False)
    op.execute(
        "INSERT INTO notes (name, value)"
        " SELECT 'notices_read', id FROM events WHERE seq = (SELECT max(seq) FROM events)"
    )

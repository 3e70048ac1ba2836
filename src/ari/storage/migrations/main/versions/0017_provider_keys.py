"""Several keys for one provider, and upstreams that the operator names."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Its encrypted secret is bound to the provider and this id, so both stay as they were.
_FIRST_KEYS = """
INSERT INTO provider_keys (id, provider, label, mask, position, sealed_subject, added_at_ms, added_by, tested_at_ms,
    test_outcome, test_words, failing_since_ms, failing_reason)
SELECT id, provider, '', mask, 0, provider, added_at_ms, added_by, tested_at_ms, test_outcome, test_words,
    CASE WHEN failing_reason LIKE '%rejected the key%' THEN failing_since_ms END,
    CASE WHEN failing_reason LIKE '%rejected the key%' THEN failing_reason END
FROM integrations WHERE mask IS NOT NULL
"""
_MARKS = """
UPDATE integrations SET pool_mark = id, tested_at_ms = NULL, test_outcome = NULL, test_words = NULL
WHERE mask IS NOT NULL
"""
_MOVED_FAILURES = """
UPDATE integrations SET failing_since_ms = NULL, failing_reason = NULL
WHERE mask IS NOT NULL AND failing_reason LIKE '%rejected the key%'
"""


def upgrade() -> None:
    """Add the tables, and make each stored key the first of its provider's pool."""
    op.create_table(
        "provider_keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("mask", sa.String(length=12), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sealed_subject", sa.String(length=40), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("tested_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("test_outcome", sa.String(length=20), nullable=True),
        sa.Column("test_words", sa.Text(), nullable=True),
        sa.Column("failing_since_ms", sa.BigInteger(), nullable=True),
        sa.Column("failing_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_keys")),
    )
    op.create_index("ix_provider_keys_provider_position", "provider_keys", ["provider", "position"])
    op.create_table(
        "upstreams",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_upstreams")),
    )
    op.add_column("integrations", sa.Column("key_choice", sa.String(length=20), nullable=True))
    op.add_column("integrations", sa.Column("pool_mark", sa.String(length=40), nullable=True))
    for statement in (_FIRST_KEYS, _MARKS, _MOVED_FAILURES):
        op.execute(statement)
    for column in ("mask", "added_at_ms", "added_by"):
        op.drop_column("integrations", column)

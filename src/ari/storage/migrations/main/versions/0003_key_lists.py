"""Key lists by name and by expiry; advice that the owner dismissed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PRESENT = sa.text("deleted_at_ms IS NULL")


def upgrade() -> None:
    """Add the indexes and the table."""
    for name, column in (("name", "folded_name"), ("expiry", "expires_at_ms")):
        op.create_index(
            f"ix_api_keys_present_by_{name}",
            "api_keys",
            [column, "id"],
            unique=False,
            sqlite_where=_PRESENT,
            postgresql_where=_PRESENT,
        )
    op.create_table(
        "dismissals",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key_id", name=op.f("pk_dismissals")),
        sqlite_with_rowid=False,
    )

"""Give the database an id of its history, so that a restored or accepted database is known from one that went back."""

import time

import sqlalchemy as sa
from alembic import op

from ari.base.ids import new_id

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table with one id in it."""
    table = op.create_table(
        "database_history",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_database_history")),
    )
    op.execute(sa.insert(table).values(position=1, id=new_id("his", time.time_ns() // 1_000_000)))

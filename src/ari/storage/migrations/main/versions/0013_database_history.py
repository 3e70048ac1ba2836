"""Give the database an id of its history: nodes tell a restored or accepted database from one that went back by it."""

import json
import time

import sqlalchemy as sa
from alembic import op

from ari.base.ids import new_id

revision = "0013"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the note."""
    notes = sa.table("notes", sa.column("name", sa.String), sa.column("value", sa.Text))
    history = new_id("his", time.time_ns() // 1_000_000)
    op.execute(sa.insert(notes).values(name="database_history", value=json.dumps([history])))

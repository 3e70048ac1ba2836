"""Indexes of the events about keys, for callers that may see only those: a search skips no others."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_OF_KEYS = sa.text("substr(name, 1, 4) = 'key_'")


def upgrade() -> None:
    """Add one for each order in which events are searched."""
    for name, columns in (("seq", ["seq"]), ("id", ["id"]), ("subject_seq", ["subject", "seq"])):
        op.create_index(
            f"ix_events_of_keys_{name}", "events", columns, sqlite_where=_OF_KEYS, postgresql_where=_OF_KEYS
        )

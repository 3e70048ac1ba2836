"""The rows of the old table move into the compact one."""

from alembic import op

from ari.storage.migrations.old_rows import move_some

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move what is left. ``migrate`` has moved most of it before, in small transactions."""
    while move_some(op.get_bind()):
        pass
    op.drop_table("usage_rows_old")

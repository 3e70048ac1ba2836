"""The log of PostgreSQL has a partition for each day."""

from alembic import op

from ari.base.clock import system_clock
from ari.storage.migrations.partitioned_log import bound_rows, check_rows, is_plain, swap

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table partitioned. ``migrate`` has checked its rows before, without a lock."""
    connection = op.get_bind()
    if is_plain(connection):
        now_ms = system_clock(None).now_ms()
        bound_rows(connection, now_ms)
        check_rows(connection)
        swap(connection, now_ms)

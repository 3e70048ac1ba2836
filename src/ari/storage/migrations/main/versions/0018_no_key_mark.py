"""No mark of the last change of any key: lookups compare the rows of each key (decision 66)."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Remove the triggers and empty ``key_mark``: nodes of the version before cache no key without a mark."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with pending triggers can't lose them
    # In the order in which lookups lock them, for milliseconds. Writers wait for the lock of the event chain.
    op.execute("LOCK TABLE key_secrets, api_keys, consumers IN ACCESS EXCLUSIVE MODE")
    for table in ("key_secrets", "api_keys", "consumers"):
        op.execute(f"DROP TRIGGER {table}_changed ON {table}")
        op.execute(f"DROP TRIGGER {table}_emptied ON {table}")
    op.execute("DROP FUNCTION ari_mark_keys()")
    op.execute("DELETE FROM key_mark")

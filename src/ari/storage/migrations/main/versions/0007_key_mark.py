"""A mark set by every transaction that changes or removes a key, so that who copied keys can ask whether any did."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_FUNCTION = """
CREATE FUNCTION ari_mark_keys() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO key_mark (name, transaction) VALUES ('api_keys', txid_current())
    ON CONFLICT (name) DO UPDATE SET transaction = excluded.transaction
    WHERE key_mark.transaction <> excluded.transaction;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Add the table, and on PostgreSQL the triggers. SQLite has data_version."""
    op.create_table(
        "key_mark",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("transaction", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_key_mark")),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute("INSERT INTO key_mark (name, transaction) VALUES ('api_keys', 0)")
    op.execute(_FUNCTION)
    # At the end of a transaction, when it waits for nothing more: two that change keys never wait for each other in a
    # ring. Always, also while a replica applies changes. An INSERT sets no mark: unknown digests are not copied.
    op.execute(
        "CREATE CONSTRAINT TRIGGER api_keys_changed AFTER UPDATE OR DELETE ON api_keys "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ari_mark_keys()"
    )
    op.execute(
        "CREATE TRIGGER api_keys_emptied AFTER TRUNCATE ON api_keys FOR EACH STATEMENT EXECUTE FUNCTION ari_mark_keys()"
    )
    for trigger in ("api_keys_changed", "api_keys_emptied"):
        op.execute(f"ALTER TABLE api_keys ENABLE ALWAYS TRIGGER {trigger}")

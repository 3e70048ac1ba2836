"""Keys and their secrets in two tables; consumers, tags, custom scopes, presets, kinds and the instance's policy."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_KEPT = (
    "id, name, folded_name, hint, scopes, created_at_ms, created_by, expires_at_ms, expired_seen_at_ms, disabled, "
    "revoked_at_ms, revoked_by, revoke_reason, deleted_at_ms"
)
_SECRETS = (
    "INSERT INTO key_secrets (digest, key_id, number, scheme, hint, created_at_ms) "
    "SELECT digest, id, 1, 'ari', hint, created_at_ms FROM api_keys"
)
_MARKING = ("key_secrets", "consumers")
"""A change of these changes what a verification says."""


def upgrade() -> None:
    """Move each digest into ``key_secrets``, and make the new tables and columns."""
    _create_tables()
    op.execute(_SECRETS)
    if op.get_bind().dialect.name == "sqlite":
        _rebuild_keys()
    else:
        _alter_keys()
        for table in _MARKING:
            _mark_changes(table)
    _create_index_of_part("ix_api_keys_consumer_id", "api_keys", ["consumer_id", "id"], "consumer_id IS NOT NULL")


def _create_tables() -> None:
    op.create_table(
        "key_secrets",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.String(length=40), nullable=False),
        sa.Column("hint", sa.String(length=40), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("retires_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("retired_seen_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("foreign_id", sa.Text(), nullable=True),
        sa.Column("foreign_hash", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_key_secrets")),
        sa.UniqueConstraint("key_id", "number", name=op.f("uq_key_secrets_key_id_number")),
        sqlite_with_rowid=False,
    )
    _create_index_of_part("ix_key_secrets_foreign_id", "key_secrets", ["foreign_id"], "foreign_id IS NOT NULL")
    _create_index_of_part("ix_key_secrets_retires_at_ms", "key_secrets", ["retires_at_ms"], "retires_at_ms IS NOT NULL")
    op.create_table(
        "key_tags",
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("tag", "key_id", name=op.f("pk_key_tags")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_key_tags_key_id"), "key_tags", ["key_id"])
    op.create_table(
        "consumers",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=True),
        *_make_origin_columns(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consumers")),
        sa.UniqueConstraint("external_id", name=op.f("uq_consumers_external_id")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_consumers_folded_name"), "consumers", ["folded_name"])
    op.create_table(
        "custom_scopes",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        *_make_origin_columns(),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_custom_scopes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "scope_presets",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_scope_presets")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "key_kinds",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("prefix", sa.String(length=20), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("defaults", sa.Text(), nullable=False),
        *_make_origin_columns(),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_key_kinds")),
        sa.UniqueConstraint("prefix", name=op.f("uq_key_kinds_prefix")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "instance_policy",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_instance_policy")),
        sqlite_with_rowid=False,
    )


def _make_origin_columns() -> tuple[sa.Column[int], sa.Column[str]]:
    return (
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
    )


def _make_policy_columns() -> tuple[sa.Column[str] | sa.Column[int], ...]:
    return (
        sa.Column("kind", sa.String(length=40), nullable=True),
        sa.Column("environment", sa.String(length=10), nullable=False, server_default="live"),
        sa.Column("consumer_id", sa.String(length=40), nullable=True),
        sa.Column("tags", sa.Text(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("enabled_at_ms", sa.BigInteger(), nullable=True),
    )


def _alter_keys() -> None:
    """PostgreSQL changes the table where it is; no row is written again."""
    op.execute(
        "ALTER TABLE api_keys DROP CONSTRAINT pk_api_keys, DROP CONSTRAINT uq_api_keys_id, DROP COLUMN digest, "
        "DROP COLUMN hash_version, ALTER COLUMN hint TYPE varchar(40), ADD CONSTRAINT pk_api_keys PRIMARY KEY (id)"
    )
    for column in _make_policy_columns():
        op.add_column("api_keys", column)


def _rebuild_keys() -> None:
    """SQLite cannot change a primary key: the rows move to a new table."""
    op.create_table(
        "moved_keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("hint", sa.String(length=40), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        *_make_origin_columns(),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("expired_seen_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=True),
        sa.Column("deleted_at_ms", sa.BigInteger(), nullable=True),
        *_make_policy_columns(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO moved_keys ({_KEPT}) SELECT {_KEPT} FROM api_keys ORDER BY id")  # noqa: S608 - our own names
    op.drop_table("api_keys")
    op.rename_table("moved_keys", "api_keys")
    op.create_index("ix_api_keys_created_by", "api_keys", ["created_by"])
    op.create_index(op.f("ix_api_keys_folded_name"), "api_keys", ["folded_name"])
    _create_index_of_part("ix_api_keys_unstamped", "api_keys", ["expires_at_ms"], "expired_seen_at_ms IS NULL")
    for name, column in (("name", "folded_name"), ("expiry", "expires_at_ms")):
        _create_index_of_part(f"ix_api_keys_present_by_{name}", "api_keys", [column, "id"], "deleted_at_ms IS NULL")


def _mark_changes(table: str) -> None:
    """As for ``api_keys`` in 0007."""
    op.execute(
        f"CREATE CONSTRAINT TRIGGER {table}_changed AFTER UPDATE OR DELETE ON {table} "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ari_mark_keys()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_emptied AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION ari_mark_keys()"
    )
    for trigger in (f"{table}_changed", f"{table}_emptied"):
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")


def _create_index_of_part(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))

"""Databases as older versions left them, for tests of migrations."""

from sqlalchemy import Connection, Index, MetaData, insert, select, text

from ari.storage.migrate import LOG, MAIN
from ari.storage.migrations.old_rows import make_view
from ari.storage.tables import usage_callers, usage_client_counts, usage_log, usage_names, usage_rows

_OLD_INDEXES = (
    ("ix_usage_rows_key_id_secret_number_id", "key_id", "secret_number", "id"),
    ("ix_usage_rows_key_id_code_id", "key_id", "code", "id"),
    ("ix_usage_rows_code_id", "code", "id"),
)
_ADDED_TABLES = (
    "key_secrets",
    "key_tags",
    "consumers",
    "custom_scopes",
    "scope_presets",
    "key_kinds",
    "instance_policy",
)
_ADDED_COLUMNS = ("kind", "environment", "consumer_id", "tags", "metadata", "policy", "enabled_at_ms")
_PRESENT = "deleted_at_ms IS NULL"
_FUNCTION = """
CREATE FUNCTION ari_mark_keys() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO key_mark (name, transaction) VALUES ('api_keys', txid_current())
    ON CONFLICT (name) DO UPDATE SET transaction = excluded.transaction
    WHERE key_mark.transaction <> excluded.transaction;
    RETURN NULL;
END $$
"""


def join_keys_and_secrets(connection: Connection) -> None:
    """Undo migrations main 0019 to 0015: each key's first secret moves back into its row."""
    separate_provider_keys(connection)
    for name in ("seq", "id", "subject_seq"):
        connection.execute(text(f"DROP INDEX ix_events_of_keys_{name}"))
    for statement in _sqlite() if connection.dialect.name == "sqlite" else _postgresql():
        connection.execute(text(statement))
    for table in _ADDED_TABLES:
        connection.execute(text(f"DROP TABLE {table}"))
    connection.execute(text(f"UPDATE {MAIN.version_table} SET version_num = '0014'"))


def drop_webhooks(connection: Connection) -> None:
    """Undo migration main 0019."""
    for name in ("webhook_deliveries", "webhooks"):
        connection.execute(text(f"DROP TABLE {name}"))


def mark_keys(connection: Connection) -> None:
    """Undo migrations main 0019 and 0018: triggers note the last transaction that changed a key."""
    drop_webhooks(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text("INSERT INTO key_mark VALUES ('api_keys', 0)"))
        connection.execute(text(_FUNCTION))
        for table in ("api_keys", "key_secrets", "consumers"):
            for statement in _make_triggers(table):
                connection.execute(text(statement))
    connection.execute(text(f"UPDATE {MAIN.version_table} SET version_num = '0017'"))


def separate_provider_keys(connection: Connection) -> None:
    """Undo migrations main 0019 to 0017: the first key of each provider moves back into the provider's row."""
    mark_keys(connection)
    added = "mask VARCHAR(12)", "added_at_ms BIGINT", "added_by TEXT"
    for column in added:
        connection.execute(text(f"ALTER TABLE integrations ADD COLUMN {column}"))
    names = "mask, added_at_ms, added_by, tested_at_ms, test_outcome, test_words, failing_since_ms, failing_reason"
    moved = f"UPDATE integrations SET ({names}) = (SELECT {names} FROM provider_keys k WHERE k.id = integrations.id)"
    connection.execute(text(f"{moved} WHERE id IN (SELECT id FROM provider_keys)"))
    for name in ("key_choice", "pool_mark"):
        connection.execute(text(f"ALTER TABLE integrations DROP COLUMN {name}"))
    for name in ("provider_keys", "upstreams"):
        connection.execute(text(f"DROP TABLE {name}"))
    connection.execute(text(f"UPDATE {MAIN.version_table} SET version_num = '0016'"))


def join_partitions(connection: Connection) -> None:
    """Undo migration log 0013 on PostgreSQL: one table has all rows."""
    connection.execute(text("DROP VIEW usage_rows"))
    connection.execute(text("CREATE TABLE joined AS SELECT * FROM usage_log"))
    usage_log.drop(connection)
    usage_log.create(connection)
    connection.execute(text("DROP INDEX ix_usage_log_key_secret_number"))
    where = "WHERE secret_number IS NOT NULL"
    index = f'ix_usage_log_key_secret_number ON usage_log ("key", secret_number, id_high) {where}'
    connection.execute(text(f"CREATE INDEX {index}"))
    connection.execute(text("INSERT INTO usage_log SELECT * FROM joined"))
    connection.execute(text("DROP TABLE joined"))
    connection.execute(text(make_view()))
    connection.execute(text(f"UPDATE {LOG.version_table} SET version_num = '0012'"))


def expand_log(connection: Connection) -> None:
    """Undo migrations log 0013 to 0010: rows have their texts again, and the indexes of that time."""
    rows = usage_rows.to_metadata(MetaData(), name="expanded")
    for name, *columns in _OLD_INDEXES:
        Index(name, *(rows.c[column] for column in columns))
    found = connection.execute(select(usage_rows)).mappings().all()
    connection.execute(text("DROP VIEW usage_rows"))
    for table in (usage_log, usage_names, usage_callers, usage_client_counts):
        table.drop(connection)
    rows.create(connection)
    if found:
        connection.execute(insert(rows), [dict(row) for row in found])
    connection.execute(text("ALTER TABLE expanded RENAME TO usage_rows"))
    connection.execute(text(f"UPDATE {LOG.version_table} SET version_num = '0009'"))


def _make_triggers(table: str) -> list[str]:
    run = "EXECUTE FUNCTION ari_mark_keys()"
    deferred = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    return [
        f"CREATE CONSTRAINT TRIGGER {table}_changed AFTER UPDATE OR DELETE ON {table} {deferred} {run}",
        f"CREATE TRIGGER {table}_emptied AFTER TRUNCATE ON {table} FOR EACH STATEMENT {run}",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_changed, ENABLE ALWAYS TRIGGER {table}_emptied",
    ]


def _sqlite() -> list[str]:
    old = (
        "name TEXT NOT NULL, folded_name TEXT NOT NULL, hint VARCHAR(24) NOT NULL, scopes TEXT NOT NULL, "
        "created_at_ms BIGINT NOT NULL, created_by TEXT NOT NULL, expires_at_ms BIGINT, expired_seen_at_ms BIGINT, "
        "disabled BOOLEAN NOT NULL, revoked_at_ms BIGINT, revoked_by TEXT, revoke_reason TEXT, deleted_at_ms BIGINT"
    )
    kept = ", ".join(part.split()[0] for part in old.split(", "))
    return [
        (
            "CREATE TABLE old_keys (digest BLOB NOT NULL CONSTRAINT pk_api_keys PRIMARY KEY, id VARCHAR(40) NOT NULL, "
            f"hash_version INTEGER NOT NULL, {old}, CONSTRAINT uq_api_keys_id UNIQUE (id)) WITHOUT ROWID"
        ),
        (
            f"INSERT INTO old_keys SELECT digest, id, 1, {', '.join(f'k.{name}' for name in kept.split(', '))} "
            "FROM api_keys k JOIN key_secrets s ON s.key_id = k.id AND s.number = 1"
        ),
        "DROP TABLE api_keys",
        "ALTER TABLE old_keys RENAME TO api_keys",
        "CREATE INDEX ix_api_keys_created_by ON api_keys (created_by)",
        "CREATE INDEX ix_api_keys_folded_name ON api_keys (folded_name)",
        "CREATE INDEX ix_api_keys_unstamped ON api_keys (expires_at_ms) WHERE expired_seen_at_ms IS NULL",
        f"CREATE INDEX ix_api_keys_present_by_name ON api_keys (folded_name, id) WHERE {_PRESENT}",
        f"CREATE INDEX ix_api_keys_present_by_expiry ON api_keys (expires_at_ms, id) WHERE {_PRESENT}",
    ]


def _postgresql() -> list[str]:
    return [
        "DROP INDEX ix_api_keys_consumer_id",
        "ALTER TABLE api_keys ADD COLUMN digest bytea, ADD COLUMN hash_version integer NOT NULL DEFAULT 1, "
        + ", ".join(f"DROP COLUMN {name}" for name in _ADDED_COLUMNS),
        "ALTER TABLE api_keys DISABLE TRIGGER USER",
        "UPDATE api_keys SET digest = s.digest FROM key_secrets s WHERE s.key_id = api_keys.id AND s.number = 1",
        "ALTER TABLE api_keys ENABLE ALWAYS TRIGGER api_keys_changed, ENABLE ALWAYS TRIGGER api_keys_emptied",
        (
            "ALTER TABLE api_keys DROP CONSTRAINT pk_api_keys, ALTER COLUMN hash_version DROP DEFAULT, "
            "ALTER COLUMN digest SET NOT NULL, ALTER COLUMN hint TYPE varchar(24), "
            "ADD CONSTRAINT pk_api_keys PRIMARY KEY (digest), ADD CONSTRAINT uq_api_keys_id UNIQUE (id)"
        ),
    ]

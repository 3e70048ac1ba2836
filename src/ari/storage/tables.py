"""The whole schema, the single truth for it; migrations are checked against it in CI.

``main`` is the keys database (``ari.db``), ``log`` the usage database (``usage.db``); on PostgreSQL both live in one
database. Instants are milliseconds since the epoch. ``inbox`` is a file of its own on SQLite and holds what waits to be
moved into the log; nothing stays in it, so it has no migrations.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

main = MetaData(naming_convention=_NAMES)
log = MetaData(naming_convention=_NAMES)
inbox = MetaData(naming_convention=_NAMES)

_Sequence = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only for a column declared INTEGER."""

api_keys = Table(
    "api_keys",
    main,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("hash_version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False, index=True),
    Column("hint", String(24), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at_ms", BigInteger),
    Column("expired_seen_at_ms", BigInteger),
    Column("disabled", Boolean, nullable=False),
    Column("revoked_at_ms", BigInteger),
    Column("revoked_by", Text),
    Column("revoke_reason", Text),
    Column("deleted_at_ms", BigInteger),
    Index("ix_api_keys_created_by", "created_by"),
    Index(
        "ix_api_keys_unstamped",
        "expires_at_ms",
        sqlite_where=text("expired_seen_at_ms IS NULL"),
        postgresql_where=text("expired_seen_at_ms IS NULL"),
    ),
    Index(
        "ix_api_keys_present_by_name",
        "folded_name",
        "id",
        sqlite_where=text("deleted_at_ms IS NULL"),
        postgresql_where=text("deleted_at_ms IS NULL"),
    ),
    Index(
        "ix_api_keys_present_by_expiry",
        "expires_at_ms",
        "id",
        sqlite_where=text("deleted_at_ms IS NULL"),
        postgresql_where=text("deleted_at_ms IS NULL"),
    ),
    sqlite_with_rowid=False,
)

dismissals = Table(
    "dismissals",
    main,
    Column("kind", String(20), primary_key=True),
    Column("key_id", String(40), primary_key=True),
    Column("fact", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    main,
    Column("seq", _Sequence, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("name", String(40), nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text),
    Column("door", String(10), nullable=False),
    Column("client_address", String(64)),
    Column("user_agent", Text),
    Column("request_id", Text),
    Column("detail", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_events_subject_seq", "subject", "seq"),
)

accounts = Table(
    "accounts",
    main,
    Column("id", String(40), primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("role", String(10), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    main,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("account_id", String(40), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("client_address", String(64)),
    Column("user_agent", Text),
    Column("confirmed_at_ms", BigInteger, nullable=False, server_default="0"),
)

half_sign_ins = Table(
    "half_sign_ins",
    main,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("account_id", String(40), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at_ms", BigInteger, nullable=False),
)

two_factor = Table(
    "two_factor",
    main,
    Column("account_id", String(40), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("enabled_at_ms", BigInteger, nullable=False),
    Column("last_step", BigInteger, nullable=False),
)

backup_codes = Table(
    "backup_codes",
    main,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("account_id", String(40), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("used_at_ms", BigInteger),
)

sealed_secrets = Table(
    "sealed_secrets",
    main,
    Column("kind", String(20), primary_key=True),
    Column("subject", String(40), primary_key=True),
    Column("parts", Text, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
)

integrations = Table(
    "integrations",
    main,
    Column("provider", String(40), primary_key=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("base_url", Text),
    Column("mask", String(12)),
    Column("added_at_ms", BigInteger),
    Column("added_by", Text),
    Column("tested_at_ms", BigInteger),
    Column("test_outcome", String(20)),
    Column("test_words", Text),
    Column("failing_since_ms", BigInteger),
    Column("failing_reason", Text),
)

devices = Table(
    "devices",
    main,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("account_id", String(40), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at_ms", BigInteger, nullable=False),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    main,
    Column("bucket", String(80), primary_key=True),
    Column("instants_ms", Text, nullable=False),
    Column("forget_at_ms", BigInteger, nullable=False, index=True),
)

notes = Table(
    "notes",
    main,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

mail_links = Table(
    "mail_links",
    main,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("account_id", String(40), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("purpose", String(10), nullable=False),
    Column("email", Text, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    UniqueConstraint("account_id", "purpose"),
)

watch_quiet = Table(
    "watch_quiet",
    main,
    Column("mark", String(160), primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

notices = Table(
    "notices",
    main,
    Column("id", String(40), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("event_id", String(40), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("subject", Text, nullable=False),
    Column("recipient", Text),
    Column("attempts", Integer, nullable=False),
    Column("first_try_at_ms", BigInteger),
    Column("next_try_at_ms", BigInteger),
    Column("sent_at_ms", BigInteger),
    Column("sender", String(10)),
    Column("sender_id", Text),
    Column("error", Text),
    Column("digest_id", String(40), index=True),
    Column("letter", Text),
    Column("lease_holder", String(40)),
    Column("lease_until_ms", BigInteger),
    UniqueConstraint("kind", "event_id"),
    Index("ix_notices_state_next_try_at_ms", "state", "next_try_at_ms"),
    Index("ix_notices_kind_made_at_ms", "kind", "made_at_ms"),
)
"""``letter`` is the mail as it is tried, until the notice is done with."""

usage_rows = Table(
    "usage_rows",
    log,
    Column("id", String(40), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("key_id", String(40), nullable=False),
    Column("key_hint", String(24), nullable=False),
    Column("code", String(24), nullable=False),
    Column("method", String(16), nullable=False),
    Column("route", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("status", Integer),
    Column("client_address", String(64)),
    Column("user_agent", Text),
    Column("duration_ms", Float),
    Column("bytes", BigInteger),
    Column("count", Integer, nullable=False),
    Column("source", String(10), nullable=False, server_default="request"),
    Index("ix_usage_rows_key_id_code_id", "key_id", "code", "id"),
    Index("ix_usage_rows_code_id", "code", "id"),
)

usage_hours = Table(
    "usage_hours",
    log,
    Column("key_id", String(40), primary_key=True),
    Column("hour_ms", BigInteger, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("code", String(24), primary_key=True),
    Column("count", BigInteger, nullable=False),
)

usage_totals = Table(
    "usage_totals",
    log,
    Column("key_id", String(40), primary_key=True),
    Column("request_count", BigInteger, nullable=False),
    Column("refused_count", BigInteger, nullable=False),
    Column("first_used_at_ms", BigInteger),
    Column("last_used_at_ms", BigInteger),
    Column("removed_request_count", BigInteger, nullable=False, server_default="0"),
    Column("removed_refused_count", BigInteger, nullable=False, server_default="0"),
)

usage_seen = Table(
    "usage_seen",
    log,
    Column("key_id", String(40), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("accepted_count", BigInteger, nullable=False),
    Column("refused_count", BigInteger, nullable=False),
    Column("first_seen_at_ms", BigInteger, nullable=False),
    Column("last_seen_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

usage_attempts = Table(
    "usage_attempts",
    log,
    Column("minute_ms", BigInteger, primary_key=True),
    Column("reason", String(24), primary_key=True),
    Column("address", String(64), primary_key=True),
    Column("count", BigInteger, nullable=False),
)

usage_settled = Table(
    "usage_settled",
    log,
    Column("name", String(20), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
"""Up to which entry the inbox was moved, where that is another file. On PostgreSQL its lock is who may move."""

usage_inbox = Table(
    "usage_inbox",
    inbox,
    Column("seq", _Sequence, primary_key=True, autoincrement=True),
    Column("what", String(10), nullable=False),
    *(Column(column.name, column.type) for column in usage_rows.columns),
    sqlite_autoincrement=True,
)

usage_ai = Table(
    "usage_ai",
    log,
    Column("id", String(40), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("key_id", String(40), nullable=False),
    Column("provider", String(40), nullable=False),
    Column("model", Text),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cached_tokens", BigInteger),
    Column("provider_status", Integer),
    Column("first_byte_ms", Float),
    Column("whole_ms", Float, nullable=False),
    Column("ended", String(12), nullable=False),
    sqlite_with_rowid=False,
)

usage_ai_hours = Table(
    "usage_ai_hours",
    log,
    Column("hour_ms", BigInteger, primary_key=True),
    Column("key_id", String(40), primary_key=True),
    Column("provider", String(40), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("status_class", Integer, primary_key=True),
    Column("request_count", BigInteger, nullable=False),
    Column("told_count", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("last_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""``model`` is empty where none was told or the provider refused the request: a caller can write any name there."""

usage_all_hours = Table(
    "usage_all_hours",
    log,
    Column("hour_ms", BigInteger, primary_key=True),
    Column("with_key", Boolean, primary_key=True),
    Column("code", String(24), primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

usage_days = Table(
    "usage_days",
    log,
    Column("key_id", String(40), primary_key=True),
    Column("day_ms", BigInteger, primary_key=True),
    Column("accepted_count", BigInteger, nullable=False),
    Column("refused_count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

usage_attempt_hours = Table(
    "usage_attempt_hours",
    log,
    Column("hour_ms", BigInteger, primary_key=True),
    Column("reason", String(24), primary_key=True),
    Column("address", String(64), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

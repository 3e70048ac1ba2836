"""The keys database: keys, accounts, integrations, notices and the audit log (``ari.db``)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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

from ari.storage.tables.naming import NAMES, Sequence, partial_index

main = MetaData(naming_convention=NAMES)

key_mark = Table(
    "key_mark",
    main,
    Column("name", String(20), primary_key=True),
    Column("transaction", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Empty. Nodes of the version before main 0018 read it while nodes are upgraded; drop it in a later version."""

database_history = Table(
    "database_history",
    main,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("id", String(40), nullable=False),
)
"""The ids of the histories that led to this database, the present one last (``storage.failover``)."""

dismissals = Table(
    "dismissals",
    main,
    Column("kind", String(20), primary_key=True),
    Column("key_id", String(40), primary_key=True),
    Column("fact", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

EVENTS_OF_KEYS = text("substr(name, 1, 4) = 'key_'")
"""A query must spell this condition like the indexes, which databases compare as text."""
events = Table(
    "events",
    main,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
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
    *(
        partial_index(f"ix_events_of_keys_{name}", *columns, where=EVENTS_OF_KEYS)
        for name, columns in {"seq": ["seq"], "id": ["id"], "subject_seq": ["subject", "seq"]}.items()
    ),
)

event_counts = Table(
    "event_counts",
    main,
    Column("name", String(40), primary_key=True),
    Column("subject", String(40), primary_key=True),
    Column("began_at_ms", BigInteger, nullable=False),
    Column("ends_at_ms", BigInteger, nullable=False, index=True),
    Column("written", Integer, nullable=False),
    Column("counted", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""What strangers may cause without end: of each name and subject (empty: none), how many events were written within the
present span of time, and how many were only counted."""
audit_marks = Table(
    "audit_marks",
    main,
    Column("name", String(10), primary_key=True),
    Column("statement", Text, nullable=False),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("signature", LargeBinary(64), nullable=False),
    Column("through_seq", BigInteger, nullable=False, server_default="0"),
)
"""Signatures of the audit log: ``head``, ``cut``. Triggers let only events up to ``through_seq`` be deleted."""

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
    Column("base_url_by", Text),
    Column("tested_at_ms", BigInteger),
    Column("test_outcome", String(20)),
    Column("test_words", Text),
    Column("failing_since_ms", BigInteger),
    Column("failing_reason", Text),
    Column("key_choice", String(20)),
    Column("pool_mark", String(40)),
)
"""``pool_mark`` is new after every change of the provider's keys."""

provider_keys = Table(
    "provider_keys",
    main,
    Column("id", String(40), primary_key=True),
    Column("provider", String(40), nullable=False),
    Column("label", Text, nullable=False),
    Column("mask", String(12), nullable=False),
    Column("position", Integer, nullable=False),
    Column("sealed_subject", String(40), nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("tested_at_ms", BigInteger),
    Column("test_outcome", String(20)),
    Column("test_words", Text),
    Column("failing_since_ms", BigInteger),
    Column("failing_reason", Text),
    Index("ix_provider_keys_provider_position", "provider", "position"),
)

upstreams = Table(
    "upstreams",
    main,
    Column("name", String(40), primary_key=True),
    Column("title", Text, nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
    Column("added_by", Text, nullable=False),
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

idempotent_responses = Table(
    "idempotent_responses",
    main,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("body_digest", LargeBinary(32), nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
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
"""``letter`` is the email to send, until the notice is finished."""

webhooks = Table(
    "webhooks",
    main,
    Column("id", String(40), primary_key=True),
    Column("name", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("url_by", Text, nullable=False),
    Column("format", String(10), nullable=False),
    Column("events", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("after_seq", BigInteger, nullable=False, server_default="0"),
    Column("revision", Integer, nullable=False),
    Column("url_secret_number", Integer),
    Column("off_reason", String(20)),
    Column("old_secret_until_ms", BigInteger),
    Column("failing_since_ms", BigInteger),
    Column("warned_at_ms", BigInteger),
    Column("rests_until_ms", BigInteger),
    Column("delivered_at_ms", BigInteger),
)
"""``events`` is a JSON list of patterns. A webhook gets the events whose ``seq`` is greater than ``after_seq``."""

webhook_deliveries = Table(
    "webhook_deliveries",
    main,
    Column("id", String(40), primary_key=True),
    Column("webhook_id", String(40), ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", String(40), nullable=False),
    Column("type", String(80), nullable=False),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("queued_at_ms", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try_at_ms", BigInteger),
    Column("tried_at_ms", BigInteger),
    Column("status", Integer),
    Column("error", Text),
    Column("duration_ms", Integer),
    Column("is_test", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Column("lease_holder", String(40)),
    Column("lease_until_ms", BigInteger),
    UniqueConstraint("webhook_id", "event_id"),
    Index("ix_webhook_deliveries_webhook_id_id", "webhook_id", "id"),
    Index("ix_webhook_deliveries_state_webhook_id_next_try_at_ms_id", "state", "webhook_id", "next_try_at_ms", "id"),
)

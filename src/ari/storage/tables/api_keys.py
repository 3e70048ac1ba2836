"""API keys with their secrets, consumers, tags, scopes and kinds; part of the keys database."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from ari.storage.tables.keys_database import main
from ari.storage.tables.naming import partial_index

api_keys = Table(
    "api_keys",
    main,
    Column("id", String(40), primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False, index=True),
    Column("hint", String(40), nullable=False),
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
    Column("kind", String(40)),
    Column("environment", String(10), nullable=False, server_default="live"),
    Column("consumer_id", String(40)),
    Column("tags", Text),
    Column("metadata", Text),
    Column("policy", Text),
    Column("enabled_at_ms", BigInteger),
    Index("ix_api_keys_created_by", "created_by"),
    partial_index("ix_api_keys_consumer_id", "consumer_id", "id", where=text("consumer_id IS NOT NULL")),
    partial_index("ix_api_keys_unstamped", "expires_at_ms", where=text("expired_seen_at_ms IS NULL")),
    partial_index("ix_api_keys_present_by_name", "folded_name", "id", where=text("deleted_at_ms IS NULL")),
    partial_index("ix_api_keys_present_by_expiry", "expires_at_ms", "id", where=text("deleted_at_ms IS NULL")),
    sqlite_with_rowid=False,
)
"""Identity and policy of each key. ``hint`` is that of its newest secret, ``tags`` those of ``key_tags`` in order."""

key_secrets = Table(
    "key_secrets",
    main,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("key_id", String(40), nullable=False),
    Column("number", Integer, nullable=False),
    Column("scheme", String(40), nullable=False),
    Column("hint", String(40), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("retires_at_ms", BigInteger),
    Column("retired_seen_at_ms", BigInteger),
    Column("foreign_id", Text),
    Column("foreign_hash", Text),
    UniqueConstraint("key_id", "number"),
    partial_index("ix_key_secrets_foreign_id", "foreign_id", where=text("foreign_id IS NOT NULL")),
    partial_index("ix_key_secrets_retires_at_ms", "retires_at_ms", where=text("retires_at_ms IS NOT NULL")),
    sqlite_with_rowid=False,
)
"""What authenticates as a key. A salted hash of another system (``foreign_hash``) is found by ``foreign_id``; its
``digest`` is then that of no token."""

key_tags = Table(
    "key_tags",
    main,
    Column("tag", String(40), primary_key=True),
    Column("key_id", String(40), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

consumers = Table(
    "consumers",
    main,
    Column("id", String(40), primary_key=True),
    Column("external_id", Text, unique=True),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False, index=True),
    Column("metadata", Text),
    Column("policy", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Those whom keys belong to: customers, teams, services."""

custom_scopes = Table(
    "custom_scopes",
    main,
    Column("name", String(100), primary_key=True),
    Column("description", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Scopes of the APIs that ARI protects; ARI's own are in ``keys.scopes``."""

scope_presets = Table(
    "scope_presets",
    main,
    Column("name", String(40), primary_key=True),
    Column("label", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("position", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""The operator's presets, which replace ARI's of the same name."""

key_kinds = Table(
    "key_kinds",
    main,
    Column("name", String(40), primary_key=True),
    Column("prefix", String(20), nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("defaults", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Kinds of keys in addition to the built-in one; ``defaults`` is JSON."""

instance_policy = Table(
    "instance_policy",
    main,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Settings of the instance, each a JSON value: the longest lifetime of keys, the default preset, aliases of models."""

key_grants = Table(
    "key_grants",
    main,
    Column("grantor_id", String(40), primary_key=True),
    Column("key_id", String(40), primary_key=True, index=True),
    sqlite_with_rowid=False,
)
"""Which key let which other key do more: a scope, a later expiry, being enabled."""

"""The rows of the usage log in their compact form, and the view that shows them with their texts."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text, text

from ari.storage.tables.naming import NAMES, partial_index

log = MetaData(naming_convention=NAMES)
views = MetaData(naming_convention=NAMES)
"""Views: they are read like tables, but never written, created or backed up like them."""

usage_log = Table(
    "usage_log",
    log,
    Column("id_high", BigInteger, primary_key=True, autoincrement=False),
    Column("id_low", BigInteger, primary_key=True, autoincrement=False),
    Column("at_offset_ms", BigInteger),
    Column("bytes", BigInteger),
    Column("duration_ms", Float),
    Column("caller", BigInteger, nullable=False),
    Column("key", Integer, nullable=False),
    Column("key_hint", Integer, nullable=False),
    Column("route", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("secret_number", Integer),
    Column("code", Integer, nullable=False),
    Column("status", Integer),
    Column("source", Integer),
    Column("method", String(16), nullable=False),
    Column("path", Text),
    Column("request_id", Text),
    Column("consumed", Text),
    partial_index(
        "ix_usage_log_key_secret_number",
        "key",
        "secret_number",
        "id_high",
        where=text("secret_number IS NOT NULL"),
    ),
    Index("ix_usage_log_key_code", "key", "code", "id_high"),
    Index("ix_usage_log_code", "code", "id_high"),
    sqlite_with_rowid=False,
)
"""``id_high`` and ``id_low`` are the 128 bits of the request's id. ``key``, ``key_hint``, ``route``, ``code`` and
``source`` are numbers of ``usage_names``, ``caller`` is one of ``usage_callers``. ``at_offset_ms``, ``path``,
``request_id`` and ``source`` are NULL where they equal the id's time, the route, the id and ``request``. The order of
the columns saves padding on PostgreSQL. The indexes end in ``id_high``: the few ids that share it are sorted, and each
entry is 8 bytes shorter."""

usage_names = Table(
    "usage_names",
    log,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Index("ix_usage_names_text", "text", unique=True),
)
"""Texts that repeat: keys, hints, routes, codes and sources. They are kept like the rollups, which have them too."""

usage_callers = Table(
    "usage_callers",
    log,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("address", String(64), nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("last_day", Integer, nullable=False),
    Index("ix_usage_callers_address_user_agent", "address", "user_agent"),
    sqlite_with_rowid=False,
)
"""Client address and user agent, empty where there is none. ``last_day`` is the latest day of a row with it, in days
since 1970: retention removes the caller after its rows. Erasing an address may leave two callers that are equal."""

usage_rows = Table(
    "usage_rows",
    views,
    Column("id", String(40), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("key_id", String(40), nullable=False),
    Column("key_hint", String(40).with_variant(String(24), "sqlite"), nullable=False),
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
    Column("secret_number", Integer),
    Column("consumed", Text),
)
"""The view of ``usage_log`` with all texts. A filter on it reads every row: queries that must be fast read
``usage_log``."""

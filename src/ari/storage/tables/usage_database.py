"""The usage database (``usage.db``), and the tables that have their own file on SQLite."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, MetaData, String, Table, Text, false

from ari.storage.tables.naming import NAMES, Sequence
from ari.storage.tables.usage_log import log, usage_rows

staging = MetaData(naming_convention=NAMES)
staging_file = MetaData(naming_convention=NAMES)
"""Tables that only SQLite's staging file has."""

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

usage_client_counts = Table(
    "usage_client_counts",
    log,
    Column("key", Integer, nullable=False),
    Column("caller", BigInteger, nullable=False),
    Column("accepted_count", BigInteger, nullable=False),
    Column("refused_count", BigInteger, nullable=False),
    Column("first_seen_at_ms", BigInteger, nullable=False),
    Column("last_seen_at_ms", BigInteger, nullable=False),
)
"""What folds counted of clients and is not in ``usage_seen`` yet: to append takes a tenth of the time that a place in
``usage_seen`` takes, and most clients come again soon."""

usage_attempts = Table(
    "usage_attempts",
    log,
    Column("minute_ms", BigInteger, primary_key=True),
    Column("reason", String(24), primary_key=True),
    Column("address", String(64), primary_key=True),
    Column("count", BigInteger, nullable=False),
)

usage_folds = Table(
    "usage_folds",
    log,
    Column("name", String(20), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
"""On SQLite, the last staged entry that was folded. On PostgreSQL, how many folds there were; a lock on this table
lets one process fold at a time."""

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
    Column("cost_micros", BigInteger),
    Column("price_version", String(40)),
    Column("is_estimated", Boolean, nullable=False, server_default=false()),
    Column("cache_written_tokens", BigInteger),
    Column("audio_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("alias", Text),
    Column("attempts", Text),
    sqlite_with_rowid=False,
)

usage_staging = Table(
    "usage_staging",
    staging,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("kind", String(10), nullable=False),
    *(Column(column.name, column.type) for column in usage_rows.columns),
    *(Column(column.name, column.type) for column in usage_ai.columns if column.name not in usage_rows.columns),
    Column("id_high", BigInteger),
    Column("id_low", BigInteger),
    sqlite_autoincrement=True,
)
"""One table for all kinds of entries, so that ``seq`` orders them. Each kind fills the columns it has."""

usage_set_aside = Table(
    "usage_set_aside",
    staging,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger),
    Column("reason", Text, nullable=False),
    Column("entry", Text, nullable=False),
)
"""Entries that no fold takes, with the columns of ``usage_staging`` that they fill as JSON."""

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
    Column("cost_micros", BigInteger, nullable=False, server_default="0"),
    Column("priced_count", BigInteger, nullable=False, server_default="0"),
    Column("estimated_count", BigInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
"""``model`` is empty if the provider reported none or refused the request: callers can send any name."""

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

limit_counters = Table(
    "limit_counters",
    log,
    Column("owner_id", String(40), primary_key=True),
    Column("state", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""The counter of each key and consumer with limits or credits. On SQLite it is counted in ``staged_counters``; this
table has what the last backup saved."""

staged_counters = limit_counters.to_metadata(staging_file)

budget_warnings = Table(
    "budget_warnings",
    log,
    Column("owner_id", String(40), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("period_ms", BigInteger, primary_key=True),
    Column("threshold", Integer, primary_key=True),
    Column("unit", String(10), nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Thresholds of budgets that were reached and are not reported yet. On SQLite, only ``staged_warnings`` has any."""

staged_warnings = budget_warnings.to_metadata(staging_file)

limit_clock = Table(
    "limit_clock",
    staging_file,
    Column("boot_id", String(64), primary_key=True),
    Column("offset_ms", BigInteger, nullable=False),
)
"""The time at which the machine started, as its clock said when it was first asked."""

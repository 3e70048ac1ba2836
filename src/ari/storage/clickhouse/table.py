"""The table of ClickHouse, which has the rows of the log and nothing else: every count is in PostgreSQL.

A row may be stored several times, in several versions; ``ReplacingMergeTree`` keeps the latest one at some time, and
queries take the latest one at any time.
"""

from ari.base.clock import DAY_MS
from ari.storage.usage.logged_row import COLUMNS
from ari.storage.usage.row_ids import TIME_SHIFT

TABLE = "ari_usage_log"
DAY = DAY_MS << TIME_SHIFT
"""How much ``id_high`` grows in a day."""
MIN_VERSION = (24, 3)

_OFTEN_THE_SAME, _TEXT = "LowCardinality(String)", "String CODEC(ZSTD(1))"
_TYPES = {
    "id_high": "Int64 CODEC(Delta, ZSTD(1))",
    "id_low": "Int64 CODEC(NONE)",
    "version": "Int64 CODEC(ZSTD(1))",
    "staged": "Int64 CODEC(Delta, ZSTD(1))",
    "at_offset_ms": "Int64 CODEC(ZSTD(1))",
    "request_id": _TEXT,
    "key_id": _TEXT,
    "key_hint": _TEXT,
    "code": _OFTEN_THE_SAME,
    "method": _OFTEN_THE_SAME,
    "route": _OFTEN_THE_SAME,
    "path": _TEXT,
    "client_address": _TEXT,
    "user_agent": _TEXT,
    "status": "UInt16 CODEC(ZSTD(1))",
    "duration_ms": "Nullable(Float64) CODEC(ZSTD(1))",
    "bytes": "Nullable(Int64) CODEC(ZSTD(1))",
    "count": "Int64 CODEC(ZSTD(1))",
    "source": _OFTEN_THE_SAME,
    "secret_number": "Nullable(Int32) CODEC(ZSTD(1))",
    "consumed": "Nullable(String) CODEC(ZSTD(1))",
}
_columns = ", ".join(f"{name} {_TYPES[name]}" for name in COLUMNS)
_CREATE = f"""CREATE TABLE IF NOT EXISTS {TABLE} ({_columns},
    INDEX by_key key_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_code code TYPE set(64) GRANULARITY 1)
ENGINE = ReplacingMergeTree(version) PARTITION BY intDiv(id_high, {DAY}) ORDER BY (id_high, id_low)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1"""
"""Rows that leave PostgreSQL are on ClickHouse's disk: without ``fsync``, a power failure could lose them. A partition
is a day, which retention drops."""


def format_comment(number: int) -> str:
    """The comment of the table of the log with this number."""
    return f"Rows of the ARI log {number}"


def make_create(number: int) -> str:
    """The statement that creates the table of a log."""
    return f"{_CREATE} COMMENT '{format_comment(number)}'"


SELECTED = ", ".join(COLUMNS)
AT_MS = f"(bitShiftRight(id_high, {TIME_SHIFT}) + at_offset_ms)"
NEWEST_FIRST = "ORDER BY id_high DESC, id_low DESC"
LATEST = f"{NEWEST_FIRST}, version DESC LIMIT 1 BY id_high, id_low"
"""The latest version of each row. Conditions on columns that change are for the query around it."""

"""Makes ``usage_log`` of PostgreSQL a partitioned table whose first partition is the table that was there: no row is
moved, and no lock is held while rows are read.

1. ``bound_rows`` adds a constraint: no row from the day after tomorrow or later. Only new rows are checked.
2. ``check_rows`` lets PostgreSQL check the rows that are there, while others read and write.
3. ``swap`` renames the table, makes the partitioned one, and attaches the old one to it. The constraint, which is known
   to hold, saves PostgreSQL from reading the table again.

Each is a transaction of its own. A process that was killed between them goes on with the next start.
"""

# ruff: noqa: S608 - every name in these statements is our own

import re

from sqlalchemy import Connection, text

from ari.base.clock import DAY_MS
from ari.storage.migrations.old_rows import make_view
from ari.storage.usage.partitions import BEFORE, OPTIONS, OTHER, create_day, find_missing, list_partitions
from ari.storage.usage.row_ids import lowest_at

_BOUND = "usage_log_before_bound"
_LEFT_MS = 3_600_000
"""A constraint that excludes rows of the next hour is replaced: an older node may be storing them."""
_IS_TABLE = "SELECT relkind = 'r' FROM pg_class WHERE oid = to_regclass('usage_log')"
_FIND_BOUND = f"""SELECT pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = to_regclass('usage_log') AND conname = '{_BOUND}'"""
_COUNT_LATE = "SELECT count(*) FROM (SELECT 1 FROM usage_log WHERE id_high >= :bound LIMIT :most) AS late"
_LATEST = f"SELECT greatest((SELECT max(id_high) FROM usage_log), (SELECT max(id_high) FROM {OTHER}))"
_MOVES = (
    f"""WITH late AS (DELETE FROM usage_log WHERE id_high >= :bound RETURNING *)
    INSERT INTO {OTHER} SELECT * FROM late""",
    f"""WITH early AS (DELETE FROM {OTHER} WHERE id_high < :bound RETURNING *)
    INSERT INTO usage_log SELECT * FROM early""",
)
MAX_MOVED = 10_000
"""If more rows are late, the clock is wrong now, and was right then."""
_INDEXES = ("ix_usage_log_key_code", "ix_usage_log_code", "ix_usage_log_key_secret_number")
_GRANTS = """SELECT CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, privilege_type,
    is_grantable FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass(:name) AND grantee <> relowner"""
_DEPENDENTS = """SELECT DISTINCT r.ev_class::regclass::text FROM pg_depend AS d
    JOIN pg_rewrite AS r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass('usage_log')
    AND r.ev_class <> to_regclass('usage_rows') ORDER BY 1"""


def is_plain(connection: Connection) -> bool:
    """Whether the log is a table of PostgreSQL that isn't partitioned yet."""
    return connection.dialect.name == "postgresql" and bool(connection.scalar(text(_IS_TABLE)))


def list_dependents(connection: Connection) -> list[str]:
    """The views that read the table itself and would then see its old rows only; ARI's own is made again."""
    return [str(name) for name in connection.scalars(text(_DEPENDENTS))]


def bound_rows(connection: Connection, now_ms: int) -> None:
    """Let the table have no more rows from the day after tomorrow on. Rows of such times, of a wrong clock, move to the
    table that becomes ``usage_log_other``. An empty table gets no row from today on."""
    found = _read_bound(connection)
    if found is not None and found > lowest_at(now_ms + _LEFT_MS):
        return
    connection.execute(text(f"ALTER TABLE usage_log DROP CONSTRAINT IF EXISTS {_BOUND}"))
    is_empty = connection.scalar(text("SELECT 1 FROM usage_log LIMIT 1")) is None
    bound = lowest_at((now_ms // DAY_MS + (0 if is_empty else 2)) * DAY_MS)
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {OTHER} (LIKE usage_log INCLUDING DEFAULTS) {OPTIONS}"))
    late = int(connection.scalar(text(_COUNT_LATE), {"bound": bound, "most": MAX_MOVED + 1}) or 0)
    if late > MAX_MOVED:
        bound = (int(connection.scalar(text(_LATEST)) or 0) // lowest_at(DAY_MS) + 1) * lowest_at(DAY_MS)
    for move in _MOVES:
        connection.execute(text(move), {"bound": bound})
    connection.execute(text(f"ALTER TABLE usage_log ADD CONSTRAINT {_BOUND} CHECK (id_high < {bound}) NOT VALID"))


def check_rows(connection: Connection) -> None:
    """Check the rows that are there: a minute for a hundred million. No one waits for it."""
    connection.execute(text(f"ALTER TABLE usage_log VALIDATE CONSTRAINT {_BOUND}"))


def swap(connection: Connection, now_ms: int) -> None:
    """Put the partitioned table in the place of the old one, which becomes its first partition."""
    bound = _read_bound(connection)
    connection.execute(text("LOCK TABLE usage_log IN ACCESS EXCLUSIVE MODE"))
    grants = connection.execute(text(_GRANTS), {"name": "usage_log"}).all()
    connection.execute(text(f"ALTER TABLE usage_log RENAME TO {BEFORE}"))
    connection.execute(text(f"ALTER TABLE {BEFORE} RENAME CONSTRAINT pk_usage_log TO pk_{BEFORE}"))
    for name in _INDEXES:
        connection.execute(text(f"ALTER INDEX {name} RENAME TO {name.replace('usage_log', BEFORE)}"))
    connection.execute(text(f"CREATE TABLE usage_log (LIKE {BEFORE} INCLUDING DEFAULTS) PARTITION BY RANGE (id_high)"))
    connection.execute(text("ALTER TABLE usage_log ADD CONSTRAINT pk_usage_log PRIMARY KEY (id_high, id_low)"))
    connection.execute(text('CREATE INDEX ix_usage_log_key_code ON usage_log ("key", code, id_high)'))
    connection.execute(text("CREATE INDEX ix_usage_log_code ON usage_log (code, id_high)"))
    connection.execute(
        text(
            'CREATE INDEX ix_usage_log_key_secret_number ON usage_log ("key", secret_number, id_high) '
            "WHERE secret_number IS NOT NULL"
        )
    )
    connection.execute(text(f"ALTER TABLE usage_log ATTACH PARTITION {BEFORE} FOR VALUES FROM (MINVALUE) TO ({bound})"))
    connection.execute(text(f"ALTER TABLE usage_log ATTACH PARTITION {OTHER} DEFAULT"))
    connection.execute(text(f"ALTER TABLE {BEFORE} DROP CONSTRAINT {_BOUND}"))
    for grantee, privilege, is_grantable in grants:
        option = " WITH GRANT OPTION" if is_grantable else ""
        connection.execute(text(f"GRANT {privilege} ON usage_log TO {grantee}{option}"))
    connection.execute(text(make_view().replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)))
    for day in find_missing(list_partitions(connection), now_ms):
        create_day(connection, day)


def _read_bound(connection: Connection) -> int | None:
    found = re.search(r"\d{6,}", connection.scalar(text(_FIND_BOUND)) or "")
    return None if found is None else int(found[0])

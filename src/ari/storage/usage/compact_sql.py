"""The SQL that gives repeated texts a number, and replaces the texts of requests by their numbers.

``old_rows.py`` moves the rows of older versions with it, and ``rollups.py`` folds staged requests. Numbers continue the
highest one instead of a sequence, which a restore would have to set; one process at a time adds any.
"""

# ruff: noqa: S608 - every name in these statements is our own

from ari.base.clock import DAY_MS
from ari.storage.usage.row_ids import TIME_SHIFT, parse_in_sql

_KEPT = ("bytes", "duration_ms", "count", "secret_number", "status", "method", "consumed")
COMPACT_COLUMNS = (
    "id_high", "id_low", "at_offset_ms", "request_id", "path", '"key"', "key_hint", "route", "code", "source", "caller",
    *_KEPT,
)  # fmt: skip
_TEXTS = ("key_id", "key_hint", "route", "code", "source")
USUAL_SOURCE = "request"
NO_TEXT = ""
"""In the place of an unknown address or user agent."""
_same = "stored.address = callers.address AND stored.user_agent = callers.user_agent"


def parse_staged_id(table: str) -> tuple[str, str]:
    """The integers of a staged id. A node of an older version stages only the text."""
    high, low = parse_in_sql(f"{table}.id", "instr")
    return f"coalesce({table}.id_high, {high})", f"coalesce({table}.id_low, {low})"


def add_texts(source: str, high: str) -> tuple[str, ...]:
    """Statements that number the new texts of ``source``, a FROM clause, and note the last day of its callers."""
    named = " UNION ".join(f"SELECT {column} AS text FROM given" for column in _TEXTS)
    callers = f"""SELECT coalesce(client_address, '{NO_TEXT}') AS address,
        coalesce(user_agent, '{NO_TEXT}') AS user_agent, max({high} >> {TIME_SHIFT}) / {DAY_MS} AS last_day
        {source} GROUP BY 1, 2"""
    return (
        f"""INSERT INTO usage_names (number, text)
        WITH given AS (SELECT DISTINCT {", ".join(_TEXTS)} {source}), names AS ({named})
        SELECT (SELECT coalesce(max(number), 0) FROM usage_names) + row_number() OVER (ORDER BY text), text FROM names
        WHERE (SELECT stored.number FROM usage_names AS stored WHERE stored.text = names.text) IS NULL""",
        f"""INSERT INTO usage_callers (number, address, user_agent, last_day)
        WITH callers AS ({callers}), known AS (SELECT *, (
            SELECT min(stored.number) FROM usage_callers AS stored WHERE {_same}) AS stored_number FROM callers)
        SELECT coalesce(stored_number, (SELECT coalesce(max(number), 0) FROM usage_callers)
            + row_number() OVER (ORDER BY stored_number IS NULL DESC, address, user_agent)),
            address, user_agent, last_day FROM known
        WHERE stored_number IS NULL OR last_day > (
            SELECT stored.last_day FROM usage_callers AS stored WHERE stored.number = stored_number)
        ON CONFLICT (number) DO UPDATE SET last_day = excluded.last_day""",
    )


def number_of(text: str) -> str:
    """The number of a text; NULL if it has none yet."""
    return f"(SELECT stored.number FROM usage_names AS stored WHERE stored.text = {text})"


def caller_of(table: str) -> str:
    """The number of the caller of a request in ``table``; NULL if it has none yet."""
    return f"""(SELECT min(stored.number) FROM usage_callers AS stored
        WHERE stored.address = coalesce({table}.client_address, '{NO_TEXT}')
        AND stored.user_agent = coalesce({table}.user_agent, '{NO_TEXT}'))"""


def compact(requests: str, columns: str = "", **others: str) -> str:
    """The rows of these requests, a query with ``high`` and ``low``, as ``COMPACT_COLUMNS``.

    ``columns`` are further ones of the requests, ``others`` other expressions for columns.
    """
    values = {
        "id_high": "high",
        "id_low": "low",
        "at_offset_ms": f"nullif(at_ms - (high >> {TIME_SHIFT}), 0)",
        "request_id": "nullif(request_id, id)",
        "path": "nullif(path, route)",
        '"key"': number_of("given.key_id"),
        "key_hint": number_of("given.key_hint"),
        "route": number_of("given.route"),
        "code": number_of("given.code"),
        "source": f"CASE WHEN source <> '{USUAL_SOURCE}' THEN {number_of('given.source')} END",
        "caller": caller_of("given"),
        **{column: column for column in _KEPT},
        **others,
    }
    selected = ", ".join(f"{value} AS {column}" for column, value in values.items())
    return f"SELECT {columns}{selected} FROM ({requests}) AS given"


def for_postgresql(statement: str) -> str:
    """The same statement with PostgreSQL's name of the function that finds a text in another."""
    return statement.replace("instr(", "strpos(")

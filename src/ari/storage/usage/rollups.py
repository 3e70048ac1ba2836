"""The SQL that folds staged entries into rows and rollups. Nothing else counts usage.

Each statement reads the staged entries with ``:low`` < ``seq`` ≤ ``:high``. Their ids are from ``:first`` to ``:last``
(the first integers of them). Repeated entries add nothing: a flood row
adds only what its ``count`` exceeds the stored one by, and an AI use that is stored is skipped. Rows are written in key
order.

Lookups of single rows are scalar subqueries and ranks are window functions, not joins: PostgreSQL's statistics of the
staging table are always wrong, so it may run a join as a scan of a whole table, or compare all rows with all others.
"""

# ruff: noqa: S608 - every name in these statements is our own

from collections.abc import Callable

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.keys.reasons import ACCEPTED
from ari.storage.tables import usage_ai
from ari.storage.usage.compact_sql import COMPACT_COLUMNS, parse_staged_id
from ari.usage.floods import MAX_ADDRESSES_PER_HOUR
from ari.usage.model import MANY, OTHERS

REQUEST, FLOOD, ATTEMPTS, COMPLETION, AI_USE = "request", "flood", "attempts", "completion", "ai_use"
"""The kinds of staged entries: one request, the requests of a flood, attempts without a valid key from one address in
one minute, how a logged request ended, and its usage at a provider, which may also say how it ended."""


def larger(table: str, column: str) -> str:
    return f"""{column} = CASE WHEN {table}.{column} IS NULL OR excluded.{column} > {table}.{column}
        THEN excluded.{column} ELSE {table}.{column} END"""


def smaller(table: str, column: str) -> str:
    return f"""{column} = CASE WHEN {table}.{column} IS NULL OR excluded.{column} < {table}.{column}
        THEN excluded.{column} ELSE {table}.{column} END"""


def add(table: str, *columns: str) -> str:
    return ", ".join(f"{column} = {table}.{column} + excluded.{column}" for column in columns)


_ADD_HOURS = f"ON CONFLICT (key_id, hour_ms, route, code) DO UPDATE SET {add('usage_hours', 'count')}"
_ADD_ALL_HOURS = f"ON CONFLICT (hour_ms, with_key, code) DO UPDATE SET {add('usage_all_hours', 'count')}"
_ADD_DAYS = f"""ON CONFLICT (key_id, day_ms) DO UPDATE SET
    {add("usage_days", "accepted_count", "refused_count")}"""
_ADD_TOTALS = f"""ON CONFLICT (key_id) DO UPDATE SET {add("usage_totals", "request_count", "refused_count")},
    {smaller("usage_totals", "first_used_at_ms")}, {larger("usage_totals", "last_used_at_ms")}"""
_ADD_AI_HOURS = f"""ON CONFLICT (hour_ms, key_id, provider, model, status_class) DO UPDATE SET
    {add("usage_ai_hours", "request_count", "told_count", "input_tokens", "output_tokens", "cached_tokens")},
    {add("usage_ai_hours", "cost_micros", "priced_count", "estimated_count")},
    {larger("usage_ai_hours", "last_at_ms")}"""
ADD_ATTEMPTS = f"ON CONFLICT (minute_ms, reason, address) DO UPDATE SET {add('usage_attempts', 'count')}"
ADD_ATTEMPT_HOURS = f"""ON CONFLICT (hour_ms, reason, address) DO UPDATE SET {add("usage_attempt_hours", "count")},
    {larger("usage_attempt_hours", "last_at_ms")}"""


def _select_staged(kind: str) -> str:
    return f"FROM usage_staging WHERE seq > :low AND seq <= :high AND kind = '{kind}'"


def _within(table: str) -> str:
    """Saves PostgreSQL from planning reads of partitions that have no row with a staged id."""
    return f"{table}.id_high >= :first AND {table}.id_high <= :last"


def _with_id(entries: str, table: str) -> str:
    high, low = parse_staged_id(table)
    return f"SELECT *, {high} AS high, {low} AS low {entries}"


def _select_stored(high: str, low: str) -> str:
    same = f"stored.id_high = {high} AND stored.id_low = {low}"
    return f"(SELECT stored.count FROM usage_log AS stored WHERE {same} AND {_within('stored')})"


_logged = f"FROM usage_staging WHERE seq > :low AND seq <= :high AND kind IN ('{REQUEST}', '{FLOOD}')"
LOGGED = _with_id(_logged, "usage_staging")
"""The staged requests of a fold. As rows of ``usage_log`` they are ``entries``, which ``copied_entries.py`` makes on
SQLite and ``staged_entries.py`` on PostgreSQL."""
_columns = ", ".join(COMPACT_COLUMNS)
INSERT_REQUESTS = f"INSERT INTO usage_log ({_columns}) SELECT {_columns} FROM entries WHERE kind = '{REQUEST}'"
"""Fails where a request is stored already or staged twice; see ``FIND_REPEATED``."""
INSERT_FLOOD_STARTS = f"""{INSERT_REQUESTS} AND method = '{MANY}' ON CONFLICT (id_high, id_low) DO NOTHING"""
"""Where another engine stores the rows: the requests that a flood's count goes on from, for an hour."""
_flood_rows = f"""FROM (SELECT *, row_number() OVER (PARTITION BY id_high, id_low ORDER BY count DESC, seq) AS place
    FROM entries WHERE kind = '{FLOOD}') AS flood WHERE place = 1"""
"""Of each flood row, the entry with the highest count."""
_stored_count = f"coalesce({_select_stored('flood.id_high', 'flood.id_low')}, 0)"
UPSERT_FLOODS = f"""INSERT INTO usage_log ({_columns}) SELECT {_columns} {_flood_rows} ORDER BY id_high, id_low
    ON CONFLICT (id_high, id_low) DO UPDATE SET count = excluded.count WHERE usage_log.count < excluded.count"""
"""To run after ``RELATIONS``, which compare with what is stored."""
_high, _low = parse_staged_id("usage_staging")
FIND_REPEATED = f"""SELECT seq FROM (SELECT seq, {_select_stored(_high, _low)} AS stored,
    row_number() OVER (PARTITION BY {_high}, {_low} ORDER BY seq) AS place {_select_staged(REQUEST)}) AS staged
    WHERE place > 1 OR stored IS NOT NULL"""
"""The numbers of staged requests that are stored already, or staged twice but for the first."""

_ACCEPTED = f"(SELECT number FROM usage_names WHERE text = '{ACCEPTED}')"
_accepted = f"sum(CASE WHEN code = {_ACCEPTED} THEN n ELSE 0 END)"
_refused = f"sum(CASE WHEN code = {_ACCEPTED} THEN 0 ELSE n END)"
_group = f""""key", at_ms - at_ms % {HOUR_MS} AS hour_ms, route, code, caller"""


def text_of(number: str) -> str:
    """A look-up of the text with this number."""
    return f"(SELECT named.text FROM usage_names AS named WHERE named.number = {number})"


RELATIONS = {
    "alike": f"""SELECT {_group}, sum(n) AS n, min(at_ms) AS first, max(at_ms) AS last FROM (
        SELECT "key", at_ms, route, code, caller, 1 AS n FROM entries WHERE kind = '{REQUEST}'
        UNION ALL SELECT "key", at_ms, route, code, caller, count - {_stored_count} {_flood_rows}
        AND count > {_stored_count}) AS counted GROUP BY 1, 2, 3, 4, 5""",
    "hours": """SELECT "key", hour_ms, route, code, sum(n) AS n, min(first) AS first, max(last) AS last
    FROM alike GROUP BY 1, 2, 3, 4""",
}
"""What ``count_requests`` adds, in the order to compute it: requests that are alike (``n`` of them), so that each
entry is read once, and these without their callers."""


def count_requests(text_of: Callable[[str], str], *, joined: bool = False) -> tuple[str, ...]:
    """Statements that add what ``RELATIONS`` counted. ``text_of`` returns the expression for the text of a number.

    ``joined``: it is one of ``<column>_texts``, a relation to join; then rows are written in the order of numbers.
    """

    def name(*columns: str) -> str:
        if not joined:
            return ""
        return " ".join(
            f'LEFT JOIN texts AS {column}_texts ON {column}_texts.number = "{column}"' for column in columns
        )

    def order(by_text: str, by_number: str) -> str:
        return f"ORDER BY {by_number if joined else by_text}"

    key, route, code = map(text_of, ("key", "route", "code"))
    return (
        f"""INSERT INTO usage_hours (key_id, hour_ms, route, code, count)
        SELECT {key}, hour_ms, {route}, {code}, n FROM hours {name("key", "route", "code")}
        {order("1, 2, 3, 4", '"key", hour_ms, route, code')} {_ADD_HOURS}""",
        f"""INSERT INTO usage_totals (key_id, request_count, refused_count, first_used_at_ms, last_used_at_ms)
        SELECT {key} AS key_id, accepted, refused, first, last FROM (
            SELECT "key", {_accepted} AS accepted, {_refused} AS refused,
            min(CASE WHEN code = {_ACCEPTED} THEN first END) AS first,
            max(CASE WHEN code = {_ACCEPTED} THEN last END) AS last FROM hours GROUP BY "key") AS summed
        {name("key")} {order("key_id", '"key"')} {_ADD_TOTALS}""",
        f"""INSERT INTO usage_days (key_id, day_ms, accepted_count, refused_count)
        SELECT {key} AS key_id, day_ms, accepted, refused FROM (
            SELECT "key", hour_ms - hour_ms % {DAY_MS} AS day_ms, {_accepted} AS accepted, {_refused} AS refused
            FROM hours GROUP BY 1, 2) AS summed
        {name("key")} {order("key_id, day_ms", '"key", day_ms')} {_ADD_DAYS}""",
        f"""INSERT INTO usage_all_hours (hour_ms, with_key, code, count)
        SELECT hour_ms, 1 = 1, {code} AS text, n FROM (
            SELECT hour_ms, code, sum(n) AS n FROM hours GROUP BY 1, 2) AS summed
        {name("code")} {order("hour_ms, 3", "hour_ms, summed.code")} {_ADD_ALL_HOURS}""",
        f"""INSERT INTO usage_client_counts (
            "key", caller, accepted_count, refused_count, first_seen_at_ms, last_seen_at_ms)
        SELECT "key", caller, {_accepted}, {_refused}, min(first), max(last) FROM alike GROUP BY 1, 2""",
    )


FIND_STORED = f"""SELECT seq FROM usage_staging WHERE seq > :low AND seq <= :high AND kind = '{REQUEST}'
    AND {_select_stored(_high, _low)} IS NOT NULL"""
"""The numbers of staged requests that are stored already."""

_minute, _hour = f"at_ms - at_ms % {MINUTE_MS}", f"at_ms - at_ms % {HOUR_MS}"
COUNT_ATTEMPTS = (
    f"""INSERT INTO usage_attempts (minute_ms, reason, address, count)
    SELECT {_minute}, code, client_address, sum(count) {_select_staged(ATTEMPTS)}
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 {ADD_ATTEMPTS}""",
    f"""INSERT INTO usage_all_hours (hour_ms, with_key, code, count)
    SELECT {_hour}, 1 = 0, code, sum(count) {_select_staged(ATTEMPTS)} GROUP BY 1, 3 ORDER BY 1, 3 {_ADD_ALL_HOURS}""",
    f"""INSERT INTO usage_attempt_hours (hour_ms, reason, address, count, last_at_ms)
    WITH attempts AS (
        SELECT {_hour} AS hour_ms, code, client_address AS address, sum(count) AS n, max(at_ms) AS last, min(seq) AS seq
        {_select_staged(ATTEMPTS)} GROUP BY 1, 2, 3),
    named AS (
        SELECT * FROM attempts UNION ALL SELECT DISTINCT hour_ms, '', address, 0, 0, 0 FROM usage_attempt_hours
        WHERE hour_ms >= (SELECT min(hour_ms) FROM attempts) AND hour_ms <= (SELECT max(hour_ms) FROM attempts)),
    first AS (SELECT *, min(seq) OVER (PARTITION BY hour_ms, address) AS first_seq FROM named),
    placed AS (SELECT *, dense_rank() OVER (
        PARTITION BY hour_ms ORDER BY address = '{OTHERS}', first_seq, address) AS place FROM first)
    SELECT hour_ms, code, CASE WHEN first_seq = 0 OR place <= {MAX_ADDRESSES_PER_HOUR}
        THEN address ELSE '{OTHERS}' END, sum(n), max(last)
    FROM placed WHERE seq > 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 {ADD_ATTEMPT_HOURS}""",
)
"""Stored addresses come first, as if their ``seq`` were 0."""


def _select_last_staged(kind: str) -> str:
    """The last entry for each id."""
    return f"""FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY seq DESC) AS place
    {_select_staged(kind)}) AS entry
    WHERE place = 1"""


_ai_columns = ", ".join(column.name for column in usage_ai.columns)
_ai_values = _ai_columns.replace("is_estimated", "coalesce(is_estimated, false)")
"""A version without this column may have staged the entry."""
_new_uses = f"""{_select_last_staged(AI_USE)}
    AND (SELECT stored.id FROM usage_ai AS stored WHERE stored.id = entry.id) IS NULL"""
_FIRST_REFUSED = 400
_FAILED = 5
"""An error inside a response with a good status counts like one of the server's."""
_status = "coalesce(provider_status, 0)"
COUNT_AI_USES = (
    f"""INSERT INTO usage_ai_hours (hour_ms, key_id, provider, model, status_class,
        request_count, told_count, input_tokens, output_tokens, cached_tokens, last_at_ms,
        cost_micros, priced_count, estimated_count)
    SELECT {_hour}, key_id, provider,
        CASE WHEN model IS NOT NULL AND {_status} > 0 AND {_status} < {_FIRST_REFUSED} THEN model ELSE '' END,
        CASE WHEN ended = 'error' THEN {_FAILED} ELSE {_status} / 100 END, count(*),
        sum(CASE WHEN output_tokens IS NOT NULL OR (input_tokens IS NOT NULL AND ended = 'complete')
            THEN 1 ELSE 0 END),
        coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(cached_tokens), 0), max(at_ms),
        coalesce(sum(cost_micros), 0), count(cost_micros), sum(CASE WHEN is_estimated THEN 1 ELSE 0 END)
    {_new_uses} AND ended <> 'refused' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5 {_ADD_AI_HOURS}""",
    f"INSERT INTO usage_ai ({_ai_columns}) SELECT {_ai_values} {_new_uses} ORDER BY id",
)
"""A request that ARI refused is in no sum.

Of a response that did not end well, the output tokens may be missing: its tokens count as known only with them."""

_ends = f"""FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY seq DESC) AS place
    FROM usage_staging WHERE seq > :low AND seq <= :high AND kind IN ('{COMPLETION}', '{AI_USE}')
    AND status IS NOT NULL) AS entry WHERE place = 1"""
_completions = _with_id(_ends, "entry")
COMPLETE_ROWS = f"""UPDATE usage_log SET status = done.status, duration_ms = done.duration_ms, bytes = done.bytes
    FROM ({_completions}) AS done WHERE usage_log.id_high = done.high AND usage_log.id_low = done.low
    AND {_within("usage_log")}"""
USE_INDEXES = (
    "SET LOCAL enable_nestloop TO on",
    "SET LOCAL enable_hashjoin TO off",
    "SET LOCAL enable_mergejoin TO off",
)
"""Makes PostgreSQL look the rows to complete up by index, for the rest of the transaction."""
IN_MEMORY = ("SET LOCAL enable_sort TO off", "SET LOCAL jit TO off", "SET LOCAL work_mem TO '64MB'")
"""Makes it group by hash, in memory: it guesses that there is nothing to group, sorts texts by the rules of a language,
or compiles a statement for longer than it runs."""

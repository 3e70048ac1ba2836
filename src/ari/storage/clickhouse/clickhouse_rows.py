"""Reads of single rows from ClickHouse; implements ``log_rows.LogRows`` with the results that SQL has.

A part of the newest rows is chosen by what never changes (key, code, time), and their latest versions are filtered: a
row that has its status now may still be stored without it too.
"""

# ruff: noqa: S608 - every name in these statements is our own

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Engine

from ari.base.clock import MINUTE_MS
from ari.keys.reasons import ACCEPTED, EXPIRED
from ari.storage.clickhouse.clickhouse_client import ClickHouse
from ari.storage.clickhouse.table import AT_MS, LATEST, NEWEST_FIRST, SELECTED, TABLE
from ari.storage.text_search import lower_ascii
from ari.storage.usage.ai import add_uses
from ari.storage.usage.log_reads import begin_read
from ari.storage.usage.log_rows import LatestUse
from ari.storage.usage.logged_row import to_row
from ari.storage.usage.row_ids import RowId, format_id, lowest_at, parse_cursor
from ari.storage.usage.secret_use import MAX_SECRET_ROWS, CallerUse, sum_up
from ari.usage.advice import LateCall
from ari.usage.model import SecretUse, UsageFilter, UsageRow
from ari.usage.search import MAX_ROWS_READ, SearchPage, UsageSearch

_MAX_LATE_ROWS = 2_000
"""As in ``listing.py``."""
_SLACK_MS = MINUTE_MS
"""How far the time in a row's id may differ from its own."""
_SUMS = f"""sumIf(count, code = '{ACCEPTED}'), sumIf(count, code != '{ACCEPTED}'), min({AT_MS}), max({AT_MS}),
    if(countIf(code = '{ACCEPTED}') = 0, NULL, maxIf({AT_MS}, code = '{ACCEPTED}'))"""


class _Newest(NamedTuple):
    """A condition on rows that never changes for any of them, and its values."""

    condition: str
    given: dict[str, Any]

    def select(self, columns: str = SELECTED) -> str:
        """The newest ``%(most)s`` rows of the part."""
        return f"SELECT {columns} FROM {TABLE} WHERE {self.condition} {LATEST} LIMIT %(most)s"


class ClickHouseRows:
    """The rows of one database. ``engine`` is PostgreSQL's, which has the AI uses; ``require`` raises ``Unavailable``
    while ClickHouse hasn't got all rows."""

    def __init__(self, database: ClickHouse, engine: Engine, require: Callable[[], None]) -> None:
        self._database = database
        self._engine = engine
        self._require = require

    def find(self, search: UsageSearch, before_id: str | None, limit: int, look: int = MAX_ROWS_READ) -> SearchPage:
        part = _make_part(search.where, before_id)
        if not search.reads_rows:
            rows = self._rows(part.select(), {**part.given, "most": limit + 1})
            return SearchPage(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)
        ends = f"""SELECT count(), min({AT_MS}), min((id_high, id_low)), max((id_high, id_low))
            FROM ({part.select("id_high, id_low, version, at_offset_ms")})"""
        self._require()
        count, last_at_ms, lowest, highest = self._database.read_one(ends, {**part.given, "most": look})
        if not count:
            return SearchPage([], None, None)
        window = _between(part, RowId(*lowest), RowId(*highest))
        matching = _make_condition(search)
        query = f"""SELECT {SELECTED} FROM ({window.select()}) WHERE {matching.condition}
            {NEWEST_FIRST} LIMIT %(wanted)s"""
        rows = self._rows(query, {**window.given, **matching.given, "most": look, "wanted": limit + 1})
        if len(rows) > limit:
            return SearchPage(rows[:limit], rows[limit - 1].id)
        return SearchPage(rows, format_id(*lowest) if count == look else None, last_at_ms)

    def newest_statuses(self, search: UsageSearch, most: int) -> list[tuple[int | None, int]]:
        part = _make_part(search.where, None)
        query = f"""SELECT status, sum(count) AS requests FROM ({part.select()}) GROUP BY status
            ORDER BY requests DESC, status = 0, status"""
        found = self._values(query, {**part.given, "most": most})
        return [(status or None, int(total)) for status, total in found]

    def last_uses_of_secrets(self, key_id: str, numbers: Sequence[int]) -> dict[int, int]:
        found = {}
        for number in numbers:
            part = _of_secret(key_id, number)
            query = f"SELECT {AT_MS} FROM ({part.select()}) WHERE code = '{ACCEPTED}'"
            times = self._values(query, part.given)
            if times:
                found[number] = max(at_ms for (at_ms,) in times)
        return found

    def secret_use(self, key_id: str, number: int) -> SecretUse:
        part = _of_secret(key_id, number)
        query = f"""SELECT client_address, user_agent, count(), {_SUMS} FROM ({part.select()})
            GROUP BY client_address, user_agent"""
        found = self._values(query, part.given)
        return sum_up([CallerUse(address or None, agent or None, *counts) for address, agent, *counts in found])

    def late_calls(self, since_ms: int) -> list[LateCall]:
        part = _of_code(EXPIRED.code, since_ms)
        newest = f"argMax(({AT_MS}, client_address, user_agent), (id_high, id_low))"
        query = f"""SELECT key_id, sum(count), {newest}, max((id_high, id_low)) AS last FROM ({part.select()})
            GROUP BY key_id ORDER BY last DESC"""
        found = self._values(query, {**part.given, "most": _MAX_LATE_ROWS})
        return [
            LateCall(key_id, int(calls), at_ms, address or None, agent or None)
            for key_id, calls, (at_ms, address, agent), _ in found
        ]

    def latest_uses(self, code: str, since_ms: int, most: int) -> list[LatestUse]:
        part = _of_code(code, since_ms)
        query = f"SELECT key_id, sum(count), max({AT_MS}) FROM ({part.select()}) GROUP BY key_id"
        found = self._values(query, {**part.given, "most": most})
        return [LatestUse(key_id, int(count), last_at_ms) for key_id, count, last_at_ms in found]

    def oldest_at_ms(self) -> int | None:
        found = self._values(f"SELECT {AT_MS} FROM {TABLE} ORDER BY id_high, id_low LIMIT 1", {})
        return found[0][0] if found else None

    def _rows(self, query: str, given: dict[str, Any]) -> list[UsageRow]:
        self._require()
        rows = [to_row(row) for row in self._database.read_rows(query, given)]
        with begin_read(self._engine) as connection:
            return add_uses(connection, rows)

    def _values(self, query: str, given: dict[str, Any]) -> list[list[Any]]:
        self._require()
        return self._database.read(query, given)


def _make_part(where: UsageFilter, before_id: str | None) -> _Newest:
    conditions, given = ["1 = 1"], dict[str, Any]()
    if where.key_id is not None:
        conditions.append("key_id = %(key_id)s")
        given["key_id"] = where.key_id
    if where.code is not None:
        conditions.append("code = %(code)s")
        given["code"] = where.code
    if where.since_ms is not None:
        conditions.append(f"id_high >= %(lowest)s AND {AT_MS} >= %(since_ms)s")
        given |= {"lowest": lowest_at(where.since_ms - _SLACK_MS), "since_ms": where.since_ms}
    if where.until_ms is not None:
        conditions.append(f"id_high <= %(highest)s AND {AT_MS} < %(until_ms)s")
        given |= {"highest": lowest_at(where.until_ms + _SLACK_MS), "until_ms": where.until_ms}
    if before_id is not None:
        cursor = parse_cursor(before_id)
        conditions.append("id_high <= %(before_high)s AND (id_high, id_low) < (%(before_high)s, %(before_low)s)")
        given |= {"before_high": cursor.high, "before_low": cursor.low}
    return _Newest(" AND ".join(conditions), given)


def _between(part: _Newest, lowest: RowId, highest: RowId) -> _Newest:
    """The rows of the part that were found before: others may have been stored since then."""
    condition = """id_high >= %(from_high)s AND id_high <= %(to_high)s
        AND (id_high, id_low) >= (%(from_high)s, %(from_low)s) AND (id_high, id_low) <= (%(to_high)s, %(to_low)s)"""
    bounds = {"from_high": lowest.high, "from_low": lowest.low, "to_high": highest.high, "to_low": highest.low}
    return _Newest(f"{part.condition} AND {condition}", part.given | bounds)


def _of_secret(key_id: str, number: int) -> _Newest:
    given = {"key_id": key_id, "number": number, "most": MAX_SECRET_ROWS}
    return _Newest("key_id = %(key_id)s AND secret_number = %(number)s", given)


def _of_code(code: str, since_ms: int) -> _Newest:
    given = {"code": code, "lowest": lowest_at(since_ms - _SLACK_MS), "since_ms": since_ms}
    return _Newest(f"code = %(code)s AND id_high >= %(lowest)s AND {AT_MS} >= %(since_ms)s", given)


def _make_condition(search: UsageSearch) -> _Newest:
    """What rows must have that the search has read."""
    conditions, given = ["1 = 1"], dict[str, Any]()
    if search.group is not None:
        conditions.append("key_id IN %(key_ids)s" if search.group.key_ids else "1 = 0")
        given["key_ids"] = search.group.key_ids
    if search.method is not None:
        conditions.append("method = %(method)s")
        given["method"] = search.method
    if search.status is not None:
        conditions.append("status >= %(low)s AND status <= %(high)s")
        given |= {"low": search.status.low or 0, "high": search.status.high or 0}
    if search.addresses is not None:
        conditions.append("client_address IN %(addresses)s")
        given["addresses"] = search.addresses
    if search.source is not None:
        conditions.append("source = %(source)s")
        given["source"] = search.source
    if search.text is not None:
        places = "if(path = '', route, path)", "route", "client_address", "user_agent"
        found = (f"position(lower({place}), %(text)s) > 0" for place in places)
        conditions.append(f"({' OR '.join(found)})")
        given["text"] = lower_ascii(search.text)
    return _Newest(" AND ".join(conditions), given)

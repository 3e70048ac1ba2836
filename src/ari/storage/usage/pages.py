"""The query for one page of the usage log: newest first, by an index for every filter.

Ids begin with their time, so a span of time is a span of ids, and every index ends in the id. There is no index on key
and id alone, which every fold would pay for: the page of a key is merged from the newest rows of each of its codes.
The query selects integers; ``read_rows`` reads the texts of the rows that are shown.

On PostgreSQL each day is a partition. A query is planned for every partition in its span, 60 µs each, so the
days that the page is from are found first.
"""

from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Connection, Integer, Select, cast, func, or_, select, true, tuple_, union_all

from ari.base.clock import DAY_MS, MINUTE_MS, system_clock
from ari.keys.reasons import ACCEPTED, REASONS, REQUEST_ERRORS
from ari.storage.tables import usage_log
from ari.storage.usage.row_ids import ABOVE_ALL, BELOW_ALL, TIME_SHIFT, RowId, format_id, lowest_at, parse_cursor
from ari.storage.usage.texts import AT_MS, NO_CALLER, find_number, read_texts
from ari.usage.model import UsageFilter, UsageRow

_log = usage_log.c
_STEPS = 7
"""How often to double the days that are read before all others are: 64 days are read with the last step."""
_SLACK_MS = MINUTE_MS
"""How far the time in a row's id may differ from its ``at_ms`` without a span of time missing the row."""
_REQUEST: Any = "request"
_COLUMNS = (
    _log.id_high, _log.id_low, _log.bytes, _log.duration_ms, _log.caller, _log.key, _log.key_hint, _log.route,
    _log.code, _log.source, _log["count"], _log.at_offset_ms, _log.secret_number, _log.status, _log.method, _log.path,
    _log.request_id, _log.consumed,
)  # fmt: skip
_read_caller, _read_names = itemgetter(4), itemgetter(slice(5, 10))
"""The number of a row's caller, and those of its names."""
_ROWS = select(*_COLUMNS)
_DAY = lowest_at(DAY_MS)
_IDS = select(_log.id_high, _log.id_low)
_CODES = [ACCEPTED, *REASONS, *REQUEST_ERRORS]
_FIND_CODES = """SELECT number FROM usage_names WHERE text = ANY(%s) OR text IN (
    SELECT code FROM usage_all_hours WHERE with_key AND hour_ms >= %s AND hour_ms < %s)"""


class _Span(NamedTuple):
    """Numbers of the key and the code, and the ids between which rows are wanted."""

    key: int | None
    code: Any
    low: RowId
    high: RowId


def page_query(connection: Connection, where: UsageFilter, before_id: str | None, limit: int) -> Select[Any]:
    """At most ``limit`` rows of ``usage_log`` with an id below ``before_id``."""
    span = _find_span(connection, where, before_id)
    if connection.dialect.name == "postgresql":
        return _select_partitioned(connection, _ROWS, _narrow(connection, span, where, limit), where, limit)
    if span.key is None or span.code is not None:
        return _select_newest(_ROWS, span, where, limit)
    newest = [
        select(_select_newest(_IDS, span._replace(code=code), where, limit).subquery())
        for code in _list_codes(connection, span.key)
    ]
    if not newest:
        return _ROWS.where(_log.id_high < 0)
    ids = union_all(*newest).subquery()
    chosen = select(ids).order_by(ids.c.id_high.desc(), ids.c.id_low.desc()).limit(limit)
    return _ROWS.where(tuple_(_log.id_high, _log.id_low).in_(chosen)).order_by(_log.id_high.desc(), _log.id_low.desc())


def select_oldest(condition: Any, limit: int) -> Select[Any]:
    """The oldest rows with this condition, for ``read_rows``."""
    return _ROWS.where(condition).order_by(_log.id_high, _log.id_low).limit(limit)


def read_rows(connection: Connection, query: Select[Any]) -> list[UsageRow]:
    """The rows of a query in the order of ids with a limit, with their texts."""
    found = connection.execute(query).all()
    if not found:
        return []
    numbers = {number for names in zip(*map(_read_names, found), strict=True) for number in set(names)} - {None}
    texts = read_texts(connection, numbers, set(map(_read_caller, found)))
    names: dict[int, Any] = texts.names
    callers = texts.callers
    rows: list[UsageRow] = []
    # Without a call for each row: a fifth of the time of an export.
    for (
        high, low, size, duration_ms, caller, key, key_hint, route, code, source, count, offset_ms, secret_number,
        status, method, path, request_id, consumed,
    ) in found:  # fmt: skip
        row_id, route_text = format_id(high, low), names[route]
        address, agent = callers.get(caller, NO_CALLER)
        rows.append(UsageRow(
            row_id, (high >> TIME_SHIFT) + (offset_ms or 0), request_id or row_id, names[key], names[key_hint],
            names[code], method, route_text, path or route_text, address, agent, status, duration_ms, size, count,
            _REQUEST if source is None else names[source], secret_number, consumed,
        ))  # fmt: skip
    return rows


def _find_span(connection: Connection, where: UsageFilter, before_id: str | None) -> _Span:
    key = None if where.key_id is None else find_number(connection, where.key_id)
    code = None if where.code is None else find_number(connection, where.code)
    low = BELOW_ALL if where.since_ms is None else RowId(lowest_at(where.since_ms - _SLACK_MS), BELOW_ALL.low)
    high = ABOVE_ALL if where.until_ms is None else RowId(lowest_at(where.until_ms + _SLACK_MS), BELOW_ALL.low)
    return _Span(key, code, low, high if before_id is None else min(high, parse_cursor(before_id)))


def _select_newest(query: Select[Any], span: _Span, where: UsageFilter, limit: int) -> Select[Any]:
    """The query as one span of one index.

    Not ``code = 1 AND id < …``: PostgreSQL assumes that most rows have this code and would read back through all
    others.
    """
    prefix = {_log.key: span.key, _log.code: span.code}
    given = {column: value for column, value in prefix.items() if value is not None}
    index, values, row_id = (*given, _log.id_high), tuple(given.values()), (_log.id_high, _log.id_low)
    if values:
        query = query.where(tuple_(*index) >= tuple_(*values, span.low.high))
        query = query.where(tuple_(*index) <= tuple_(*values, span.high.high))
        query = query.where(or_(_log.id_high < span.high.high, _log.id_low < span.high.low))
    else:
        query = query.where(tuple_(*row_id) >= tuple_(*span.low), tuple_(*row_id) < tuple_(*span.high))
    query = query.order_by(*(column.desc() for column in (*given, *row_id))).limit(limit)
    if where.since_ms is not None:
        query = query.where(where.since_ms <= AT_MS)
    if where.until_ms is not None:
        query = query.where(where.until_ms > AT_MS)
    return query


def _select_partitioned(
    connection: Connection, query: Select[Any], span: _Span, where: UsageFilter, limit: int
) -> Select[Any]:
    """The same rows on PostgreSQL, which finds the partitions by the bounds of ``id_high`` alone.

    These are whole days: with a shorter span, PostgreSQL may take it for one that has few rows, whatever their code.
    """
    query = query.where(_log.id_high >= span.low.high // _DAY * _DAY)
    query = query.where(_log.id_high <= min(ABOVE_ALL.high, (span.high.high // _DAY + 1) * _DAY))
    if span.key is None or span.code is not None:
        return _select_newest(query, span, where, limit)
    codes = func.unnest(cast(_find_codes(connection, span), ARRAY(Integer))).table_valued("code").render_derived()
    newest = _select_newest(query, span._replace(code=codes.c.code), where, limit).correlate(codes).lateral()
    merged = select(newest).join_from(codes, newest, true())  # planning a query for each code takes longer
    return merged.order_by(newest.c.id_high.desc(), newest.c.id_low.desc()).limit(limit)


def _find_codes(connection: Connection, span: _Span) -> list[int]:
    """Codes that rows of this span may have: all that this version knows, and what others counted in these days."""
    days = (span.low.high >> TIME_SHIFT) - DAY_MS, (span.high.high >> TIME_SHIFT) + DAY_MS
    return [number for (number,) in connection.exec_driver_sql(_FIND_CODES, (_CODES, *days))]


def _narrow(connection: Connection, span: _Span, where: UsageFilter, limit: int) -> _Span:
    """The part of the span that has its newest ``limit`` rows; all that there is, if there are fewer."""
    high, lowest, left = span.high, span.high, limit
    for low in _list_starts(span):
        part = _select_partitioned(connection, _IDS, span._replace(low=low, high=high), where, left).subquery()
        count, first = connection.execute(select(func.count(), func.min(part.c.id_high))).one()
        if count:
            lowest, left = RowId(first, BELOW_ALL.low), left - count
        if left <= 0:
            break
        high = low
    return span._replace(low=max(lowest, span.low))


def _list_starts(span: _Span) -> list[RowId]:
    """Where to look for rows, newest first: today, two days more, then four, and so on."""
    newest = min(system_clock(None).now_ms(), span.high.high >> TIME_SHIFT)
    today = newest - newest % DAY_MS
    days = [(1 << step) - 1 for step in range(_STEPS)]
    starts = [RowId(lowest_at(today - day * DAY_MS), BELOW_ALL.low) for day in days]
    return [*(start for start in starts if span.low < start < span.high), span.low]


def _list_codes(connection: Connection, key: int) -> list[int]:
    """The codes of this key's rows, a dozen at most. Skips from one to the next in the index."""
    first = select(func.min(_log.code).label("code")).where(_log.key == key)
    codes = first.cte("codes", recursive=True)
    following = select(func.min(_log.code)).where(_log.key == key, _log.code > codes.c.code)
    codes = codes.union_all(select(following.scalar_subquery()).where(codes.c.code.is_not(None)))
    return [code for code in connection.scalars(select(codes.c.code)) if code is not None]

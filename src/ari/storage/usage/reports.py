"""Reports for the usage pages, read from rollups: as fast with ten million rows as with ten.

Implements ``usage.ports.UsageReader``.
"""
# Imports inside functions here: a command of the terminal imports the reports that it shows.
# ruff: noqa: PLC0415

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, and_, case, func, select, true, union_all

from ari.base.clock import DAY_MS
from ari.keys.reasons import ACCEPTED
from ari.storage.tables import usage_all_hours, usage_attempt_hours, usage_days, usage_hours, usage_totals
from ari.storage.usage.key_set import select_keys
from ari.storage.usage.log_reads import begin_read
from ari.storage.usage.log_rows import LogRows
from ari.usage.ai import AiBy, AiCount, AiSpan, AiSums
from ari.usage.model import AddressCount, KeyCount, RouteCount, SecretUse, TopKeys, UsageRow
from ari.usage.spans import CodeCount

if TYPE_CHECKING:
    from ari.usage.search import SearchPage, UsageSearch

_all, _hours, _days = usage_all_hours.c, usage_hours.c, usage_days.c
_totals, _sources = usage_totals.c, usage_attempt_hours.c


class UsageReports:
    """Reports on the usage log of one engine; ``catch_up`` folds the staged entries if they are few.

    ``rows`` reads the single rows, which may be elsewhere.
    """

    def __init__(
        self,
        engine: Engine,
        rows: LogRows,
        catch_up: Callable[[], bool],
        complete_until_ms: Callable[[], int | None],
    ) -> None:
        self._engine = engine
        self._rows = rows
        self._catch_up = catch_up
        self.complete_until_ms = complete_until_ms

    def hours(self, key_id: str | None, since_ms: int, until_ms: int) -> list[CodeCount]:
        if key_id is None:
            return self._all_hours(True, since_ms, until_ms)
        query = (
            select(_hours.hour_ms, _hours.code, func.sum(_hours["count"]))
            .where(_hours.key_id == key_id, _hours.hour_ms >= since_ms, _hours.hour_ms < until_ms)
            .group_by(_hours.hour_ms, _hours.code)
        )
        return self._code_counts(query)

    def hours_of_keys(self, key_ids: Sequence[str], since_ms: int, until_ms: int) -> list[CodeCount]:
        listed = select_keys(self._engine.dialect.name, key_ids)
        query = (
            select(_hours.hour_ms, _hours.code, func.sum(_hours["count"]))
            .where(_hours.key_id.in_(listed), _hours.hour_ms >= since_ms, _hours.hour_ms < until_ms)
            .group_by(_hours.hour_ms, _hours.code)
        )
        return self._code_counts(query)

    def key_counts(self, key_ids: Sequence[str] | None, since_ms: int, until_ms: int) -> list[KeyCount]:
        parts = self._key_parts(key_ids, since_ms, until_ms)
        if not parts:
            return []
        every = union_all(*parts).subquery()
        query = select(every.c.key_id, func.sum(every.c.accepted), func.sum(every.c.refused)).group_by(every.c.key_id)
        with self._begin_read() as connection:
            return [KeyCount(key_id, int(good), int(bad)) for key_id, good, bad in connection.execute(query)]

    def attempts(self, since_ms: int, until_ms: int) -> list[CodeCount]:
        return self._all_hours(False, since_ms, until_ms)

    def routes(self, key_id: str, since_ms: int, until_ms: int) -> list[RouteCount]:
        accepted = func.sum(case((_hours.code == ACCEPTED, _hours["count"]), else_=0))
        total = func.sum(_hours["count"])
        query = (
            select(_hours.route, accepted, total - accepted)
            .where(_hours.key_id == key_id, _hours.hour_ms >= since_ms, _hours.hour_ms < until_ms)
            .group_by(_hours.route)
            .order_by(total.desc(), _hours.route)
        )
        with self._begin_read() as connection:
            return [RouteCount(route, int(good), int(bad)) for route, good, bad in connection.execute(query)]

    def top_keys(self, since_ms: int, until_ms: int, limit: int) -> TopKeys:
        parts = self._key_parts(None, since_ms, until_ms)
        if not parts:
            return TopKeys([], 0, 0)
        every = union_all(*parts).subquery()
        accepted, refused = func.sum(every.c.accepted), func.sum(every.c.refused)
        query = (
            select(every.c.key_id, accepted, refused, func.count().over(), func.sum(accepted + refused).over())
            .group_by(every.c.key_id)
            .order_by((accepted + refused).desc(), every.c.key_id)
            .limit(limit)
        )
        with self._begin_read() as connection:
            rows = connection.execute(query).all()
        shown = [KeyCount(row[0], int(row[1]), int(row[2])) for row in rows]
        return TopKeys(shown, rows[0][3] if rows else 0, int(rows[0][4]) if rows else 0)

    def _key_parts(self, key_ids: Sequence[str] | None, since_ms: int, until_ms: int) -> list[Select[Any]]:
        """Whole days from the daily rollup, and the hours at both ends from the hourly one."""
        each = self._engine.dialect.name == "postgresql"
        first_day, last_day = -(-since_ms // DAY_MS) * DAY_MS, until_ms // DAY_MS * DAY_MS
        if first_day < last_day:
            spans = [(since_ms, first_day), (last_day, until_ms)]
            parts = [_keys_by_day(first_day, last_day, each=each)]
        else:
            spans, parts = [(since_ms, until_ms)], []
        parts += [_keys_by_hour(since, until, each=each) for since, until in spans if since < until]
        if key_ids is None:
            return parts
        return [part.where(_totals.key_id.in_(select_keys(self._engine.dialect.name, key_ids))) for part in parts]

    def attempt_addresses(self, since_ms: int, until_ms: int, limit: int) -> list[AddressCount]:
        count, last = func.sum(_sources["count"]), func.max(_sources.last_at_ms)
        query = (
            select(_sources.address, count, last)
            .where(_sources.hour_ms >= since_ms, _sources.hour_ms < until_ms)
            .group_by(_sources.address)
            .order_by(count.desc(), _sources.address)
            .limit(limit)
        )
        with self._begin_read() as connection:
            return [AddressCount(address, int(total), at_ms) for address, total, at_ms in connection.execute(query)]

    def last_uses_of_secrets(self, key_id: str, numbers: Sequence[int]) -> dict[int, int]:
        self._catch_up()
        return self._rows.last_uses_of_secrets(key_id, numbers)

    def secret_use(self, key_id: str, number: int) -> SecretUse:
        self._catch_up()
        return self._rows.secret_use(key_id, number)

    def search(self, search: "UsageSearch", before_id: str | None, limit: int) -> "SearchPage":
        self._catch_up()
        return self._rows.find(search, before_id, limit)

    def newest_statuses(self, search: "UsageSearch", most: int) -> list[tuple[int | None, int]]:
        self._catch_up()
        return self._rows.newest_statuses(search, most)

    def pages(self, search: "UsageSearch", size: int) -> Iterator[list[UsageRow]]:
        before: str | None = None
        while True:
            found = self.search(search, before, size)
            yield found.rows
            if found.next_before is None:
                return
            before = found.next_before

    def _all_hours(self, with_key: bool, since_ms: int, until_ms: int) -> list[CodeCount]:
        query = (
            select(_all.hour_ms, _all.code, func.sum(_all["count"]))
            .where(_all.hour_ms >= since_ms, _all.hour_ms < until_ms, _all.with_key.is_(with_key))
            .group_by(_all.hour_ms, _all.code)
        )
        return self._code_counts(query)

    def _code_counts(self, query: Select[Any]) -> list[CodeCount]:
        with self._begin_read() as connection:
            return [CodeCount(hour_ms, code, int(count)) for hour_ms, code, count in connection.execute(query)]

    def ai_counts(self, by: AiBy, span: AiSpan) -> list[AiCount]:
        from ari.storage.usage import ai

        with self._begin_read() as connection:
            return ai.counts_by(connection, by, span)

    def ai_hours(self, span: AiSpan) -> dict[int, AiSums]:
        from ari.storage.usage import ai

        with self._begin_read() as connection:
            return ai.sums_by_hour(connection, span)

    def ai_last_used(self) -> dict[str, int]:
        from ari.storage.usage import ai

        with self._begin_read() as connection:
            return ai.last_by_provider(connection)

    @contextmanager
    def _begin_read(self) -> Iterator[Connection]:
        self._catch_up()
        with begin_read(self._engine) as connection:
            yield connection


def _keys_by_day(since_ms: int, until_ms: int, *, each: bool) -> Select[Any]:
    accepted, refused = func.sum(_days.accepted_count), func.sum(_days.refused_count)
    within = and_(_days.key_id == _totals.key_id, _days.day_ms >= since_ms, _days.day_ms < until_ms)
    return _keys(usage_days, accepted, refused, within, each=each)


def _keys_by_hour(since_ms: int, until_ms: int, *, each: bool) -> Select[Any]:
    accepted = func.sum(case((_hours.code == ACCEPTED, _hours["count"]), else_=0))
    within = and_(_hours.key_id == _totals.key_id, _hours.hour_ms >= since_ms, _hours.hour_ms < until_ms)
    return _keys(usage_hours, accepted, func.sum(_hours["count"]) - accepted, within, each=each)


def _keys(
    counts: Table, accepted: ColumnElement[Any], refused: ColumnElement[Any], within: ColumnElement[bool], *, each: bool
) -> Select[Any]:
    """Joins keys to their counts: the index begins with the key, so counts before the span are not read.

    ``each`` makes PostgreSQL do it key by key. Otherwise, for a long span, it reads all counts of all time.
    """
    sums = select(accepted.label("accepted"), refused.label("refused")).select_from(counts).where(within)
    if each:
        of_key = sums.correlate(usage_totals).lateral()
        every = select(_totals.key_id, of_key.c.accepted, of_key.c.refused).join_from(usage_totals, of_key, true())
        return every.where(of_key.c.accepted.is_not(None))
    together = select(_totals.key_id, *sums.selected_columns).join_from(usage_totals, counts, within)
    return together.group_by(_totals.key_id)

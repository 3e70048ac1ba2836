"""The contract of ``UsageReader`` on both databases: what the usage pages and the exports read."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.instance import Instance
from ari.storage.usage import search as search_module
from ari.storage.usage.reports import UsageReports
from ari.usage.floods import MAX_ADDRESSES_PER_HOUR
from ari.usage.model import OTHER_ADDRESSES, AddressCount, Attempt, KeyCount, RouteCount, UsageFilter
from ari.usage.ports import Batch
from ari.usage.search import StatusRange, UsageSearch
from ari.usage.spans import CodeCount
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, OTHER_KEY, make_row, read_sums

HOUR = START_MS - START_MS % HOUR_MS
DAY = START_MS - START_MS % DAY_MS


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


@pytest.fixture
def reports(instance: Instance) -> UsageReports:
    return instance.database.reports


def _sort(counts: list[CodeCount]) -> list[tuple[int, str, int]]:
    return sorted((one.hour_ms, one.code, one.count) for one in counts)


def test_hours_of_one_key_and_of_all(instance: Instance, reports: UsageReports) -> None:
    """By code, over all routes; counted rows with their count; the span ends before its last hour."""
    rows = [
        make_row(HOUR, route="/a"),
        make_row(HOUR + 5, route="/b"),
        make_row(HOUR + 9, key_id=OTHER_KEY),
        make_row(HOUR + 9, code="revoked", count=70),
        make_row(HOUR + 3 * HOUR_MS),
    ]
    instance.database.usage.commit(Batch(rows))
    assert _sort(reports.hours(KEY, HOUR, HOUR + HOUR_MS)) == [(HOUR, "ok", 2), (HOUR, "revoked", 70)]
    whole = [(HOUR, "ok", 3), (HOUR, "revoked", 70), (HOUR + 3 * HOUR_MS, "ok", 1)]
    assert _sort(reports.hours(None, HOUR, HOUR + 4 * HOUR_MS)) == whole
    assert reports.hours(None, HOUR + 4 * HOUR_MS, HOUR + 5 * HOUR_MS) == []
    assert read_sums(instance.database) == {KEY: (3, 70), OTHER_KEY: (1, 0)}


def test_what_is_committed_again_is_not_counted_again(instance: Instance, reports: UsageReports) -> None:
    """After a fault that left the outcome unknown."""
    rows = [make_row(), make_row(code="revoked", count=5)]
    for _ in range(2):
        instance.database.usage.commit(Batch([rows[1]]))
    instance.database.usage.commit(Batch([rows[0], make_row(path="a\ud800")]))
    assert _sort(reports.hours(None, HOUR, HOUR + HOUR_MS)) == [(HOUR, "ok", 2), (HOUR, "revoked", 5)]


def test_the_top_keys_of_any_span(instance: Instance, reports: UsageReports) -> None:
    """Whole days and the hours at both ends make the same sum as the rows; the others appear as a number."""
    keys = [f"key_{n:026}" for n in range(5)]
    rows = [make_row(DAY + n * 7 * HOUR_MS, key_id=keys[n % 5], code=("ok", "expired")[n % 3 == 0]) for n in range(60)]
    instance.database.usage.commit(Batch(rows))
    spans = ((0, 24), (3, 9), (3, 30), (5, 24 * 4 + 7), (24, 24 * 9), (1, 24 * 30))
    for since, until in ((DAY + a * HOUR_MS, DAY + b * HOUR_MS) for a, b in spans):
        counts: dict[str, list[int]] = {}
        for row in rows:
            if since <= row.at_ms < until:
                counts.setdefault(row.key_id, [0, 0])[0 if row.accepted else 1] += 1
        expected = sorted((KeyCount(key, *count) for key, count in counts.items()), key=_order)
        found = reports.top_keys(since, until, 2)
        assert found.shown == expected[:2]
        assert found.keys == len(expected)
        assert found.requests == sum(map(sum, counts.values()))
    assert reports.top_keys(DAY - DAY_MS, DAY, 9).shown == []


def _order(count: KeyCount) -> tuple[int, str]:
    return -count.accepted_count - count.refused_count, count.key_id


def test_routes_of_a_key(instance: Instance, reports: UsageReports) -> None:
    """Templates, the commonest first, within the span."""
    rows = [make_row(HOUR, route=route, code=code) for route, code in (("/b", "ok"), ("/b", "expired"), ("/a", "ok"))]
    instance.database.usage.commit(Batch([*rows, make_row(HOUR - 1, route="/old"), make_row(HOUR, key_id=OTHER_KEY)]))
    assert reports.routes(KEY, HOUR, HOUR + HOUR_MS) == [RouteCount("/b", 1, 1), RouteCount("/a", 1, 0)]


def test_attempts_by_reason_and_by_address(instance: Instance, reports: UsageReports) -> None:
    """Apart from the requests of known keys; so many addresses an hour, the rest together."""
    store = instance.database.usage
    few = [Attempt(HOUR + n, "unknown", "192.0.2.1", 2) for n in range(3)]
    store.commit(Batch([make_row(HOUR, code="unknown")], attempts=[*few, Attempt(HOUR, "malformed", "192.0.2.1")]))
    assert _sort(reports.attempts(HOUR, HOUR + HOUR_MS)) == [(HOUR, "malformed", 1), (HOUR, "unknown", 6)]
    assert reports.attempt_addresses(HOUR, HOUR + HOUR_MS, 9) == [AddressCount("192.0.2.1", 7, HOUR + 2)]
    later = HOUR + HOUR_MS
    flood = [Attempt(later, "unknown", f"10.0.{n >> 8}.{n & 255}") for n in range(MAX_ADDRESSES_PER_HOUR + 30)]
    store.commit(Batch(attempts=flood))
    found = reports.attempt_addresses(later, later + HOUR_MS, 999)
    assert len(found) == MAX_ADDRESSES_PER_HOUR + 1
    assert found[0] == AddressCount(OTHER_ADDRESSES, 30, later)


def test_an_address_leaves_the_reports_with_the_log(instance: Instance, reports: UsageReports) -> None:
    """security.md 20: erased like everywhere, and forgotten by retention; the numbers without address stay."""
    store = instance.database.usage
    store.commit(Batch(attempts=[Attempt(HOUR, "unknown", a) for a in ("192.0.2.1", "192.0.2.2", "2001:db8::/64")]))
    store.erase_address("192.0.2.1")
    store.erase_address("2001:db8::1")
    found = {one.address: one.count for one in reports.attempt_addresses(HOUR, HOUR + HOUR_MS, 9)}
    assert found == {OTHER_ADDRESSES: 2, "192.0.2.2": 1}
    list(store.remove_before(HOUR + MINUTE_MS))
    assert reports.attempt_addresses(0, HOUR + HOUR_MS, 9) == []
    assert _sort(reports.attempts(0, HOUR + HOUR_MS)) == [(HOUR, "unknown", 3)]


def test_rows_are_found_by_their_text(instance: Instance, reports: UsageReports) -> None:
    """Method, status, source, address, and text in path, route, address or user agent; wildcards are letters."""
    rows = [
        make_row(START_MS, method="POST", status=201, path="/api/Keys/100%_x"),
        make_row(START_MS + 1, status=404, client_address="198.51.100.77", user_agent="Evil/1"),
        make_row(START_MS + 2, status=None, user_agent=None, client_address=None),
        make_row(START_MS + 3, status=403, code="insufficient_scope", source="verify", route="/verified/{path}"),
    ]
    instance.database.usage.commit(Batch(rows))

    def search_times(where: UsageFilter | None = None, **wanted: Any) -> list[int]:
        search = UsageSearch(where or UsageFilter(KEY), **wanted)
        return [row.at_ms - START_MS for row in reports.search(search, None, 9).rows]

    assert search_times() == [3, 2, 1, 0]
    assert search_times(method="POST") == [0]
    assert search_times(status=StatusRange(400, 499)) == [3, 1]
    assert search_times(status=StatusRange(404, 404)) == [1]
    assert search_times(status=StatusRange(None, None)) == [2]
    assert [search_times(text=text) for text in ("KEYS/100%_", "100__x", "evil", "51.100.7", "nothing")] == [
        [0],
        [],
        [1],
        [1],
        [],
    ]
    assert search_times(UsageFilter(KEY, "insufficient_scope"), text="/API/me") == [3]
    assert (search_times(source="verify"), search_times(text="verified/{")) == ([3], [3])
    assert search_times(addresses=("198.51.100.77", "198.51.100.0/24")) == [1]
    assert search_times(UsageFilter(), source="request", method="POST") == [0]
    assert sorted(map(str, reports.newest_statuses(UsageSearch(UsageFilter(KEY)), 3))) == [
        "(403, 1)",
        "(404, 1)",
        "(None, 1)",
    ]


def test_a_search_looks_at_a_bounded_number_and_says_where_it_stopped(
    instance: Instance, reports: UsageReports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is shown twice or left out, however rare it is; the end is the end."""
    rows = [make_row(START_MS + n, path="/rare" if n % 40 == 0 else "/api/me") for n in range(200)]
    instance.database.usage.commit(Batch(rows))
    instance.database.usage.fold_all()
    search = UsageSearch(UsageFilter(KEY), text="rare")
    with instance.database.log.connect() as connection:
        first = search_module.find(connection, search, None, 9, look=50)
        assert [row.at_ms - START_MS for row in first.rows] == [160]
        assert first.searched_to_ms == START_MS + 150
        one = search_module.find(connection, search, None, 1, look=90)
        assert [row.at_ms - START_MS for row in one.rows] == [160]
        assert one.next_before == one.rows[-1].id
    monkeypatch.setattr(search_module.find, "__defaults__", (50,))
    for size in (1, 2, 9):
        parts = list(reports.pages(search, size))
        assert [row.at_ms - START_MS for part in parts for row in part] == [160, 120, 80, 40, 0]
    assert list(reports.pages(UsageSearch(UsageFilter(OTHER_KEY)), 9)) == [[]]


def test_reports_never_read_the_log(instance: Instance, reports: UsageReports) -> None:
    """However long the log is: every statement of the usage page reads rollups, each span from an index."""
    engine: Engine = instance.database.log
    codes = ("ok", "ok", "expired")
    for n in range(10):
        keys = [f"key_{m % 40:026}" for m in range(200)]
        at_ms = DAY + n * 9 * HOUR_MS
        batch = [make_row(at_ms + m, key_id=key, code=codes[m % 3]) for m, key in enumerate(keys)]
        instance.database.usage.commit(Batch(batch, attempts=[Attempt(at_ms, "unknown", "192.0.2.1")]))
    instance.database.usage.fold_all()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    asked: list[tuple[str, Any]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _remember(_connection: Any, _cursor: Any, statement: str, given: Any, *_rest: Any) -> None:
        if "usage_" in statement and "usage_staging" not in statement and not statement.startswith("EXPLAIN"):
            asked.append((statement, given))

    for since, until in product((DAY, DAY + 5 * HOUR_MS), (DAY + 7 * HOUR_MS, DAY + 60 * HOUR_MS)):
        reports.hours(None, since, until)
        reports.hours("key_" + "0" * 26, since, until)
        reports.routes("key_" + "0" * 26, since, until)
        reports.attempts(since, until)
        reports.attempt_addresses(since, until, 9)
        reports.top_keys(since, until, 9)
    assert len(asked) == 4 * 6, "one statement each"
    sqlite = engine.dialect.name == "sqlite"
    key_by_key = sum("LATERAL" in sql for sql, _ in asked)
    assert key_by_key == (0 if sqlite else 4), "or PostgreSQL reads all hours where a span holds many"
    with engine.connect() as connection:
        if not sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")  # small tables are read whole, whatever the index
        explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        plans = ["\n".join(map(str, connection.exec_driver_sql(explain + sql, given))) for sql, given in asked]
    for (sql, _), plan in zip(asked, plans, strict=True):
        assert "usage_log" not in sql
        for table in ("usage_hours", "usage_days", "usage_all_hours", "usage_attempt_hours"):
            assert f"SCAN {table}" not in plan, plan
            assert f"Seq Scan on {table}" not in plan, plan

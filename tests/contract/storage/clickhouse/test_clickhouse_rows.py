"""Promise 2: whatever reads the log gets the same from ClickHouse as from PostgreSQL."""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ari.base.clock import DAY_MS, HOUR_MS
from ari.instance import Instance
from ari.keys.groups import KeyGroup
from ari.storage.clickhouse.clickhouse_rows import ClickHouseRows
from ari.storage.usage.log_rows import StoredRows
from ari.usage.model import UsageFilter, UsageRow
from ari.usage.search import SearchPage, StatusRange, UsageSearch
from tests.support.instances import START_MS, opened
from tests.support.logged_traffic import KEYS, make_batches, make_flood
from tests.support.rare_texts import check_searches
from tests.support.seeds import choose_seed
from tests.support.usage import KEY, OTHER_KEY


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, postgres: Any, clickhouse: Any
) -> Iterator[tuple[Instance, Instance]]:
    """Two instances with the same requests; the second has its rows in ClickHouse."""
    urls, rows_url = [postgres.create(), postgres.create()], clickhouse.create()
    folders = [tmp_path_factory.mktemp(name) for name in ("stored", "shipped")]
    for folder in folders:
        Path(folder).chmod(0o700)
    with opened(folders[0], urls[0]) as one, opened(folders[1], urls[1], usage_log_url=rows_url) as other:
        for number, batch in enumerate([*make_batches(choose_seed(), 15), *_floods()]):
            for instance in (one, other):
                instance.database.usage.commit(batch)
                if number % 3 != 1:
                    instance.database.usage.fold()
        for instance in (one, other):
            instance.database.usage.fold_all()
        yield one, other
    for url in urls:
        postgres.drop(url)
    clickhouse.drop(rows_url)


def _floods() -> Iterator[Any]:
    from ari.usage.ports import Batch

    yield Batch(make_flood((1, 2), secret_number=1))
    first, *rest = make_flood((1, 5, 9, 4), START_MS + HOUR_MS, key_id=OTHER_KEY)
    yield Batch([first])
    yield from (Batch([row]) for row in rest)


def _rows_of(both: tuple[Instance, Instance]) -> tuple[StoredRows, ClickHouseRows]:
    stored, shipped = (instance.database.usage.rows for instance in both)
    assert isinstance(stored, StoredRows)
    assert isinstance(shipped, ClickHouseRows)
    return stored, shipped


SPANS = ((None, None), (START_MS - DAY_MS, START_MS), (START_MS - 2 * DAY_MS + 1_234, None), (START_MS + DAY_MS, None))
FILTERS = [
    UsageFilter(key_id, code, *span)
    for key_id, code, span in product((None, KEY, "key_unknown"), (None, "ok", "expired", "no_such_code"), SPANS)
]
_MORE: tuple[dict[str, Any], ...] = (
    {"method": "POST"},
    {"status": StatusRange(None, None)},
    {"status": StatusRange(200, 299)},
    {"status": StatusRange(404, 404), "source": "verify"},
    {"addresses": ("192.0.2.7", "192.0.2.0/24")},
    {"source": "request"},
    {"text": "CURL"},
    {"text": "'"},
    {"text": "%"},
    {"text": "\\"},
    {"text": "_"},
    {"text": "{x:string}"},
    {"group": KeyGroup((KEY, KEYS[2]))},
    {"group": KeyGroup(())},
)
SEARCHES = [
    *(UsageSearch(where) for where in FILTERS),
    *(
        UsageSearch(where, **more)
        for where, more in product(
            (UsageFilter(), UsageFilter(KEY), UsageFilter(None, "ok", START_MS - 2 * DAY_MS, START_MS)),
            _MORE,
        )
    ),
]


def _read_all(find: Any, search: UsageSearch, size: int, **more: int) -> list[SearchPage]:
    """All pages of a search."""
    pages, before = list[SearchPage](), None
    while not pages or before is not None:
        pages.append(find(search, before, size, **more))
        before = pages[-1].next_before
    return pages


def test_both_have_all_requests_once(both: tuple[Instance, Instance]) -> None:
    """Although some were written and sent again."""
    stored, shipped = _rows_of(both)
    [one], [other] = (_read_all(rows.find, UsageSearch(), 10_000) for rows in (stored, shipped))
    assert len(one.rows) > 500
    assert other == one
    assert [row.ai for row in one.rows if row.ai] == [row.ai for row in other.rows if row.ai]
    assert any(row.status is None for row in one.rows), "some requests never ended"


@pytest.mark.parametrize("search", SEARCHES)
def test_every_search_has_the_same_pages(both: tuple[Instance, Instance], search: UsageSearch) -> None:
    """In the same order, with the same cursors."""
    stored, shipped = _rows_of(both)
    assert _read_all(shipped.find, search, 120) == _read_all(stored.find, search, 120)


@pytest.mark.parametrize("search", [one for one in SEARCHES if one.reads_rows])
def test_steps_of_a_search_end_where_they_do_in_sql(both: tuple[Instance, Instance], search: UsageSearch) -> None:
    """A step reads so many of the newest rows, and says to which time."""
    from ari.storage.usage.log_reads import begin_read
    from ari.storage.usage.search import find

    def find_stored(search: UsageSearch, before: str | None, size: int, look: int) -> SearchPage:
        with begin_read(both[0].database.log) as connection:
            return find(connection, search, before, size, look)

    shipped = _rows_of(both)[1]
    assert _read_all(shipped.find, search, 40, look=150) == _read_all(find_stored, search, 40, look=150)


def test_cursors_that_ari_did_not_make(both: tuple[Instance, Instance]) -> None:
    """Any text is a place among the ids."""
    stored, shipped = _rows_of(both)
    for cursor in ("", "req_", "req_zzz", "zzz", "'; DROP TABLE ari_usage_log; --", "req_01J0%(most)s", "\\'"):
        assert shipped.find(UsageSearch(), cursor, 5) == stored.find(UsageSearch(), cursor, 5)


def test_statuses_secrets_and_late_calls(both: tuple[Instance, Instance]) -> None:
    """All other reads of single rows."""
    stored, shipped = _rows_of(both)
    for where in FILTERS:
        for most in (50, 5_000):
            search = UsageSearch(where)
            assert shipped.newest_statuses(search, most) == stored.newest_statuses(search, most)
    for key_id in (*KEYS, "key_unknown"):
        assert shipped.last_uses_of_secrets(key_id, [1, 2, 3]) == stored.last_uses_of_secrets(key_id, [1, 2, 3])
        for number in (1, 2, 3):
            assert shipped.secret_use(key_id, number) == stored.secret_use(key_id, number)
    for since_ms in (0, START_MS - DAY_MS, START_MS + 2 * DAY_MS):
        assert sorted(shipped.late_calls(since_ms)) == sorted(stored.late_calls(since_ms))
        for code, most in product(("expired", "revoked", "ok", "unheard"), (10, 20_000)):
            found = sorted(shipped.latest_uses(code, since_ms, most))
            assert found == sorted(stored.latest_uses(code, since_ms, most))
    assert shipped.oldest_at_ms() == stored.oldest_at_ms()


def test_exports_and_counts_agree(both: tuple[Instance, Instance]) -> None:
    """Rows of an export come in parts, and their sum is what the totals say, which are in PostgreSQL."""
    exported = [_flatten(instance.reports.pages(UsageSearch(), 100)) for instance in both]
    assert exported[0] == exported[1]
    one, other = (instance.database.usage.totals(KEYS) for instance in both)
    assert one == other
    for key_id, totals in other.items():
        rows = [row for row in exported[1] if row.key_id == key_id]
        assert sum(row.count for row in rows if row.accepted) == totals.request_count
        assert sum(row.count for row in rows if not row.accepted) == totals.refused_count


def _flatten(parts: Iterator[list[UsageRow]]) -> Sequence[UsageRow]:
    return [row for part in parts for row in part]


def test_searches_ignore_the_case_of_ascii_letters_alone(instance: Instance) -> None:
    """As all databases do: ClickHouse knows more letters."""
    check_searches(instance, choose_seed())

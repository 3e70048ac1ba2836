"""Lists of 5,000 keys on both databases: every order and filter, whole and without repetition, in few statements."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from sqlalchemy import event

from ari.base.clock import DAY_MS, HOUR_MS
from ari.deps import Deps
from ari.instance import Instance
from ari.keys.listing import SHOWN, KeyCounts, KeyFilter, Show
from ari.keys.names import fold_name
from ari.storage.bulk import insert_rows
from ari.storage.tables import usage_hours
from ari.usage import advice
from ari.usage.reports.daily import Day, first_day_ms
from ari.usage.reports.listing import SORTS, Listed, Sort, SortBy
from tests.contract.storage.stores.many_keys import list_all, make_total, page
from tests.support.instances import START_MS

WholeList = Callable[[Sort], list[tuple[str, Any]]]


@contextmanager
def collect_statements(instance: Instance) -> Iterator[list[str]]:
    """The statements that run in the meantime, except the question whether something is yet to be counted."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().startswith("SELECT") and "usage_staging" not in statement:
            found.append(statement)

    engines = {id(one): one for one in (instance.database.main, instance.database.log)}.values()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield found
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def _value(row: Listed, by: str) -> Any:
    key, totals = row.key, row.totals
    return {
        "name": fold_name(key.name),
        "created": key.id,
        "expires": key.expires_at_ms,
        "used": totals.last_used_at_ms,
        "requests": totals.request_count or None,
    }[by]


@pytest.fixture(scope="module")
def whole_list(many: Any) -> WholeList:
    """The ID and sorted value of every key in an order, read once: 0.4 s."""

    @cache
    def read(sort: Sort) -> list[tuple[str, Any]]:
        return [(row.key.id, _value(row, sort.by)) for row in list_all(many[0], KeyFilter(START_MS), sort)]

    return read


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("by", SORTS)
def test_every_order_pages_through_all_keys_once(many: Any, whole_list: WholeList, by: Any, descending: bool) -> None:
    """Values go one way; keys without one come last, together; deleted keys are nowhere."""
    _, keys = many
    rows = whole_list(Sort(by, descending))
    ids = {key_id for key_id, _ in rows}
    assert len(rows) == len(ids)
    assert ids == {key["id"] for key in keys if key["deleted_at_ms"] is None}
    values = [value for _, value in rows]
    valued = [value for value in values if value is not None]
    assert valued == sorted(valued, reverse=descending)
    without = [place for place, value in enumerate(values) if value is None]
    if without:
        first_is_valued = {"expires": not descending}.get(by, descending)
        assert without == list(range(len(values)))[len(valued) :] if first_is_valued else list(range(len(without)))


def test_small_pages_go_on_where_the_one_before_ended(many: Any) -> None:
    """Also from the run of the used into that of the unused, where many have the same value."""
    instance, _ = many
    where = KeyFilter(START_MS, text="import 00")
    for by in SORTS:
        for descending in (False, True):
            sort = Sort(by, descending)
            whole = [row.key.id for row in list_all(instance, where, sort)]
            assert 100 < len(whole) < 500
            assert [row.key.id for row in list_all(instance, where, sort, limit=47)] == whole


@pytest.mark.parametrize("sort", [Sort(by, down) for by in SORTS for down in (False, True)], ids=str)
def test_a_page_costs_few_statements(many: Any, sort: Sort) -> None:
    """The first page, and one that goes on from the middle of the list."""
    instance, _ = many
    with collect_statements(instance) as statements:
        first = page(instance, KeyFilter(START_MS), sort)
    assert len(first.rows) == 50
    assert len(statements) <= 8, statements
    with collect_statements(instance) as statements:
        assert len(page(instance, KeyFilter(START_MS), sort, first.after).rows) == 50
    assert len(statements) <= 8, statements


def test_a_filter_that_finds_nothing_reads_in_growing_chunks(many: Any) -> None:
    """The worst case is bounded, too: some thirty statements for 10,000 keys, not one a key."""
    instance, _ = many
    for sort in (Sort("used", True), Sort("requests", False), Sort()):
        with collect_statements(instance) as statements:
            assert page(instance, KeyFilter(START_MS, text="no such name"), sort).rows == []
        assert len(statements) <= 60, len(statements)


def test_runs_by_name_and_expiry_follow_their_indexes(many: Any) -> None:
    """SQLite sorts nothing: the index gives the order, and the cursor its start."""
    instance, _ = many
    if instance.database.shared:
        return
    indexes: dict[SortBy, str] = {"name": "ix_api_keys_present_by_name", "expires": "ix_api_keys_present_by_expiry"}
    for by, index in indexes.items():
        seen: list[tuple[str, Any]] = []

        def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_r: Any, seen: Any = seen) -> None:
            if "FROM api_keys" in statement and "ORDER BY" in statement:
                seen.append((statement, parameters))

        event.listen(instance.database.main, "before_cursor_execute", note)
        after = page(instance, KeyFilter(START_MS), Sort(by, False)).after
        page(instance, KeyFilter(START_MS), Sort(by, False), after)
        event.remove(instance.database.main, "before_cursor_execute", note)
        assert seen
        with instance.database.main.connect() as connection:
            for statement, parameters in seen:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
                words = " ".join(row[-1] for row in plan)
                assert index in words, words
                assert "TEMP B-TREE" not in words, words


def _is_expected(show: Show, key: dict[str, Any], used: int | None) -> bool:
    expired = key["expires_at_ms"] is not None and key["expires_at_ms"] <= START_MS
    revoked = key["revoked_at_ms"] is not None
    works = not (expired or revoked or key["disabled"])
    idle = works and key["created_at_ms"] <= START_MS - 30 * DAY_MS
    return {
        "all": True,
        "active": works,
        "soon": works and key["expires_at_ms"] == START_MS + 3 * DAY_MS,
        "never-used": works and used is None,
        "unused": idle and (used is None or used <= START_MS - 30 * DAY_MS),
        "disabled": key["disabled"] and not expired and not revoked,
        "inactive": expired or revoked,
        "expired": expired and not revoked,
        "revoked": revoked,
    }[show]


@pytest.mark.parametrize("show", SHOWN)
def test_filters_show_what_their_words_say(many: Any, show: Show) -> None:
    """Whichever database knows it, in an order of either."""
    instance, keys = many
    wanted = set()
    for number, key in enumerate(keys):
        total = make_total(number, key["id"])
        if key["deleted_at_ms"] is None and _is_expected(show, key, total[4] if total else None):
            wanted.add(key["id"])
    assert wanted
    sort = Sort("requests", True) if len(show) % 2 else Sort("name", False)
    found = [row.key.id for row in list_all(instance, KeyFilter(START_MS, show=show), sort)]
    assert len(found) == len(wanted)
    assert set(found) == wanted


def test_search_finds_name_hint_and_id(many: Any) -> None:
    """In whatever case; signs that mean something to SQL mean themselves."""
    instance, keys = many
    one = keys[4321]

    def search_ids(text: str) -> set[str]:
        return {row.key.id for row in list_all(instance, KeyFilter(START_MS, text=text), Sort())}

    assert one["id"] in search_ids(one["name"].upper())
    assert one["id"] in search_ids(one["hint"].replace("…", "..."))
    assert search_ids(one["id"].lower()) == {one["id"]}
    assert search_ids("%") == search_ids("_x") == search_ids("' OR 1=1 --") == set()


def test_counts_are_of_all_keys(many: Any) -> None:
    """The totals above the table."""
    instance, keys = many
    present = [key for key in keys if key["deleted_at_ms"] is None]
    active = sum(_is_expected("active", key, None) for key in present)
    assert Deps(instance).read_sync(lambda unit: unit.listing.counts(START_MS)) == KeyCounts(len(present), active)


def test_advice_about_all_of_them_costs_as_much_as_about_one(many: Any) -> None:
    """At most eight statements; nothing is asked key by key."""
    instance, _ = many
    with collect_statements(instance) as statements:
        found = Deps(instance).read_sync(
            lambda unit: advice.recommendations(unit.listing, unit.dismissals, instance.database.usage, START_MS)
        )
    assert {one.kind for one in found} == {"unused", "endless"}
    assert len(statements) <= 8, statements


def test_daily_requests_of_a_page_are_one_query(many: Any) -> None:
    """From the hourly rollups, accepted and refused apart, by days of UTC."""
    instance, keys = many
    midnight = START_MS - START_MS % DAY_MS
    ids = [key["id"] for key in keys[:50]]
    rows = [
        (ids[0], midnight, "/api/me", "ok", 5),
        (ids[0], midnight + HOUR_MS, "/api/keys", "ok", 2),
        (ids[0], midnight + HOUR_MS, "/api/keys", "expired", 3),
        (ids[1], midnight - 13 * DAY_MS, "/api/me", "ok", 1),
        (ids[1], midnight - 13 * DAY_MS - HOUR_MS, "/api/me", "ok", 9),
    ]
    with instance.database.log.begin() as connection:
        insert_rows(connection, usage_hours, tuple(usage_hours.c.keys()), rows)
    with collect_statements(instance) as statements:
        found = instance.database.usage.days(ids, first_day_ms(START_MS))
    assert found == {ids[0]: [Day(midnight, 7, 3)], ids[1]: [Day(midnight - 13 * DAY_MS, 1, 0)]}
    assert len(statements) == 1
    assert instance.database.usage.days([], 0) == {}


def _plans(instance: Instance, where: KeyFilter, sort: Sort) -> list[str]:
    """SQLite's plan of each statement that reads keys in an order."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_r: Any) -> None:
        if "api_keys" in statement and "ORDER BY" in statement:
            seen.append((statement, parameters))

    event.listen(instance.database.main, "before_cursor_execute", note)
    page(instance, where, sort)
    event.remove(instance.database.main, "before_cursor_execute", note)
    with instance.database.main.connect() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", given).all() for one, given in seen]
    return [" ".join(row[-1] for row in plan) for plan in plans]


@pytest.mark.parametrize(
    ("where", "index"),
    [
        (KeyFilter(START_MS, consumer_id="con_1"), "ix_api_keys_consumer_id"),
        (KeyFilter(START_MS, tag="billing"), "key_tags USING PRIMARY KEY (tag=?"),
    ],
)
def test_the_keys_of_a_consumer_or_a_tag_are_read_from_its_index(many: Any, where: KeyFilter, index: str) -> None:
    """SQLite reads only these keys, in every order; by age it sorts nothing."""
    instance, _ = many
    if instance.database.shared:
        return
    for by in SORTS:
        for descending in (False, True):
            plans = _plans(instance, where, Sort(by, descending))
            assert plans
            for plan in plans:
                assert index in plan, plan
                assert "SCAN" not in plan, plan
                assert by != "created" or "TEMP B-TREE" not in plan, plan


@pytest.mark.parametrize("by", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_consumer_tag_environment_and_kind_narrow_every_order(
    many: Any, whole_list: WholeList, by: Any, descending: bool
) -> None:
    """As the whole list without the other keys, page by page; the count is of all pages."""
    instance, keys = many
    whole = [key_id for key_id, _ in whole_list(Sort(by, descending))]
    number_of = {key["id"]: number for number, key in enumerate(keys)}
    filters: list[tuple[dict[str, Any], Any]] = [
        ({"consumer_id": "con_1"}, lambda n: n % 31 == 1),
        ({"tag": "billing"}, lambda n: n % 37 == 0),
        ({"tag": "most"}, lambda n: n % 3 == 0),
        ({"consumer_id": "con_1", "tag": "billing"}, lambda n: n % 31 == 1 and n % 37 == 0),
        ({"environment": "test"}, lambda n: n % 5 == 0),
        ({"tag": "billing", "environment": "live", "text": "export"}, lambda n: n % 37 == 0 and n % 5 and n % 7),
        ({"kind": "acme"}, lambda n: n % 17 == 0),
        ({"kind": "acme", "tag": "most", "environment": "test"}, lambda n: n % (17 * 3 * 5) == 0),
        ({"consumer_id": "con_2"}, lambda n: False),
    ]
    for fields, fits in filters:
        where = KeyFilter(START_MS, **fields)
        wanted = [key_id for key_id in whole if fits(number_of[key_id])]
        limit = 97 if len(wanted) < 500 else 797
        assert [row.key.id for row in list_all(instance, where, Sort(by, descending), limit)] == wanted, fields
        with instance.database.reading() as unit:
            assert unit.listing.count(where) == len(wanted)


def test_an_activity_is_that_of_all_keys_or_none(many: Any) -> None:
    """Active keys may be disabled; each key is active or inactive."""
    instance, _ = many
    with instance.database.reading() as unit:
        every, active, inactive = (
            unit.listing.count(KeyFilter(START_MS, activity=one)) for one in ("all", "active", "inactive")
        )
        assert every == active + inactive
        assert inactive == unit.listing.count(KeyFilter(START_MS, show="inactive")) > 0
        works = unit.listing.count(KeyFilter(START_MS, show="active"))
        assert active == works + unit.listing.count(KeyFilter(START_MS, show="disabled"))

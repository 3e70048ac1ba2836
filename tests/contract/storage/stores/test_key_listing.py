"""Lists of 10,000 keys on both databases: every order and filter, whole and without repetition, in few statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.ids import new_id
from ari.deps import Deps
from ari.instance import Instance
from ari.keys.listing import SHOWN, Cursor, KeyCounts, KeyFilter, Show
from ari.keys.names import fold_name
from ari.storage.bulk import insert_rows
from ari.storage.tables import api_keys, usage_hours, usage_totals
from ari.usage import advice
from ari.usage.reports.daily import Day, first_day_ms
from ari.usage.reports.listing import SORTS, Listed, Sort, SortBy, page_of_keys
from tests.support.instances import START_MS, opened

MANY = 10_000
KEY_COLUMNS = (
    "id",
    "name",
    "folded_name",
    "hint",
    "scopes",
    "created_at_ms",
    "created_by",
    "expires_at_ms",
    "disabled",
    "revoked_at_ms",
    "deleted_at_ms",
)


def _key(number: int) -> dict[str, Any]:
    """Names, ends and states in a pattern; one in fifty is deleted, and still has its totals."""
    created = START_MS - (number % 90) * DAY_MS - number
    expires = {0: None, 1: START_MS + 3 * DAY_MS, 2: START_MS + 90 * DAY_MS, 3: START_MS - HOUR_MS}[number % 4]
    name = f"{'Export' if number % 7 else 'Import'} {number % 613:04}"
    return {
        "id": new_id("key", created),
        "name": name,
        "folded_name": fold_name(name),
        "hint": f"ari_k_{number % 9_973:04d}…Zz{number % 89:02d}",
        "scopes": "api:read",
        "created_at_ms": created,
        "created_by": "system",
        "expires_at_ms": expires,
        "disabled": number % 11 == 0,
        "revoked_at_ms": START_MS - 5 if number % 13 == 0 else None,
        "deleted_at_ms": START_MS - 4 if number % 50 == 0 else None,
    }


def _total(number: int, key_id: str) -> tuple[Any, ...] | None:
    """Two in three were used; many of them equally often or at the same instant; one in nine was only refused."""
    if number % 3 == 0:
        return None if number % 9 else (key_id, 0, 4, None, None)
    used = START_MS - (number % 71) * DAY_MS
    return (key_id, number % 500 + 1, number % 5, used - 1, used)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def many(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Instance, list[dict[str, Any]]]]:
    """An instance with its keys as they were written; a test changes nothing."""
    folder = tmp_path_factory.mktemp("many") / "data"
    folder.mkdir(mode=0o700)
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    url = server.create() if server else None
    keys = [_key(number) for number in range(MANY)]
    totals = [one for number, key in enumerate(keys) if (one := _total(number, key["id"]))]
    with opened(folder, url) as instance:
        with instance.database.main.begin() as connection:
            if url:
                connection.execute(api_keys.insert(), keys)
            else:
                insert_rows(connection, api_keys, KEY_COLUMNS, [tuple(key.values()) for key in keys])
        with instance.database.log.begin() as connection:
            insert_rows(connection, usage_totals, tuple(usage_totals.c.keys())[:5], totals)
        yield instance, keys
    if server:
        server.drop(url)


@contextmanager
def counted(instance: Instance) -> Iterator[list[str]]:
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


def page(instance: Instance, where: KeyFilter, sort: Sort, after: Cursor | None = None, limit: int = 50) -> Any:
    usage = instance.database.usage
    return Deps(instance).read_sync(lambda unit: page_of_keys(unit.listing, usage, where, sort, after, limit))


def everything(instance: Instance, where: KeyFilter, sort: Sort, limit: int = 1_999) -> list[Listed]:
    """All pages, one after the other."""
    rows, after = [], None
    while True:
        found = page(instance, where, sort, after, limit)
        rows += found.rows
        after = found.after
        if after is None:
            return rows


def _value(row: Listed, by: str) -> Any:
    key, totals = row.key, row.totals
    return {
        "name": fold_name(key.name),
        "created": key.id,
        "expires": key.expires_at_ms,
        "used": totals.last_used_at_ms,
        "requests": totals.request_count or None,
    }[by]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("by", SORTS)
def test_every_order_pages_through_all_keys_once(many: Any, by: Any, descending: bool) -> None:
    """Values go one way; keys without one come last, together; deleted keys are nowhere."""
    instance, keys = many
    rows = everything(instance, KeyFilter(START_MS), Sort(by, descending))
    assert len(rows) == len({row.key.id for row in rows})
    assert {row.key.id for row in rows} == {key["id"] for key in keys if key["deleted_at_ms"] is None}
    values = [_value(row, by) for row in rows]
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
            whole = [row.key.id for row in everything(instance, where, sort)]
            assert 100 < len(whole) < 500
            assert [row.key.id for row in everything(instance, where, sort, limit=47)] == whole


@pytest.mark.parametrize("sort", [Sort(by, down) for by in SORTS for down in (False, True)], ids=str)
def test_a_page_costs_few_statements(many: Any, sort: Sort) -> None:
    """The first page, and one that goes on from the middle of the list."""
    instance, _ = many
    with counted(instance) as statements:
        first = page(instance, KeyFilter(START_MS), sort)
    assert len(first.rows) == 50
    assert len(statements) <= 6, statements
    with counted(instance) as statements:
        assert len(page(instance, KeyFilter(START_MS), sort, first.after).rows) == 50
    assert len(statements) <= 6, statements


def test_a_filter_that_finds_nothing_reads_in_growing_chunks(many: Any) -> None:
    """The worst case is bounded, too: some thirty statements for 10,000 keys, not one a key."""
    instance, _ = many
    for sort in (Sort("used", True), Sort("requests", False), Sort()):
        with counted(instance) as statements:
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
        with instance.database.main.connect() as connection:
            for statement, parameters in seen:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
                words = " ".join(row[-1] for row in plan)
                assert index in words, words
                assert "TEMP B-TREE" not in words, words


def _expected(show: Show, key: dict[str, Any], used: int | None) -> bool:
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
        total = _total(number, key["id"])
        if key["deleted_at_ms"] is None and _expected(show, key, total[4] if total else None):
            wanted.add(key["id"])
    assert wanted
    sort = Sort("requests", True) if len(show) % 2 else Sort("name", False)
    found = [row.key.id for row in everything(instance, KeyFilter(START_MS, show=show), sort)]
    assert len(found) == len(wanted)
    assert set(found) == wanted


def test_search_finds_name_hint_and_id(many: Any) -> None:
    """In whatever case; signs that mean something to SQL mean themselves."""
    instance, keys = many
    one = keys[4321]

    def found(text: str) -> set[str]:
        return {row.key.id for row in everything(instance, KeyFilter(START_MS, text=text), Sort())}

    assert one["id"] in found(one["name"].upper())
    assert one["id"] in found(one["hint"].replace("…", "..."))
    assert found(one["id"].lower()) == {one["id"]}
    assert found("%") == found("_x") == found("' OR 1=1 --") == set()


def test_counts_are_of_all_keys(many: Any) -> None:
    """The totals above the table."""
    instance, keys = many
    present = [key for key in keys if key["deleted_at_ms"] is None]
    active = sum(_expected("active", key, None) for key in present)
    assert Deps(instance).read_sync(lambda unit: unit.listing.counts(START_MS)) == KeyCounts(len(present), active)


def test_advice_about_all_of_them_costs_as_much_as_about_one(many: Any) -> None:
    """At most six statements; nothing is asked key by key."""
    instance, _ = many
    with counted(instance) as statements:
        found = Deps(instance).read_sync(
            lambda unit: advice.recommendations(unit.listing, unit.dismissals, instance.database.usage, START_MS)
        )
    assert {one.kind for one in found} == {"unused", "endless"}
    assert len(statements) <= 6, statements


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
    with counted(instance) as statements:
        found = instance.database.usage.days(ids, first_day_ms(START_MS))
    assert found == {ids[0]: [Day(midnight, 7, 3)], ids[1]: [Day(midnight - 13 * DAY_MS, 1, 0)]}
    assert len(statements) == 1
    assert instance.database.usage.days([], 0) == {}

"""The contract of ``UsageStore`` on both databases."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from ari.base.clock import HOUR_MS, MINUTE_MS
from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.storage.usage.store import UsageTables
from ari.usage.model import OTHER_ADDRESSES, Attempt, Completion, KeyTotals, UsageFilter, UsageRow
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.processes import eventually
from tests.support.usage import KEY, OTHER_KEY, make_row, read_sums, rows_of

EVERYTHING = UsageFilter()


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


@pytest.fixture
def store(instance: Instance) -> UsageTables:
    return instance.database.usage


@pytest.fixture
def engine(instance: Instance) -> Engine:
    return instance.database.log


def test_a_row_comes_back_as_it_was_written(instance: Instance, store: UsageTables) -> None:
    """Every field, the unknown ones too."""
    whole = make_row(user_agent="Ünï — 日本 🐦", path="/api/x?", duration_ms=1.25, bytes=2**40)
    bare = make_row(START_MS + 1, client_address=None, user_agent=None, status=None, duration_ms=None, bytes=None)
    store.commit(Batch([whole, bare]))
    assert rows_of(instance.database) == [bare, whole]


def test_an_empty_batch_is_no_fault(instance: Instance, store: UsageTables) -> None:
    """Nothing to write writes nothing."""
    store.commit(Batch())
    assert rows_of(instance.database) == []


def test_batches_of_any_size_are_stored_whole(store: UsageTables, instance: Instance) -> None:
    """Also where one statement does not hold them all."""
    for size in (1, 2, 3, 63, 64, 65, 130, 1000):
        store.commit(Batch([make_row() for _ in range(size)]))
    assert read_sums(instance.database) == {KEY: (1328, 0)}


def test_pages_are_newest_first_and_go_on_after_an_id(instance: Instance, store: UsageTables) -> None:
    """No row is shown twice or left out."""
    rows = [make_row(START_MS + n) for n in range(7)]
    store.commit(Batch(rows))
    first = rows_of(instance.database, EVERYTHING, None, 4)
    rest = rows_of(instance.database, EVERYTHING, first[-1].id, 4)
    assert [*first, *rest] == rows[::-1]


def test_pages_are_narrowed_by_key_code_and_time(instance: Instance, store: UsageTables) -> None:
    """A span begins with its first instant and ends before its last."""
    rows = [
        make_row(START_MS + n * HOUR_MS, key_id=key, code=code)
        for n in range(4)
        for key in (KEY, OTHER_KEY)
        for code in ("ok", "revoked")
    ]
    store.commit(Batch(rows))
    where = UsageFilter(KEY, "revoked", START_MS + HOUR_MS, START_MS + 3 * HOUR_MS)
    assert [(row.key_id, row.code, row.at_ms) for row in rows_of(instance.database, where, None, 50)] == [
        (KEY, "revoked", START_MS + 2 * HOUR_MS),
        (KEY, "revoked", START_MS + HOUR_MS),
    ]
    assert len(rows_of(instance.database, UsageFilter(since_ms=START_MS + HOUR_MS), None, 50)) == 12
    assert len(rows_of(instance.database, UsageFilter(until_ms=START_MS + HOUR_MS), None, 50)) == 4
    assert len(rows_of(instance.database, UsageFilter(since_ms=-(10**15), until_ms=10**18), None, 50)) == 16


def test_totals_follow_accepted_and_refused_requests(store: UsageTables, instance: Instance) -> None:
    """First and last use are of accepted requests alone, in whatever order they come."""
    rows = [
        make_row(START_MS + 5_000),
        make_row(START_MS + 1_000),
        make_row(START_MS + 9_000, code="insufficient_scope", status=403),
        make_row(START_MS, key_id=OTHER_KEY, code="revoked", status=401),
    ]
    for row in rows:
        store.commit(Batch([row]))
    assert store.totals([KEY, OTHER_KEY, "key_never"]) == {
        KEY: KeyTotals(2, 1, START_MS + 1_000, START_MS + 5_000),
        OTHER_KEY: KeyTotals(0, 1, None, None),
    }
    assert read_sums(instance.database) == {KEY: (2, 1), OTHER_KEY: (0, 1)}


def test_totals_of_very_many_keys_are_read_at_once(store: UsageTables) -> None:
    """A list of keys of any length."""
    store.commit(Batch([make_row(key_id=f"key_{n:026}") for n in range(1_200)]))
    assert len(store.totals([f"key_{n:026}" for n in range(1_200)])) == 1_200


def test_committing_again_changes_nothing(store: UsageTables, instance: Instance) -> None:
    """A batch whose outcome is unknown may be tried again: no row and no count is doubled."""
    batch = Batch([make_row(START_MS + n, code=("ok", "revoked")[n % 2]) for n in range(10)])
    mixed = Batch([*batch.rows, make_row(START_MS + 20)])
    for again in (batch, batch, mixed, mixed):
        store.commit(again)
    assert read_sums(instance.database) == {KEY: (6, 5)}


def test_a_connection_lost_at_the_commit_doubles_nothing(store: UsageTables, instance: Instance) -> None:
    """Nobody knows whether what waited was counted; trying again finds out."""
    store.commit(Batch([make_row(), make_row(code="expired")], attempts=[Attempt(START_MS, "unknown", "192.0.2.1")]))
    lost = [True]

    def lose(connection: Any) -> None:
        if lost:
            lost.clear()
            connection.connection.driver_connection.commit()
            raise OperationalError("COMMIT", None, Exception("the connection was lost"))

    engine = instance.database.folder.engine
    event.listen(engine, "commit", lose)
    with pytest.raises(Unavailable):
        store.fold()
    assert not lost
    for _ in range(2):
        assert read_sums(instance.database) == {KEY: (1, 1)}
        assert [attempt.count for attempt in store.attempts(0, 5)] == [1]
    store.commit(Batch([make_row()]))
    assert read_sums(instance.database) == {KEY: (2, 1)}


def test_a_counted_row_grows_and_only_the_difference_counts(store: UsageTables, instance: Instance) -> None:
    """Its count is the whole number so far; an older, smaller one changes nothing."""
    counted = make_row(code="revoked", route="*", path="*", method="*", count=1)
    for count in (1, 4, 4, 3, 9):
        store.commit(Batch([replace(counted, count=count), make_row(code="revoked")]))
    [stored] = [row for row in rows_of(instance.database) if row.id == counted.id]
    assert stored.count == 9
    assert read_sums(instance.database) == {KEY: (0, 14)}


def test_one_batch_may_hold_a_counted_row_more_than_once(store: UsageTables, instance: Instance) -> None:
    """The highest count wins."""
    counted = make_row(code="revoked", count=61)
    store.commit(Batch([replace(counted, count=count) for count in (61, 63, 62)]))
    assert read_sums(instance.database) == {KEY: (0, 63)}


def test_random_batches_keep_totals_rollups_and_log_equal(store: UsageTables, instance: Instance) -> None:
    """Repeats, counted rows and several keys, hours, routes and codes in any mixture."""
    chance = random.Random(18)
    known = [
        make_row(
            START_MS + chance.randrange(3 * HOUR_MS),
            key_id=chance.choice((KEY, OTHER_KEY)),
            code=chance.choice(("ok", "ok", "revoked", "expired")),
            route=chance.choice(("/api/me", "/api/keys")),
        )
        for _ in range(60)
    ]
    stored: dict[str, UsageRow] = {}
    for _ in range(40):
        picked = chance.sample(known, chance.randrange(1, 12))
        rows = [row if row.accepted else replace(row, count=chance.randrange(1, 20)) for row in picked]
        rows.append(make_row(START_MS + chance.randrange(HOUR_MS)))
        store.commit(Batch(rows))
        stored |= {row.id: row for row in rows if row.id not in stored or row.count > stored[row.id].count}
    expected = {
        key_id: (
            sum(row.count for row in stored.values() if row.key_id == key_id and row.accepted),
            sum(row.count for row in stored.values() if row.key_id == key_id and not row.accepted),
        )
        for key_id in (KEY, OTHER_KEY)
    }
    assert read_sums(instance.database) == expected


def test_a_completion_fills_in_its_row(instance: Instance, store: UsageTables) -> None:
    """Of an unsafe request whose row was committed before its handler ran; one without a row is no fault."""
    running = make_row(method="POST", status=None, duration_ms=None, bytes=None)
    store.commit(Batch([running]))
    store.commit(Batch(completions=[Completion(running.id, 201, 12.5, 900), Completion("req_unknown", 200, 1.0, None)]))
    assert rows_of(instance.database) == [replace(running, status=201, duration_ms=12.5, bytes=900)]


def test_attempts_are_counted_by_minute_reason_and_address(store: UsageTables) -> None:
    """Newest minute first, within it the most frequent first."""
    early, late = START_MS, START_MS + MINUTE_MS
    store.commit(Batch(attempts=[Attempt(early + 5, "unknown", "192.0.2.1"), Attempt(late, "missing", "192.0.2.1")]))
    store.commit(
        Batch(
            attempts=[*[Attempt(early + n, "unknown", "192.0.2.1") for n in range(3)], Attempt(early, "missing", "x")]
        )
    )
    counted = [
        Attempt(late, "missing", "192.0.2.1", 1),
        Attempt(early, "unknown", "192.0.2.1", 4),
        Attempt(early, "missing", "x", 1),
    ]
    assert store.attempts(0, 10) == counted
    assert store.attempts(late + 30_000, 10) == counted[:1]
    assert store.attempts(0, 2) == counted[:2]


@pytest.mark.parametrize("poison", ["a\x00b", "a\ud800b"], ids=["NUL", "lone surrogate"])
def test_a_refused_row_never_fails_its_batch(store: UsageTables, instance: Instance, poison: str) -> None:
    """It is stored, without its caller's texts if need be; the 63 others as they are."""
    bad = make_row(path=poison, user_agent=poison, request_id=poison)
    good = [make_row(START_MS + 1 + n) for n in range(63)]
    store.commit(Batch([*good[:30], bad, *good[30:]], [Completion(good[0].id, 204, 1.0, 0)]))
    rows = rows_of(instance.database)
    assert len(rows) == 64
    assert rows[:62] == good[:0:-1]
    assert rows[62].status == 204
    assert (rows[63].id, rows[63].key_id, rows[63].status) == (bad.id, KEY, 200)
    assert "\ud800" not in rows[63].path
    assert read_sums(instance.database) == {KEY: (64, 0)}


def test_a_refused_completion_or_attempt_never_fails_its_batch(store: UsageTables, instance: Instance) -> None:
    """The completion is left out, the attempt counted among the others."""
    row = make_row(status=None)
    batch = Batch([row], [Completion(row.id, 2**70, 1.0, None)], [Attempt(START_MS, "unknown", "a\ud800")])
    store.commit(batch)
    assert rows_of(instance.database) == [row]
    assert [attempt.address for attempt in store.attempts(0, 5)] == [OTHER_ADDRESSES]
    assert read_sums(instance.database) == {KEY: (1, 0)}


@pytest.mark.parametrize("lost", ["usage_totals", "usage_staging"])
def test_a_fault_reveals_nothing_that_a_caller_sent(store: UsageTables, instance: Instance, lost: str) -> None:
    """One plain sentence instead of SQL and values; nothing of the batch is counted in part."""
    engine = instance.database.folder.staging if lost == "usage_staging" else instance.database.log
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {lost}"))

    def log() -> None:
        store.commit(Batch([make_row(path="/private-path")]))
        store.fold()

    with pytest.raises(Unavailable) as raised:
        log()
    shown = f"{raised.value} {raised.value!r} {raised.value.__cause__!r}"
    assert "private" not in shown
    assert "INSERT" not in shown
    assert rows_of(instance.database) == []
    if lost == "usage_totals":
        with pytest.raises(Unavailable):
            store.totals([KEY])


def test_connections_that_died_are_replaced(store: UsageTables, engine: Engine, instance: Instance) -> None:
    """After the database was restarted the next commit is done, without one failing first."""
    store.commit(Batch([make_row()]))
    if engine.dialect.name == "postgresql":
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"SELECT pg_terminate_backend(pid) {others}"))
            eventually(lambda: connection.scalar(text(f"SELECT count(*) = 0 {others}")))
    store.commit(Batch([make_row()]))
    assert read_sums(instance.database) == {KEY: (2, 0)}


def test_many_writers_at_once_wait_for_each_other_but_never_in_a_ring(store: UsageTables, instance: Instance) -> None:
    """Nodes that write the same keys and minutes in any order: every commit is done, and the sums are even."""
    keys = [f"key_{n:026}" for n in range(12)]

    def write(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(20):
            some = chance.sample(keys, 8)
            attempts = [Attempt(START_MS, "unknown", f"192.0.2.{chance.randrange(9)}") for _ in some]
            store.commit(
                Batch([make_row(START_MS + chance.randrange(HOUR_MS), key_id=key) for key in some], [], attempts)
            )

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert sum(accepted for accepted, _ in read_sums(instance.database).values()) == 4 * 20 * 8
    assert sum(attempt.count for attempt in store.attempts(0, 99)) == 4 * 20 * 8

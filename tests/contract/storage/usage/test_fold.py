"""The fold on both databases: its limits hold over folds and processes, and its size is bounded for any mixture."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari.base.clock import DAY_MS, HOUR_MS
from ari.instance import Instance
from ari.storage.engine import Database
from ari.storage.usage import fold
from ari.storage.usage.fold import MAX_ENTRIES
from ari.storage.usage.row_ids import lowest_at
from ari.usage.ai import AiSpan, AiUse
from ari.usage.floods import MAX_ADDRESSES_PER_HOUR, MAX_CLIENTS_PER_DAY
from ari.usage.model import OTHERS, Attempt, Completion, UsageRow
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened, settings_for
from tests.support.usage import KEY, OTHER_KEY, make_row, read_sums, rows_of

DAY = START_MS - START_MS % DAY_MS
HOUR = START_MS - START_MS % HOUR_MS


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


@pytest.fixture
def other(instance: Instance, data_dir: Path, database_url: str | None) -> Iterator[Database]:
    """The same log, opened by another process."""
    database = Database.open(settings_for(data_dir, database_url))
    yield database
    database.close()


def _commit(database: Database, batch: Batch) -> None:
    for start in range(0, max(len(batch.rows), len(batch.completions), len(batch.attempts)), 1_000):
        end = start + 1_000
        database.usage.commit(Batch(batch.rows[start:end], batch.completions[start:end], batch.attempts[start:end]))


def test_the_limit_of_clients_holds_over_folds_and_processes(instance: Instance, other: Database) -> None:
    """Each key has its own number a day; known clients keep their counters, and a new day takes new ones."""

    def rows(first: int, count: int, at_ms: int = DAY, key_id: str = KEY) -> list[UsageRow]:
        return [make_row(at_ms, key_id=key_id, client_address=f"c{n:04}", user_agent=None) for n in range(first, count)]

    for database, first, end in ((instance.database, 0, 150), (other, 140, 180), (instance.database, 170, 260)):
        database.usage.commit(Batch(rows(first, end)))
        database.usage.fold_all()
    other.usage.commit(Batch(rows(300, 301, key_id=OTHER_KEY)))
    found = {one.value: one.accepted_count for one in instance.database.usage.addresses(KEY, 999)}
    assert len(found) == MAX_CLIENTS_PER_DAY + 1
    assert found[OTHERS] == 260 - MAX_CLIENTS_PER_DAY
    assert (found["c0000"], found["c0145"], found["c0175"], found["c0199"]) == (1, 2, 2, 1)
    assert [one.value for one in other.usage.addresses(OTHER_KEY, 9)] == ["c0300"]
    other.usage.commit(Batch(rows(250, 251, at_ms=DAY + DAY_MS)))
    assert other.usage.addresses(KEY, 1)[0].value == "c0250"
    read_sums(instance.database)


def test_the_limit_of_attempt_addresses_holds_over_folds_and_processes(instance: Instance, other: Database) -> None:
    """An address has one place an hour, whatever its reasons; the first ones keep theirs."""
    for database, first, end, reason in (
        (instance.database, 0, 60, "unknown"),
        (other, 50, 90, "malformed"),
        (instance.database, 80, 130, "unknown"),
    ):
        database.usage.commit(Batch(attempts=[Attempt(HOUR + n, reason, f"c{n:04}") for n in range(first, end)]))
        database.usage.fold_all()
    reports = instance.database.reports
    found = {one.address: one.count for one in reports.attempt_addresses(HOUR, HOUR + HOUR_MS, 999)}
    assert len(found) == MAX_ADDRESSES_PER_HOUR + 1
    assert found[OTHERS] == 130 - MAX_ADDRESSES_PER_HOUR
    assert (found["c0000"], found["c0055"], found["c0085"], found["c0099"]) == (1, 2, 2, 1)
    assert sum(one.count for one in reports.attempts(HOUR, HOUR + HOUR_MS)) == 150


@pytest.mark.parametrize("kind", ["requests", "floods", "attempts", "completions", "AI uses"])
def test_a_full_fold_of_one_kind_ends(instance: Instance, kind: str) -> None:
    """No statement compares all entries with all others, which the database would cancel after its time limit."""
    database, ids = instance.database, [make_row(START_MS + n).id for n in range(MAX_ENTRIES)]
    batch = Batch()
    if kind in ("requests", "completions"):
        batch.rows = [make_row(START_MS, id=id_, client_address=f"c{n}") for n, id_ in enumerate(ids)]
    elif kind == "floods":
        batch.rows = [make_row(START_MS, id=id_, code="revoked", count=3) for id_ in ids]
    elif kind == "attempts":
        batch.attempts = [Attempt(START_MS, "unknown", f"c{n}") for n in range(MAX_ENTRIES)]
    else:
        batch.completions = [
            AiUse(id_, START_MS, KEY, "openai", "m", 1, 1, 0, 200, 1.0, 2.0, "complete") for id_ in ids
        ]
    _commit(database, batch)
    assert database.usage.fold() == MAX_ENTRIES
    if kind == "completions":
        _commit(database, Batch(completions=[Completion(id_, 418, 1.0, 2) for id_ in ids]))
        assert database.usage.fold() == MAX_ENTRIES
        assert {row.status for row in rows_of(database)} == {418}
    if kind == "AI uses":
        [hour] = database.reports.ai_hours(AiSpan(HOUR, HOUR + HOUR_MS)).values()
        assert hour.request_count == MAX_ENTRIES
    expected = {"requests": (MAX_ENTRIES, 0), "completions": (MAX_ENTRIES, 0), "floods": (0, 3 * MAX_ENTRIES)}
    assert read_sums(database) == ({KEY: expected[kind]} if kind in expected else {})


def test_the_last_of_several_entries_for_one_request_counts(instance: Instance) -> None:
    """Of completions and AI uses in one fold; in a later fold, a use that is stored adds nothing."""
    row = make_row(HOUR, status=None)
    uses = [AiUse(row.id, HOUR, KEY, "openai", "m", tokens, 1, 0, 200, 1.0, 2.0, "complete") for tokens in (1, 2, 3)]
    store = instance.database.usage
    store.commit(Batch([row]))
    ends: list[Completion | AiUse] = [Completion(row.id, 200, 1.0, 1), Completion(row.id, 201, 2.0, 2), *uses[:2]]
    for done in ends:
        store.commit(Batch(completions=[done]))
    assert store.fold() == 5
    store.commit(Batch(completions=[uses[2]]))
    [stored] = rows_of(instance.database)
    assert (stored.status, stored.bytes, stored.ai) == (201, 2, uses[1])
    [hour] = instance.database.reports.ai_hours(AiSpan(HOUR, HOUR + HOUR_MS)).values()
    assert (hour.request_count, hour.input_tokens) == (1, 2)


def test_a_status_that_no_server_sends_stops_no_fold(instance: Instance) -> None:
    """An app may set any number; the rows of all other keys wait for the same fold."""
    rows = [make_row(HOUR, status=None), make_row(HOUR + 1, status=99_999), make_row(HOUR + 2)]
    store = instance.database.usage
    store.commit(Batch(rows, [Completion(rows[0].id, 40_000, 1.0, 1)]))
    store.fold_all()
    assert sorted(row.status or 0 for row in rows_of(instance.database)) == [200, 40_000, 99_999]


def test_the_repair_of_repeated_requests_reads_only_what_is_folded(instance: Instance) -> None:
    """Promise 2: a commit whose outcome was unknown is staged twice, and a large backlog must still be folded.

    A statement about all of it would take longer than PostgreSQL's limit, each time.
    """
    database, rows = instance.database, [make_row(DAY + n) for n in range(90)]
    database.usage.commit(Batch(rows[:30]))
    database.usage.commit(Batch([*rows[:12], *rows[30:]]))
    database.usage.commit(Batch(rows[60:]))
    assert database.folder.move(20) == 20
    assert database.folder.move(20) == 20, "ten new ones, and ten after twelve repeated ones"
    staged = database.folder.count_staged()
    assert staged == 80, "repeated requests of later folds are still there"
    database.usage.fold_all()
    assert (len(rows_of(database)), database.folder.count_staged()) == (90, 0)
    assert read_sums(database)[KEY][0] == 90


def test_the_repair_looks_only_where_repeats_can_be(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL, days without a staged request aren't searched for each of them."""
    if not instance.database.shared:
        return  # one table, found by its key
    spans = list[tuple[int, int]]()
    find = fold.find_span

    def note_span(found: Any) -> dict[str, int]:
        span = find(found)
        spans.append((span["first"], span["last"]))
        return span

    monkeypatch.setattr(fold, "find_span", note_span)
    rows = [make_row(DAY + n) for n in range(6)]
    instance.database.usage.commit(Batch(rows))
    instance.database.usage.commit(Batch(rows))
    instance.database.usage.fold_all()
    days = {lowest_at(DAY) <= first <= last < lowest_at(DAY + DAY_MS) for first, last in spans}
    assert (len(spans) >= 3, days) == (True, {True})
    assert len(rows_of(instance.database)) == 6


def test_only_repeated_requests_are_staged(instance: Instance) -> None:
    """They are removed, and what follows is folded in the same call."""
    database, rows = instance.database, [make_row(DAY + n) for n in range(9)]
    database.usage.commit(Batch(rows[:6]))
    database.usage.fold_all()
    database.usage.commit(Batch(rows[:6]))
    assert database.folder.move(4) == 0
    database.usage.commit(Batch([*rows[:5], *rows[6:]]))
    assert database.folder.move(3) == 3
    assert read_sums(database)[KEY][0] == 9

"""Retention: old entries go in small steps, counts stay, and one process at a time does it."""

import pytest
from sqlalchemy import func, select

from ari.base.clock import DAY_MS
from ari.instance import Instance
from ari.storage.tables import usage_attempt_hours, usage_attempts, usage_rows, usage_seen
from ari.storage.usage import retention
from ari.usage.model import Attempt
from ari.usage.ports import Batch
from tests.support.instances import START_MS
from tests.support.usage import KEY, make_row, read_sums, rows_of

OLD_MS = START_MS - DAY_MS


@pytest.fixture
def store(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """Seven old rows and two new ones, attempts of both days, and steps of three rows."""
    monkeypatch.setattr(retention, "ROWS_PER_STEP", 3)
    old = [make_row(OLD_MS + number, client_address="198.51.100.1") for number in range(6)]
    refused = make_row(OLD_MS, code="expired", count=4)
    attempts = [Attempt(at_ms, "unknown", "192.0.2.1") for at_ms in (OLD_MS, START_MS)]
    instance.database.usage.commit(Batch([*old, refused, make_row(), make_row()], [], attempts))
    return instance


def _count(instance: Instance) -> list[int]:
    with instance.database.log.connect() as connection:
        tables = (usage_rows, usage_attempts, usage_attempt_hours, usage_seen)
        return [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]


def test_old_entries_go_and_counts_stay(store: Instance) -> None:
    """Rows, attempts and clients from before the time; totals still count what was removed."""
    before = read_sums(store.database)
    steps = list(store.database.usage.remove_before(START_MS))
    assert max(steps) <= 3
    assert sum(steps) == 7 + 1 + 1 + 1  # rows, attempts of a minute and of an hour, an address
    assert _count(store) == [2, 1, 1, 2]
    assert len(rows_of(store.database)) == 2
    assert read_sums(store.database) == before == {KEY: (8, 4)}


def test_a_second_run_has_nothing_to_do(store: Instance) -> None:
    """There is no state between runs."""
    assert sum(store.database.usage.remove_before(START_MS)) > 0
    assert sum(store.database.usage.remove_before(START_MS)) == 0


def test_one_run_at_a_time(store: Instance) -> None:
    """While one runs, another removes nothing and ends at once; afterwards the first one goes on."""
    first = store.database.usage.remove_before(START_MS)
    assert next(first) == 3
    assert list(store.database.usage.remove_before(START_MS)) == []
    assert sum(first) == 7

"""Erasing a client's address from the usage log, on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from ari.base.clock import MINUTE_MS
from ari.instance import Instance
from ari.storage.usage.store import UsageTables
from ari.usage.model import OTHER_ADDRESSES, Attempt, Completion
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, make_row, read_sums, rows_of


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


@pytest.fixture
def store(instance: Instance) -> UsageTables:
    return instance.database.usage


def test_erasing_an_address_strips_it_everywhere(store: UsageTables, instance: Instance) -> None:
    """From rows and from the counters of attempts; rows, counts and other addresses stay."""
    mine, other = "2001:db8::7", "2001:db8:0:1::7"
    rows = [make_row(START_MS + n, client_address=(mine, other)[n % 2]) for n in range(6)]
    attempts = [
        Attempt(START_MS, "unknown", "2001:db8::/64", 5),
        Attempt(START_MS, "unknown", OTHER_ADDRESSES, 2),
        Attempt(START_MS, "missing", "2001:db8:0:1::/64", 1),
    ]
    store.commit(Batch(rows, attempts=attempts))
    assert store.erase_address("2001:0DB8::7") == 4
    assert [row.client_address for row in rows_of(instance.database)] == [other, None] * 3
    assert store.attempts(0, 9) == [replace(attempts[1], count=7), attempts[2]]
    assert store.erase_address(mine) == 0
    assert read_sums(instance.database) == {KEY: (6, 0)}


def test_erasing_goes_on_during_commits(store: UsageTables, instance: Instance) -> None:
    """Neither waits for the other for ever, and no count is lost."""

    def write(seed: int) -> None:
        for n in range(30):
            row = make_row(START_MS + seed)
            attempts = [
                Attempt(START_MS + n * MINUTE_MS, "unknown", "192.0.2.7"),
                Attempt(START_MS, "unknown", "other"),
            ]
            store.commit(Batch([row], attempts=attempts))
            store.commit(Batch(completions=[Completion(row.id, 200, 1.0, None)]))

    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, seed) for seed in range(3)]
        while not all(writer.done() for writer in writers):
            store.erase_address("192.0.2.7")
        for writer in writers:
            writer.result()
    store.erase_address("192.0.2.7")
    assert sum(attempt.count for attempt in store.attempts(0, 99)) == 180
    assert all(row.client_address is None for row in rows_of(instance.database))
    assert read_sums(instance.database) == {KEY: (90, 0)}

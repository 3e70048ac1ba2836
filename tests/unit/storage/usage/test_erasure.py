"""Erasing a client address: no row or counter keeps it, and no count changes."""

import pytest
from sqlalchemy import select

from ari.instance import Instance
from ari.storage.tables import usage_attempt_hours, usage_attempts, usage_rows, usage_seen
from ari.storage.usage import erasure
from ari.storage.usage.erasure import slices
from ari.usage.model import OTHERS, Attempt
from ari.usage.ports import Batch
from tests.support.instances import START_MS
from tests.support.usage import KEY, make_row, read_sums

ADDRESS = "192.0.2.7"


def _addresses(instance: Instance) -> set[str | None]:
    columns = (
        usage_rows.c.client_address,
        usage_attempts.c.address,
        usage_attempt_hours.c.address,
        usage_seen.c.value,
    )
    with instance.database.log.connect() as connection:
        return {value for column in columns for value in connection.scalars(select(column))}


def test_an_address_leaves_every_table(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many slices and transactions the erasure takes; the counts go to the other addresses."""
    monkeypatch.setattr(erasure, "ROWS_READ", 3)
    monkeypatch.setattr(erasure, "MAX_CHANGED", 2)
    rows = [make_row(START_MS + number, client_address=ADDRESS) for number in range(8)]
    rows.append(make_row(client_address="198.51.100.1"))
    attempts = [Attempt(START_MS, "unknown", ADDRESS, 3), Attempt(START_MS, "unknown", OTHERS, 4)]
    store = instance.database.usage
    store.commit(Batch(rows, [], attempts))
    before = read_sums(instance.database)
    assert ADDRESS in _addresses(instance)
    assert store.erase_address(ADDRESS) == 9
    assert ADDRESS not in _addresses(instance)
    assert "198.51.100.1" in _addresses(instance)
    assert read_sums(instance.database) == before == {KEY: (9, 0)}
    assert [(one.address, one.count) for one in store.attempts(START_MS, 9)] == [(OTHERS, 7)]


def test_nothing_is_found_of_an_address_that_never_called(instance: Instance) -> None:
    """Erasing is safe to repeat: the second time there is nothing left to change."""
    instance.database.usage.commit(Batch([make_row(client_address=ADDRESS)]))
    assert instance.database.usage.erase_address("203.0.113.9") == 0
    assert instance.database.usage.erase_address(ADDRESS) == 1
    assert instance.database.usage.erase_address(ADDRESS) == 0


@pytest.mark.parametrize(("count", "lengths"), [(0, []), (1, [1]), (4, [4]), (5, [4, 1]), (8, [4, 4])])
def test_slices_hold_everything_in_order(count: int, lengths: list[int]) -> None:
    """One transaction may change only so many rows; none is lost between two slices."""
    found = list(slices(range(count), 4))
    assert [len(one) for one in found] == lengths
    assert [number for one in found for number in one] == list(range(count))

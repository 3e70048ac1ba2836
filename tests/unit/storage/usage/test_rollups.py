"""The SQL that counts: every entry once, whatever is repeated, and at most so many clients a day."""

import pytest

from ari.base.clock import DAY_MS
from ari.instance import Instance
from ari.usage.floods import MAX_CLIENTS_PER_DAY
from ari.usage.model import OTHERS, UsageRow
from ari.usage.ports import Batch
from tests.support.instances import START_MS
from tests.support.usage import KEY, make_row, read_sums


def _fold(instance: Instance, *rows: UsageRow) -> None:
    instance.database.usage.commit(Batch(list(rows)))
    instance.database.usage.fold_all()


@pytest.mark.parametrize("together", [True, False])
def test_a_flood_row_adds_only_what_is_new(instance: Instance, together: bool) -> None:
    """Its count only rises: a lower or equal one that arrives late adds nothing, in one fold or in several."""
    first = make_row(code="rate_limited", count=5)
    rows = [first, *(make_row(code="rate_limited", id=first.id, count=count) for count in (9, 7, 9))]
    if together:
        _fold(instance, *rows)
    else:
        for row in rows:
            _fold(instance, row)
    assert read_sums(instance.database) == {KEY: (0, 9)}


def test_a_request_that_is_staged_again_is_not_counted_again(instance: Instance) -> None:
    """After a commit whose outcome was unknown the same rows are committed again."""
    rows = [make_row(), make_row(code="expired")]
    _fold(instance, *rows, rows[0])
    _fold(instance, *rows, make_row())
    assert read_sums(instance.database) == {KEY: (2, 1)}


def test_only_so_many_new_clients_of_a_key_are_kept_each_day(instance: Instance) -> None:
    """Callers with ever new addresses cannot fill the disk; the next day begins again, and no request is lost."""
    today = [
        make_row(START_MS + number, client_address=f"2001:db8::{number:x}") for number in range(MAX_CLIENTS_PER_DAY)
    ]
    _fold(instance, *today[:3])
    _fold(instance, *today[3:], make_row(START_MS + DAY_MS // 8, client_address="192.0.2.1"))
    store = instance.database.usage
    known = {client.value for client in store.addresses(KEY, 10 * MAX_CLIENTS_PER_DAY)}
    assert known == {row.client_address for row in today} | {OTHERS}
    _fold(instance, make_row(START_MS + DAY_MS, client_address="192.0.2.1"))
    assert "192.0.2.1" in {client.value for client in store.addresses(KEY, 10 * MAX_CLIENTS_PER_DAY)}
    assert read_sums(instance.database) == {KEY: (MAX_CLIENTS_PER_DAY + 2, 0)}

"""What lists of keys and advice read of the log."""

from typing import Literal

import pytest

from ari.base.clock import DAY_MS
from ari.instance import Instance
from ari.keys.listing import Cursor
from ari.usage.advice import LateCall
from ari.usage.ports import Batch
from tests.support.instances import START_MS
from tests.support.usage import KEY, OTHER_KEY, make_row

NEVER_ACCEPTED = "key_01J000000000000000000000CC"


@pytest.fixture
def used_instance(instance: Instance) -> Instance:
    """KEY with two requests, OTHER_KEY with one later, and a key that was only refused."""
    rows = [
        make_row(START_MS),
        make_row(START_MS + 1, client_address="192.0.2.8"),
        make_row(START_MS + 2, key_id=OTHER_KEY),
        make_row(START_MS + 3, key_id=NEVER_ACCEPTED, code="expired", client_address="192.0.2.9"),
        make_row(START_MS + 4, key_id=NEVER_ACCEPTED, code="expired", count=6, user_agent="last"),
    ]
    instance.database.usage.commit(Batch(rows))
    return instance


@pytest.mark.parametrize(("by", "order"), [("used", [KEY, OTHER_KEY]), ("requests", [OTHER_KEY, KEY])])
@pytest.mark.parametrize("descending", [True, False])
def test_keys_in_order_of_their_use(
    used_instance: Instance, by: Literal["used", "requests"], order: list[str], descending: bool
) -> None:
    """A cursor goes on behind its key, in either direction; refused requests are no use."""
    wanted = order[::-1] if descending else order
    found = used_instance.database.usage.by_use(by, descending, None, 9)
    assert [key_id for key_id, _ in found] == wanted
    first, totals = found[0]
    value = totals.last_used_at_ms if by == "used" else totals.request_count
    rest = used_instance.database.usage.by_use(by, descending, Cursor(value, first), 9)
    assert [key_id for key_id, _ in rest] == wanted[1:]
    assert used_instance.database.usage.by_use(by, descending, None, 1) == found[:1]


def test_last_uses_are_of_accepted_requests(used_instance: Instance) -> None:
    """A key that was only refused counts as never used."""
    assert used_instance.database.usage.last_uses() == {KEY: START_MS + 1, OTHER_KEY: START_MS + 2}


def test_addresses_are_counted_up_to_a_limit(used_instance: Instance) -> None:
    """Only those with accepted requests since then."""
    every = [KEY, OTHER_KEY, NEVER_ACCEPTED]
    assert used_instance.database.usage.address_counts(every, START_MS, 9) == {KEY: 2, OTHER_KEY: 1, NEVER_ACCEPTED: 0}
    assert used_instance.database.usage.address_counts([KEY], START_MS, 1) == {KEY: 1}
    assert used_instance.database.usage.address_counts([KEY], START_MS + 1, 9) == {KEY: 1}


def test_late_calls_are_of_expired_keys(used_instance: Instance) -> None:
    """All calls of a key are summed; time and client are those of the last one."""
    [late] = used_instance.database.usage.late_calls(START_MS)
    assert late == LateCall(NEVER_ACCEPTED, 7, START_MS + 4, "192.0.2.7", "last")
    assert used_instance.database.usage.late_calls(START_MS + DAY_MS) == []

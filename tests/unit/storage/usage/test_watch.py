"""The watch's questions to the log, each alone."""

import pytest

from ari.base.clock import DAY_MS, HOUR_MS
from ari.instance import Instance
from ari.storage.usage.watch import WatchedTables
from ari.usage.model import Attempt
from ari.usage.ports import Batch
from ari.usage.watch.ports import LateKey
from tests.support.instances import START_MS
from tests.support.usage import KEY, OTHER_KEY, make_row

HOUR = START_MS - START_MS % HOUR_MS


@pytest.fixture
def watched_tables(instance: Instance) -> WatchedTables:
    """KEY works, and later from a new address; OTHER_KEY is dead and called often."""
    rows = [
        make_row(HOUR - 2 * DAY_MS),
        make_row(HOUR, client_address="198.51.100.1"),
        make_row(HOUR + 1, key_id=OTHER_KEY, code="expired", count=5),
        make_row(HOUR + 2, key_id=OTHER_KEY, code="revoked", client_address="203.0.113.9"),
    ]
    attempts = [Attempt(HOUR, "unknown", "192.0.2.1", 4), Attempt(HOUR, "malformed", "192.0.2.1", 3)]
    instance.database.usage.commit(Batch(rows, [], [*attempts, Attempt(HOUR, "unknown", "192.0.2.2", 6)]))
    instance.database.watched.fold()
    return instance.database.watched


def test_dead_keys_that_are_called(watched_tables: WatchedTables) -> None:
    """The latest call decides the reason; older calls are not found."""
    assert watched_tables.late_keys(HOUR) == [LateKey(OTHER_KEY, "revoked", HOUR + 2)]
    assert watched_tables.late_keys(HOUR + 3) == []
    assert watched_tables.count_refused(OTHER_KEY, ["expired", "revoked"], HOUR, HOUR + HOUR_MS) == 6
    assert watched_tables.count_refused(OTHER_KEY, ["expired"], HOUR, HOUR + HOUR_MS) == 5
    assert watched_tables.list_refused_addresses(OTHER_KEY, HOUR, 1) == ["203.0.113.9"]


def test_bursts_count_from_a_least_number(watched_tables: WatchedTables) -> None:
    """Of all codes together, the loudest first."""
    [burst] = watched_tables.list_refused_keys(HOUR, ["expired", "revoked"], 6)
    assert (burst.key_id, burst.refused, burst.codes) == (OTHER_KEY, 6, ["expired", "revoked"])
    assert watched_tables.list_refused_keys(HOUR, ["expired", "revoked"], 7) == []
    loud = watched_tables.loud_addresses(HOUR, ["unknown", "malformed"], 6, 9)
    assert [(one.address, one.refused, one.codes) for one in loud] == [
        ("192.0.2.1", 7, ["malformed", "unknown"]),
        ("192.0.2.2", 6, ["unknown"]),
    ]
    assert watched_tables.loud_addresses(HOUR, ["malformed"], 4, 9) == []


def test_addresses_that_are_new_for_an_old_key(watched_tables: WatchedTables) -> None:
    """A key in its first day has only new addresses, so it is left out."""
    found = watched_tables.list_new_addresses(HOUR, HOUR - DAY_MS, 9)
    assert {key_id: [one.value for one in seen] for key_id, seen in found.items()} == {KEY: ["198.51.100.1"]}
    assert watched_tables.list_new_addresses(HOUR, HOUR - 3 * DAY_MS, 9) == {}
    assert [one.value for one in watched_tables.list_addresses(KEY, 9)] == ["192.0.2.7", "198.51.100.1"]


def test_last_uses_and_days_of_more_keys_than_one_query_takes(watched_tables: WatchedTables) -> None:
    """Refused requests are no use."""
    ids = [OTHER_KEY, *(f"key_{number:026d}" for number in range(700)), KEY]
    assert watched_tables.last_used(ids) == watched_tables.last_uses() == {KEY: HOUR}
    days = watched_tables.days_used(ids, 0)
    assert list(days) == [KEY]
    assert days[KEY] == [HOUR - 2 * DAY_MS - (HOUR % DAY_MS), HOUR - HOUR % DAY_MS]


def test_refusals_of_all_keys_and_of_nobodys(watched_tables: WatchedTables) -> None:
    """Requests with a key and attempts without one are counted apart."""
    assert watched_tables.refusals(HOUR, with_key=True, codes=["expired", "revoked"]) == 6
    assert watched_tables.refusals(HOUR, with_key=False, codes=["unknown"]) == 10

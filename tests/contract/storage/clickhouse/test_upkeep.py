"""Promise 2: old days and addresses leave ClickHouse, nothing else does, and doctor sees its server and table."""

import os
import signal
import threading
import time
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select

from ari.base.clock import DAY_MS
from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.storage import checkup
from ari.storage.clickhouse.clickhouse_client import ClickHouse
from ari.storage.clickhouse.table import TABLE
from ari.storage.engine import Database
from ari.storage.tables import usage_totals
from ari.usage.model import Completion
from ari.usage.ports import Batch
from tests.contract.storage.clickhouse.conftest import Open
from tests.support.clock import FrozenClock
from tests.support.instances import START_MS
from tests.support.logged_traffic import make_flood
from tests.support.usage import KEY, OTHER_KEY, make_row, rows_of

TODAY = START_MS - START_MS % DAY_MS


def _fill(instance: Instance) -> None:
    usage = instance.database.usage
    for days in range(5):
        at_ms = TODAY - days * DAY_MS
        usage.commit(Batch([make_row(at_ms + number, key_id=key) for number in range(3) for key in (KEY, OTHER_KEY)]))
        usage.commit(Batch([make_row(at_ms, code="expired"), make_row(at_ms + DAY_MS - 1)]))
        usage.commit(Batch(make_flood((2, 6), at_ms + 5)))
        usage.fold()


def _read_removed(instance: Instance) -> tuple[int, int]:
    columns = usage_totals.c.removed_request_count, usage_totals.c.removed_refused_count
    with instance.database.log.connect() as connection:
        accepted, refused = connection.execute(select(*columns).where(usage_totals.c.key_id == KEY)).one()
        return accepted, refused


def test_days_are_dropped_when_all_of_their_rows_are_old(instance: Instance) -> None:
    """Promise 3: what was removed is added to the removed counts, so totals = rows + removed."""
    _fill(instance)
    usage, before_ms = instance.database.usage, TODAY - 2 * DAY_MS + 1
    assert sum(usage.remove_before(before_ms)) == 2 * 9
    left = rows_of(instance.database)
    assert {(row.at_ms - TODAY) // DAY_MS for row in left} == {0, -1, -2}
    assert sum(usage.remove_before(before_ms)) == 0
    accepted, refused = _read_removed(instance)
    assert (accepted, refused) == (2 * 4, 2 * 7)
    totals = usage.totals([KEY])[KEY]
    mine = [row for row in left if row.key_id == KEY]
    assert totals.request_count == accepted + sum(row.count for row in mine if row.accepted)
    assert totals.refused_count == refused + sum(row.count for row in mine if not row.accepted)


@pytest.mark.parametrize("is_done", [False, True])
def test_a_day_whose_drop_was_killed_is_counted_once(instance: Instance, is_done: bool) -> None:
    """The process ends after it has noted the counts: before ClickHouse drops the day, and after."""
    _fill(instance)
    child = os.fork()
    if child == 0:
        try:
            database, change = Database.open(instance.settings), ClickHouse.change
            database.clock = instance.clock

            def die(*given: Any) -> None:
                if is_done:
                    change(*given)
                os.kill(os.getpid(), signal.SIGKILL)

            patch.object(ClickHouse, "change", die).start()
            list(database.usage.remove_before(TODAY - 3 * DAY_MS))
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    list(instance.database.usage.remove_before(TODAY - 3 * DAY_MS))
    assert _read_removed(instance) == (4, 7)
    assert {(row.at_ms - TODAY) // DAY_MS for row in rows_of(instance.database)} == {0, -1, -2, -3}


def test_an_address_is_erased_from_all_versions_of_a_row(instance: Instance) -> None:
    """Also from those that were replaced but not merged yet."""
    usage = instance.database.usage
    mine = [make_row(method="POST", status=None, client_address="2001:db8::7") for _ in range(3)]
    others = [make_row(client_address="2001:db8::8"), make_row(client_address=None)]
    usage.commit(Batch([*mine, *others]))
    usage.fold()
    usage.commit(Batch([make_row(client_address="2001:db8::7")], [Completion(row.id, 200, 1.0, 1) for row in mine]))
    assert usage.erase_address("2001:0DB8::7") == 4
    assert usage.erase_address("2001:db8::7") == 0
    assert sorted(str(row.client_address) for row in rows_of(instance.database)) == ["2001:db8::8"] + ["None"] * 5
    clickhouse = instance.database.clickhouse
    assert clickhouse is not None
    found = clickhouse.database.read(f"SELECT count() FROM {TABLE} WHERE client_address = '2001:db8::7'")
    assert found == [[0]]


def test_an_address_that_stays_is_reported(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Erasing never claims what it did not do."""
    usage = instance.database.usage
    usage.commit(Batch([make_row(client_address="192.0.2.99")]))
    usage.fold()
    monkeypatch.setattr(ClickHouse, "change", lambda *_: None)
    with pytest.raises(Unavailable, match="Try again"):
        usage.erase_address("192.0.2.99")


def test_doctor_sees_server_and_table(
    open_instance: Open, clickhouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong clock is a note. A table that ARI did not make and an old version fail, with what to do."""
    instance = open_instance(clickhouse_url)
    clickhouse = instance.database.clickhouse
    assert clickhouse is not None
    clock = instance.clock
    assert isinstance(clock, FrozenClock)
    clock.step(time.time() - START_MS / 1000)
    assert rows_of(instance.database) == []
    found = checkup.clickhouse(instance.database)
    assert found is not None
    assert found.state == "ok", found.words
    clock.step(3_600)
    found = checkup.clickhouse(instance.database)
    assert found is not None
    assert (found.state, "Its clock differs" in found.words) == ("note", True)
    clickhouse.database.change(f"DROP TABLE {TABLE}")
    with pytest.raises(Unavailable) as raised:
        checkup.clickhouse(instance.database)
    assert f"Its table {TABLE} is gone" in str(raised.value.reason)
    clickhouse.database.change(f"CREATE TABLE {TABLE} (id_high Int64) ENGINE = MergeTree ORDER BY id_high")
    found = checkup.clickhouse(instance.database)
    assert found is not None
    assert found.state == "wrong"
    assert "not one that ARI made. Rename or drop it" in found.words
    monkeypatch.setattr("ari.storage.clickhouse.upkeep.MIN_VERSION", (99, 1))
    found = checkup.clickhouse(instance.database)
    assert found is not None
    assert (found.state, "ARI needs 99.1 or later: upgrade it" in found.words) == ("wrong", True)


def test_doctor_says_that_rows_are_being_moved(open_instance: Open, clickhouse_url: str) -> None:
    """Until then, no rows can be read."""
    before = open_instance(None)
    before.database.usage.commit(Batch([make_row()]))
    before.database.usage.fold()
    found = checkup.clickhouse(open_instance(clickhouse_url).database)
    assert found is not None
    assert found.state == "note"
    assert checkup.clickhouse(before.database) is None


def test_a_fold_during_an_erasure_brings_no_address_back(open_instance: Open, clickhouse_url: str) -> None:
    """Another node has read a row to complete it, and stores it after the erasure changed the table."""
    one, other = open_instance(clickhouse_url), open_instance(clickhouse_url)
    usage, address = one.database.usage, "203.0.113.77"
    row = make_row(method="POST", status=None, duration_ms=None, bytes=None, client_address=address)
    usage.commit(Batch([row]))
    usage.fold()
    folder, sink = other.database, other.database.clickhouse
    assert sink is not None
    has_read, was_erased = threading.Event(), threading.Event()
    insert, change = sink.database.insert, ClickHouse.change

    def insert_late(lines: bytes) -> int | None:
        has_read.set()
        was_erased.wait(5)
        return insert(lines)

    def change_and_go_on(*given: Any) -> None:
        if not has_read.is_set():
            usage.commit(Batch([], [Completion(row.id, 200, 1.0, 1)]))
            folding.start()
            has_read.wait(5)
        change(*given)
        was_erased.set()

    folding = threading.Thread(target=folder.usage.fold)
    with patch.object(sink.database, "insert", insert_late), patch.object(ClickHouse, "change", change_and_go_on):
        usage.erase_address(address)
        folding.join()
    assert [(found.status, found.client_address) for found in rows_of(one.database)] == [(200, None)]

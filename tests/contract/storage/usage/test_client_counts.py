"""Counts of clients that wait to be added: every read has them, and no caller is removed before."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from ari.base.clock import DAY_MS
from ari.base.errors import Unavailable
from ari.storage.tables import usage_callers, usage_client_counts
from ari.storage.usage import client_steps
from ari.storage.usage import store as usage_tables
from ari.storage.usage.client_steps import LONG_SECONDS, ClientSteps
from ari.storage.usage.retention import Retention
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, make_row, read_sums, rows_of


def test_clients_of_several_folds_are_counted_once(data_dir: Path, database_url: str | None) -> None:
    """Whether they wait or were added by a read or by the process that folds."""
    with opened(data_dir, database_url) as instance:
        store = instance.database.usage
        for round_ in range(4):
            rows = [make_row(START_MS + round_, client_address=f"192.0.2.{n % 3}", code=code) for n, code in
                    enumerate(("ok", "expired", "ok", "ok"))]  # fmt: skip
            store.commit(Batch([*rows, make_row(client_address=None, user_agent=None)]))
            assert store.move(100) == 5
            if round_ == 1:
                store.add_clients()
        found = {one.value: (one.accepted_count, one.refused_count) for one in store.addresses(KEY, 9)}
        assert found == {"192.0.2.0": (8, 0), "192.0.2.1": (0, 4), "192.0.2.2": (4, 0), "other": (4, 0)}
        assert read_sums(instance.database) == {KEY: (16, 4)}
        with instance.database.log.connect() as connection:
            assert not connection.execute(select(usage_client_counts)).all()


def test_counts_are_added_some_at_a_time(
    data_dir: Path, database_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction is never longer than others can wait, whatever waits to be added, and none is left out."""
    monkeypatch.setattr(client_steps, "MAX_COUNTS", 3)
    with opened(data_dir, database_url) as instance:
        store, steps = instance.database.usage, list[str]()
        keys = [f"key_{n:026}" for n in range(2)]
        store.commit(Batch([make_row(key_id=key, client_address=f"192.0.2.{n}") for key in keys for n in range(9)]))
        store.move(100)

        @event.listens_for(instance.database.folder.engine, "before_cursor_execute")
        def _remember(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if "DELETE FROM usage_client_counts" in statement:
                steps.append(statement)

        while store.add_clients():
            pass
        assert len(steps) == 5
        assert {(key, one.value, one.accepted_count) for key in keys for one in store.addresses(key, 99)} == {
            (key, f"192.0.2.{n}", 1) for key in keys for n in range(9)
        }
        read_sums(instance.database)


def test_a_read_adds_few_counts_and_says_which_are_missing(
    data_dir: Path, database_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No read waits for all clients of a busy key. Totals are whole, and it is known how far clients are."""
    monkeypatch.setattr(usage_tables, "MAX_READ_COUNTS", 2)
    with opened(data_dir, database_url) as instance:
        store = instance.database.usage
        store.commit(Batch([make_row(START_MS + n, client_address=f"192.0.2.{n}") for n in range(9)]))
        assert instance.reports.complete_until_ms() == START_MS + 3
        assert len(store.addresses(KEY, 99)) == 6
        assert store.totals([KEY])[KEY].request_count == 9
        assert instance.reports.complete_until_ms() is None
        assert len(store.addresses(KEY, 99)) == 9


def test_a_read_that_gets_no_lock_says_that_clients_are_missing(data_dir: Path, database_url: str | None) -> None:
    """Nothing is staged, but the clients of some requests are not counted."""
    with opened(data_dir, database_url) as instance:
        store = instance.database.usage
        store.commit(Batch([make_row(START_MS)]))
        assert store.move(100) == 1
        with store.begin_write():
            assert instance.reports.complete_until_ms() == START_MS
        assert instance.reports.complete_until_ms() is None


def test_a_step_is_shorter_after_one_that_failed_or_took_long(
    data_dir: Path, database_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that the server cancels is not tried again with as many counts."""
    monkeypatch.setattr(client_steps, "FIRST_COUNTS", 8)
    monkeypatch.setattr(client_steps, "MIN_COUNTS", 2)
    with opened(data_dir, database_url) as instance:
        store = instance.database.usage
        store.commit(Batch([make_row(START_MS + n, client_address=f"192.0.2.{n}") for n in range(16)]))
        store.move(100)
        passed = iter([0.0, 0.0, LONG_SECONDS + 1, 0.0, 0.5, 0.0, 0.0, 0.0, 0.5])
        steps = ClientSteps(instance.database.folder.engine, instance.database.log_lock, passed.__next__)
        sizes = list[int]()

        @event.listens_for(instance.database.folder.engine, "before_cursor_execute")
        def _refuse_first(_connection: Any, _cursor: Any, statement: str, given: Any, *_rest: Any) -> None:
            if "OFFSET" in statement and "usage_client_counts" in statement:
                sizes.append(next(iter(given.values() if isinstance(given, dict) else given)))
                if len(sizes) == 1:
                    raise OperationalError(statement, {}, Exception("canceling statement due to statement timeout"))

        with pytest.raises(Unavailable):
            steps.add_some()
        steps.add_all()
        assert sizes == [8, 4, 2, 2, 4]
        assert len(store.addresses(KEY, 99)) == 16


def test_a_caller_whose_counts_wait_is_kept(data_dir: Path, database_url: str | None) -> None:
    """Retention removes callers by their last day, which is noted when their counts are added."""
    with opened(data_dir, database_url) as instance:
        store = instance.database.usage
        store.commit(Batch([make_row(START_MS)]))
        store.fold_all()
        new = make_row(START_MS + 9 * DAY_MS)
        store.commit(Batch([new]))
        store.move(100)
        retention = Retention(instance.database.log, instance.database.log_lock, store.begin_write)
        assert sum(retention.steps(START_MS + 5 * DAY_MS, "req_")) > 0
        with instance.database.log.connect() as connection:
            assert len(connection.execute(select(usage_callers)).all()) == 1
        assert rows_of(instance.database) == [new]
        store.add_clients()
        with instance.database.log.connect() as connection:
            day = connection.scalar(text("SELECT last_day FROM usage_callers"))
        assert day == (START_MS + 9 * DAY_MS) // DAY_MS

"""Promises 2 and 3: each request is in ClickHouse once and counted once, whatever ends in the middle of a fold."""

import os
import random
import signal
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import event, text

from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.storage.clickhouse.clickhouse_client import ClickHouse, ValueRefused
from ari.storage.engine import Database
from ari.usage.ai import AiUse
from ari.usage.model import Completion, UsageRow
from ari.usage.ports import Batch
from tests.contract.storage.clickhouse.conftest import Open
from tests.support.clickhouse import start_own
from tests.support.instances import START_MS
from tests.support.logged_traffic import make_flood
from tests.support.processes import eventually
from tests.support.seeds import choose_seed
from tests.support.usage import KEY, make_ai_use, make_row, rows_of


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_before_the_insert(_: Database) -> None:
    patch.object(ClickHouse, "insert", _die).start()


def _die_after_the_insert(_: Database) -> None:
    insert = ClickHouse.insert
    patch.object(ClickHouse, "insert", lambda *given: _die(insert(*given))).start()


def _die_before_the_commit(database: Database) -> None:
    event.listen(database.folder.engine, "commit", _die)


def _die_after_the_commit(database: Database) -> None:
    fold = database.folder.fold
    patch.object(database.folder, "fold", lambda *given: _die(fold(*given))).start()


STEPS = [_die_before_the_insert, _die_after_the_insert, _die_before_the_commit, _die_after_the_commit]


def _fold_and_die(instance: Instance, die: Callable[[Database], None], most: int, *, may_live: bool = False) -> None:
    """Fold in another process, which is killed at this step; ``may_live``: unless it has nothing to insert."""
    child = os.fork()
    if child == 0:
        try:
            database = Database.open(instance.settings)
            die(database)
            database.usage.fold(most)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or may_live


def _require_exact(instance: Instance, rows: list[UsageRow]) -> None:
    """Each row is there once, and the totals are the sums of the rows."""
    usage = instance.database.usage
    found = rows_of(instance.database)
    eventually(usage.catch_up)
    assert [row.id for row in found] == sorted((row.id for row in rows), reverse=True)
    for key_id in {row.key_id for row in rows}:
        mine, totals = [row for row in found if row.key_id == key_id], usage.totals([key_id])[key_id]
        assert totals.request_count == sum(row.count for row in mine if row.accepted)
        assert totals.refused_count == sum(row.count for row in mine if not row.accepted)


@pytest.mark.parametrize("die", STEPS)
@pytest.mark.parametrize("most", [10, 1_000])
def test_a_killed_fold_is_done_once(instance: Instance, die: Callable[[Database], None], most: int) -> None:
    """The next fold may have fewer entries than the killed one, or more."""
    usage = instance.database.usage
    begun = [make_row(method="POST", status=None, duration_ms=None, bytes=None) for _ in range(10)]
    usage.commit(Batch(begun))
    usage.fold(3)
    rows = [make_row(code=code) for code in ("ok", "expired") for _ in range(10)]
    ended: list[Completion | AiUse] = [Completion(row.id, 201, 3.5, 12) for row in begun]
    ended += [make_ai_use(row.id) for row in begun[:5]]
    usage.commit(Batch([*rows, *make_flood((7,))], ended))
    floods = [row for row in make_flood((2, 5)) for _ in range(2)]
    usage.commit(Batch(floods))
    _fold_and_die(instance, die, most)
    usage.commit(Batch([more := make_row()]))
    while usage.fold(4):
        pass
    found = {row.id: row for row in rows_of(instance.database)}
    assert {found[row.id].status for row in begun} == {201}
    assert found[floods[0].id].count == 5
    expected = [*begun, *rows, more, floods[0], next(row for row in found.values() if row.count == 7)]
    _require_exact(instance, expected)


@pytest.mark.parametrize("die", STEPS)
def test_a_flood_goes_on_after_a_killed_fold(instance: Instance, die: Callable[[Database], None]) -> None:
    """Its count so far is what was counted, not what was sent."""
    usage = instance.database.usage
    rows = make_flood((1, 4, 9, 8, 12))
    usage.commit(Batch(rows[:1]))
    usage.fold()
    usage.commit(Batch(rows[1:3]))
    _fold_and_die(instance, die, 1)
    for row in rows[3:]:
        usage.commit(Batch([row]))
        usage.fold()
    _require_exact(instance, rows[:1])
    assert [row.count for row in rows_of(instance.database)] == [12]


def test_a_request_that_is_committed_again_counts_once(instance: Instance) -> None:
    """As after a commit whose outcome was unknown: in the same fold, in the next one, and after a killed one."""
    usage = instance.database.usage
    rows = [make_row() for _ in range(6)]
    usage.commit(Batch(rows[:4]))
    usage.commit(Batch(rows[:2]))
    usage.fold()
    usage.commit(Batch(rows[2:5]))
    _fold_and_die(instance, _die_after_the_insert, 1_000)
    usage.commit(Batch(rows[3:]))
    usage.fold(2)
    usage.fold()
    _require_exact(instance, rows)


def test_nodes_that_take_turns(open_instance: Open, clickhouse_url: str) -> None:
    """Any of them folds, and some are killed."""
    chosen = random.Random(choose_seed())
    nodes, rows = [open_instance(clickhouse_url) for _ in range(3)], list[UsageRow]()
    for _ in range(20):
        made = [make_row(key_id=f"key_{chosen.randrange(3)}") for _ in range(chosen.randrange(9))]
        rows += made
        chosen.choice(nodes).database.usage.commit(Batch([*made, *chosen.sample(rows, min(2, len(rows)))]))
        if chosen.random() < 0.2:
            _fold_and_die(nodes[0], chosen.choice(STEPS), 5, may_live=True)
        chosen.choice(nodes).database.usage.fold(chosen.choice((1, 7, 100)))
    nodes[0].database.usage.fold_all()
    for node in nodes:
        _require_exact(node, rows)


def test_while_clickhouse_is_away_requests_are_logged(open_instance: Open) -> None:
    """Nothing that can be read is less than all: single rows are unavailable, and the backlog shows what waits."""
    with start_own() as engine:
        instance = open_instance(engine.create())
        usage, before = instance.database.usage, make_row()
        usage.commit(Batch([before]))
        assert [row.id for row in rows_of(instance.database)] == [before.id]
        engine.kill()
        rows = [make_row() for _ in range(5)]
        usage.commit(Batch(rows))
        with pytest.raises(Unavailable, match="can't be read or written"):
            usage.fold()
        with pytest.raises(Unavailable, match="can't be read or written"):
            rows_of(instance.database)
        assert usage.backlog().rows == 5
        assert usage.totals([KEY])[KEY].request_count == 1
        assert instance.database.usage.complete_until_ms() is not None
        engine.start()
        usage.fold_all()
        _require_exact(instance, [before, *rows])
        engine.kill()
        engine.start()
        _require_exact(instance, [before, *rows])


def test_a_hanging_clickhouse_holds_nobody_for_long(open_instance: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads end with a timeout, and the next ones at once."""
    monkeypatch.setattr("ari.storage.clickhouse.clickhouse_client.READ_SECONDS", 1)
    with start_own() as engine:
        instance = open_instance(engine.create())
        instance.database.usage.commit(Batch([row := make_row()]))
        assert rows_of(instance.database)
        engine.pause()
        instance.database.usage.commit(Batch([more := make_row()]))
        for _ in range(3):
            with pytest.raises(Unavailable):
                rows_of(instance.database)
        engine.resume()
        eventually(lambda: _can_read(instance))
        _require_exact(instance, [row, more])


def _can_read(instance: Instance) -> bool:
    try:
        return bool(rows_of(instance.database))
    except Unavailable:
        return False


def test_a_process_without_the_setting_neither_folds_nor_reads(open_instance: Open, clickhouse_url: str) -> None:
    """It would store rows elsewhere, or miss some."""
    first, second = open_instance(clickhouse_url), open_instance(None)
    rows = [make_row(), make_row()]
    first.database.usage.commit(Batch(rows[:1]))
    first.database.usage.fold()
    second.database.usage.commit(Batch(rows[1:]))
    for refused in (second.database.usage.fold, lambda: rows_of(second.database)):
        with pytest.raises(Unavailable) as raised:
            refused()
        assert "ARI_USAGE_LOG_URL" in str(raised.value.reason)
    first.database.usage.fold()
    _require_exact(first, rows)


def test_no_error_has_the_password(open_instance: Open, clickhouse_url: str, caplog: Any) -> None:
    """Promise 4: neither the errors nor the log."""
    wrong = open_instance(clickhouse_url.replace("horse", "s3cret"))
    wrong.database.usage.commit(Batch([make_row()]))
    with pytest.raises(Unavailable) as raised:
        wrong.database.usage.fold()
    said = f"{raised.value} {raised.value.reason} {caplog.text} {wrong.settings!r}"
    assert "s3cret" not in said
    assert "AUTHENTICATION_FAILED" in said or "516" in said


def test_a_row_that_clickhouse_refuses_keeps_no_other_out(instance: Instance, caplog: Any) -> None:
    """It is stored without the value, and counted."""
    usage = instance.database.usage
    rows = [make_row() for _ in range(9)]
    usage.commit(Batch([*rows, odd := make_row(secret_number=2**31 - 1)]))
    sink = instance.database.clickhouse
    assert sink is not None
    insert = sink.database.insert

    def refuse(lines: bytes) -> int | None:
        return insert(lines.replace(b",2147483647,", b',"no",'))

    with patch.object(sink.database, "insert", refuse):
        usage.fold()
    _require_exact(instance, [*rows, odd])
    found = {row.id: row for row in rows_of(instance.database)}
    assert found[odd.id].secret_number is None
    assert {found[row.id].status for row in rows} == {200}
    assert sink.mover.count_reduced() == 1
    assert caplog.text.count("refuses values of 1 requests") == 1


def test_a_table_that_refuses_every_row_loses_no_value(instance: Instance) -> None:
    """Then the table is wrong, not a row, and requests wait."""
    usage = instance.database.usage
    usage.commit(Batch([make_row() for _ in range(300)]))
    refused = ValueRefused("no")
    with patch.object(ClickHouse, "insert", side_effect=refused), pytest.raises(Unavailable):
        usage.fold()
    assert usage.count_staged() == 300


@pytest.mark.parametrize("status", [-5, 70_000, 65_536])
def test_an_impossible_status_is_unknown(instance: Instance, status: int) -> None:
    """Staged by a node of an older version, which cleaned no number."""
    usage = instance.database.usage
    begun = make_row(method="POST", status=None, duration_ms=None, bytes=None)
    usage.commit(Batch([row := make_row(status=status), begun], [Completion(begun.id, status, 1.0, 1)]))
    usage.fold()
    assert {found.id: found.status for found in rows_of(instance.database)} == {row.id: None, begun.id: None}


def test_rows_that_clickhouse_did_not_store_stay_staged(instance: Instance) -> None:
    """Promise 2: the server says how many it stored, or their ids are looked for."""
    usage = instance.database.usage
    usage.commit(Batch([row := make_row()]))
    for said in (0, None):
        with patch.object(ClickHouse, "insert", return_value=said), pytest.raises(Unavailable) as raised:
            usage.fold()
        assert "stored 0 of 1" in str(raised.value.reason)
    _require_exact(instance, [row])


def test_readers_send_nothing_to_clickhouse(instance: Instance) -> None:
    """It may hang: lists of keys show until when their counts are complete."""
    usage = instance.database.usage
    usage.commit(Batch([make_row()]))
    with patch.object(ClickHouse, "insert", side_effect=AssertionError), patch.object(ClickHouse, "read") as read:
        assert usage.totals([KEY]) == {}
        assert usage.complete_until_ms() == START_MS
    read.assert_not_called()


@pytest.mark.parametrize("defect", ["at_ms = NULL", "code = NULL"])
def test_an_entry_that_no_fold_takes_is_set_aside(instance: Instance, defect: str) -> None:
    """The others are there once and counted once. So is the entry, once it can be: its row may be there already."""
    usage, rows = instance.database.usage, [make_row(START_MS + number) for number in range(5)]
    for row in rows:
        usage.commit(Batch([row]))
    with instance.database.folder.staging.begin() as connection:
        connection.execute(
            text(f"UPDATE usage_staging SET {defect} WHERE seq = (SELECT min(seq) + 2 FROM usage_staging)")
        )
    usage.fold_all()
    assert usage.totals([KEY])[KEY].request_count == 4
    assert (usage.backlog().rows, usage.backlog().set_aside) == (0, 1)
    repaired = f""""at_ms": {rows[2].at_ms}, "code": "ok", "kind\""""
    with instance.database.folder.staging.begin() as connection:
        connection.execute(
            text("""UPDATE usage_set_aside SET entry = replace(replace(replace(entry, '"at_ms": ', '"x": '),
            '"code": ', '"y": '), '"kind"', :repaired)"""),
            {"repaired": repaired},
        )
    assert usage.restage() == 1
    usage.fold_all()
    _require_exact(instance, rows)

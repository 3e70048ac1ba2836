"""Promise 2 with an entry that no fold takes: it is set aside, lost nowhere, and the others are folded."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from ari.base.clock import DAY_MS
from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.storage.usage import set_aside
from ari.usage.ai import AiUse
from ari.usage.model import UsageRow
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, make_row, read_sums, rows_of


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _stage(instance: Instance, count: int, bad: Sequence[int]) -> list[UsageRow]:
    """Stage so many requests, of which these have no time, as a defect of another version may leave them."""
    rows = [make_row(START_MS + number, client_address="10.0.0.1") for number in range(count)]
    for row in rows:
        instance.database.usage.commit(Batch([row]))
    with instance.database.folder.staging.begin() as connection:
        numbers = connection.scalars(text("SELECT seq FROM usage_staging ORDER BY seq")).all()
        for place in bad:
            statement = text("UPDATE usage_staging SET at_ms = NULL WHERE seq = :seq")
            connection.execute(statement, {"seq": numbers[place]})
    return rows


def _read_set_aside(instance: Instance) -> list[tuple[str, str]]:
    with instance.database.folder.staging.begin() as connection:
        found = connection.execute(text("SELECT reason, entry FROM usage_set_aside ORDER BY seq"))
        return [(reason, entry) for reason, entry in found]


def _repair(instance: Instance) -> None:
    """As the runbook does."""
    with instance.database.folder.staging.begin() as connection:
        repaired = f"""UPDATE usage_set_aside SET entry = replace(entry, '"kind"', '"at_ms": {START_MS}, "kind"')"""
        connection.execute(text(repaired))


@pytest.mark.parametrize("most", [1, 4, 100])
@pytest.mark.parametrize("bad", [[0], [3], [8], [2, 3, 7]])
def test_the_others_are_folded(instance: Instance, bad: list[int], most: int) -> None:
    """Rows, totals and rollups agree on them, by folds of any size, and the backlog is empty."""
    rows, store = _stage(instance, 9, bad), instance.database.usage
    while store.move(most):
        store.delete_folded()
    good = 9 - len(bad)
    assert read_sums(instance.database) == {KEY: (good, 0)}
    assert {row.id for row in rows_of(instance.database)} == {
        row.id for place, row in enumerate(rows) if place not in bad
    }
    backlog = store.backlog()
    assert (backlog.rows, backlog.set_aside) == (0, len(bad))
    for (reason, entry), place in zip(_read_set_aside(instance), bad, strict=True):
        assert reason in ("IntegrityError", "NotNullViolation", "OperationalError")
        assert rows[place].key_id in entry
    store.fold_all()
    assert store.backlog().set_aside == len(bad)


def test_an_entry_that_another_process_folded_is_not_set_aside(instance: Instance) -> None:
    """It would be counted twice at the next start."""
    _stage(instance, 3, [])
    folder = instance.database.folder
    with folder.staging.begin() as connection:
        numbers = connection.scalars(text("SELECT seq FROM usage_staging")).all()
    assert folder.move() == 3
    assert all(folder.set_aside.add(number, ValueError("a defect")) for number in numbers)
    assert instance.database.usage.backlog().set_aside == 0


def test_an_entry_is_tried_again_at_a_start(instance: Instance) -> None:
    """It is counted once it can be, and once only; until then it is set aside again."""
    rows, store = _stage(instance, 4, [1]), instance.database.usage
    store.fold_all()
    assert store.restage() == 1
    assert store.backlog().set_aside == 0
    store.fold_all()
    assert store.backlog().set_aside == 1
    _repair(instance)
    assert store.restage() == 1
    assert store.restage() == 0
    store.fold_all()
    store.fold_all()
    assert read_sums(instance.database) == {KEY: (4, 0)}
    assert {row.id for row in rows_of(instance.database)} == {row.id for row in rows}
    assert store.backlog() == type(store.backlog())(0, None)


def test_a_defect_of_all_entries_sets_few_aside(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is the database or ARI, and the entries stay staged."""
    monkeypatch.setattr(set_aside, "MAX_SET_ASIDE", 2)
    _stage(instance, 5, range(5))
    store = instance.database.usage
    with pytest.raises(Unavailable):
        store.fold_all()
    backlog = store.backlog()
    assert (backlog.rows, backlog.set_aside) == (3, 2)


def test_a_fault_of_the_database_sets_nothing_aside(instance: Instance) -> None:
    """A table that is gone belongs to no entry."""
    _stage(instance, 3, [])
    store = instance.database.usage
    with instance.database.log.begin() as connection:
        connection.execute(text("ALTER TABLE usage_totals RENAME TO elsewhere"))
    with pytest.raises(Unavailable):
        store.move(100)
    with instance.database.log.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO usage_totals"))
    assert store.backlog().set_aside == 0
    assert store.move(100) == 3


def test_a_read_sets_nothing_aside(instance: Instance) -> None:
    """It would wait for many folds. It reports that its reports are incomplete."""
    _stage(instance, 5, [2])
    store = instance.database.usage
    assert not store.catch_up()
    assert store.backlog().set_aside == 0


def test_a_sum_that_is_too_large_keeps_no_other_out(instance: Instance) -> None:
    """Two entries that could be counted alone. SQLite stores a sum beyond its integers as a rounded number."""
    store = instance.database.usage
    uses = [AiUse(make_row().id, START_MS, KEY, "openai", "m", 1, 1, 0, 200, 1.0, 2.0, "complete") for _ in range(2)]
    store.commit(Batch(completions=[*uses]))
    with instance.database.folder.staging.begin() as connection:
        connection.execute(text(f"UPDATE usage_staging SET cost_micros = {2**63 - 1}"))
    store.commit(Batch([make_row(START_MS)]))
    store.fold_all()
    assert read_sums(instance.database) == {KEY: (1, 0)}
    assert store.backlog().rows == 0
    assert store.backlog().set_aside == (1 if instance.database.shared else 0)


def test_an_erased_address_and_old_entries_leave(instance: Instance) -> None:
    """security.md: what is set aside is no hiding place."""
    _stage(instance, 3, [1])
    store = instance.database.usage
    store.fold_all()
    assert store.erase_address("10.0.0.1") == 3
    [(_, entry)] = _read_set_aside(instance)
    assert "10.0.0.1" not in entry
    assert sum(store.remove_before(START_MS)) == 0
    assert sum(store.remove_before(START_MS + DAY_MS)) > 0
    assert store.backlog().set_aside == 0

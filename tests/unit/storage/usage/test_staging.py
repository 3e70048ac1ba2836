"""A SQLite file that is removed or replaced under a running process: it never writes where no reader looks."""

from pathlib import Path

import pytest

from ari.base.errors import Unavailable
from ari.storage.migrate import migrate
from ari.usage.ports import Batch
from tests.support.instances import opened
from tests.support.usage import make_row, rows_of


@pytest.mark.parametrize("name", ["usage.db", "usage-staging.db"])
def test_a_removed_log_takes_no_rows(data_dir: Path, name: str) -> None:
    """Its callers get ``Unavailable``; no empty file appears in its place."""
    with opened(data_dir, None) as instance:
        migrate(instance.database)  # as every start does: each engine has been connected
        instance.database.usage.commit(Batch([make_row()]))
        for path in data_dir.glob(f"{name}*"):
            path.unlink()
        for _ in range(2):
            with pytest.raises(Unavailable):
                instance.database.usage.commit(Batch([make_row()]))
            with pytest.raises(Unavailable):
                instance.database.usage.fold()
        assert not (data_dir / name).exists()


def test_a_replaced_log_is_written_from_then_on(data_dir: Path) -> None:
    """As after a restore: rows go into the file that is there now, those too that were not counted yet."""
    with opened(data_dir, None) as instance:
        store = instance.database.usage
        first, second, third = make_row(), make_row(), make_row()
        store.commit(Batch([first]))
        store.fold_all()
        instance.database.log.dispose()
        instance.database.folder.engine.dispose()
        copy = (data_dir / "usage.db").read_bytes()
        store.commit(Batch([second]))
        (data_dir / "fresh.db").write_bytes(copy)
        for name in ("usage.db-wal", "usage.db-shm"):
            (data_dir / name).unlink(missing_ok=True)
        (data_dir / "fresh.db").replace(data_dir / "usage.db")
        store.commit(Batch([third]))
        assert {row.id for row in rows_of(instance.database)} == {first.id, second.id, third.id}

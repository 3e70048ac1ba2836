"""What SQLite needs: files that are not recreated by mistake, one writer, and room that is given back."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from ari.storage import dialect
from ari.storage.database_errors import read_only
from ari.storage.dialect import count_free_pages, give_back_pages, only_here, sqlite_engine


@pytest.fixture
def engine(data_dir: Path) -> Engine:
    made = sqlite_engine(data_dir / "a.db", "FULL")
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
    return made


def test_a_file_that_is_gone_is_not_made_again(engine: Engine, data_dir: Path) -> None:
    """A writer would go on in an empty file, and every key would be unknown."""
    engine.dispose()
    (data_dir / "a.db").unlink()
    with pytest.raises(OperationalError, match="it is gone"):
        engine.connect()
    assert not (data_dir / "a.db").exists()


def test_a_replaced_file_is_noticed_by_an_open_connection(engine: Engine, data_dir: Path) -> None:
    """It would go on writing where no reader looks."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM t"))
    other = sqlite_engine(data_dir / "b.db", "FULL")
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE of_the_new_file (x)"))
    other.dispose()
    for rest in ("a.db-wal", "a.db-shm"):
        (data_dir / rest).unlink(missing_ok=True)
    (data_dir / "b.db").replace(data_dir / "a.db")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM of_the_new_file")).scalar_one() == 0


def test_a_writer_takes_its_turn_at_the_beginning(engine: Engine, data_dir: Path) -> None:
    """So that it reads what the writer before it committed; one that only reads blocks nobody."""
    other = sqlite3.connect(data_dir / "a.db", timeout=0, isolation_level=None)
    with read_only(engine) as connection:
        connection.execute(text("SELECT 1 FROM t"))
        other.execute("INSERT INTO t VALUES (1)")
    with engine.begin(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("INSERT INTO t VALUES (2)")
    other.execute("INSERT INTO t VALUES (3)")
    other.close()


def test_one_alone_may_go_on(engine: Engine, data_dir: Path) -> None:
    """Until its block ends, by an error too."""
    lock = data_dir / "a.lock"

    def fail() -> None:
        with only_here(engine, lock) as first, only_here(engine, lock) as second:
            assert (first, second) == (True, False)
            raise ValueError("in between")

    with pytest.raises(ValueError, match="in between"):
        fail()
    with only_here(engine, lock) as third:
        assert third


def test_free_pages_leave_the_file(engine: Engine, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but those that are needed soon: the file must not shrink and grow again every day."""
    monkeypatch.setattr(dialect, "KEPT_PAGES", 10)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (zeroblob(1000000))"))
        assert count_free_pages(connection) == 0
        connection.execute(text("DELETE FROM t"))
    with engine.begin() as connection:
        before = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        surplus = count_free_pages(connection)
        assert 0 < surplus < before
        give_back_pages(connection, surplus)
    with engine.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA page_count").scalar_one() == before - surplus
        assert count_free_pages(connection) <= before // 10


def test_a_file_that_cannot_shrink_has_nothing_to_give(data_dir: Path) -> None:
    """One made by an early version, without this setting."""
    old = sqlite3.connect(data_dir / "old.db")
    old.execute("CREATE TABLE t (x)")
    old.commit()
    old.close()
    with sqlite_engine(data_dir / "old.db", "FULL").connect() as connection:
        assert not dialect.gives_room_back(connection)
        assert count_free_pages(connection) == 0

"""Database failures as plain sentences, which never quote what the database said."""

import sqlite3

import pytest
from psycopg.errors import LockNotAvailable, QueryCanceled
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.storage.database_errors import faults_as_unavailable, plain_sentence, read_only


def _error(kind: type[DBAPIError], words: str) -> DBAPIError:
    return kind("INSERT secret", {"name": "secret"}, sqlite3.OperationalError(words))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("database disk image is malformed", "damaged"),
        ("file is not a database", "damaged"),
        ("database or disk is full", "The disk is full"),
        ("attempt to write a readonly database", "Check the disk and permissions"),
        ("unable to open database file", "Check the disk and permissions"),
        ("disk I/O error", "Check the disk and permissions"),
        ("database is locked", "Can't connect"),
    ],
)
def test_each_fault_has_a_sentence(words: str, sentence: str) -> None:
    """It says what an operator can do, and nothing of the statement or its values."""
    said = plain_sentence(_error(OperationalError, words))
    assert sentence in said
    assert "secret" not in said
    with pytest.raises(Unavailable, match=sentence) as failure, faults_as_unavailable():
        raise _error(OperationalError, words)
    assert failure.value.__suppress_context__


def test_a_lock_that_another_holds_is_no_outage(caplog: pytest.LogCaptureFixture) -> None:
    """A read that gets no lock works all the same; the log would send an operator to a healthy database."""
    with pytest.raises(Unavailable, match="takes too long"), faults_as_unavailable():
        raise OperationalError("LOCK", {}, LockNotAvailable("canceling statement due to lock timeout"))
    assert not caplog.messages


def test_a_statement_that_took_too_long_is_named() -> None:
    """An operator would look for a network fault otherwise."""
    with pytest.raises(Unavailable, match="canceled a statement, as it does when one"), faults_as_unavailable():
        raise OperationalError("DELETE", {}, QueryCanceled("canceling statement due to statement timeout"))


@pytest.mark.parametrize(
    "error", [_error(InterfaceError, "x"), PoolTimeout("x"), _error(DatabaseError, "file is not a database")]
)
def test_whatever_shows_that_the_database_is_gone(error: Exception) -> None:
    """A caller gets 503 for it, not a 500."""
    with pytest.raises(Unavailable), faults_as_unavailable():
        raise error


@pytest.mark.parametrize("error", [_error(IntegrityError, "UNIQUE constraint failed"), ValueError("x")])
def test_a_bug_stays_one(error: Exception) -> None:
    """Taking it for an outage would hide it."""
    with pytest.raises(type(error)), faults_as_unavailable():
        raise error


def test_a_full_data_directory() -> None:
    """The operating system's own words help, and quote no value."""
    with pytest.raises(Unavailable, match="data directory: No space left on device"), faults_as_unavailable():
        raise OSError(28, "No space left on device", "/a/path")


def test_a_reader_waits_for_no_writer(instance: Instance) -> None:
    """And sees one moment: what is committed in between is not in it."""
    database = instance.database
    with read_only(database.main) as reader:
        before = reader.execute(text("SELECT count(*) FROM notes")).scalar_one()
        with database.writing() as unit:
            unit.key_value.put("between", "1")
        assert reader.execute(text("SELECT count(*) FROM notes")).scalar_one() == before
    with database.reading() as unit:
        assert unit.key_value.get("between") == "1"

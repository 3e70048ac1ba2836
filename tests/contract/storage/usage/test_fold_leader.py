"""One process of an instance folds at a time; when it ends, however it ends, another takes over."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from ari.base.errors import Unavailable
from ari.storage.engine import Database
from ari.storage.usage.fold_leader import FoldLeader
from tests.support.instances import opened, settings_for
from tests.support.processes import eventually


@contextmanager
def two_processes(data_dir: Path, database_url: str | None) -> Iterator[tuple[Database, Database]]:
    with opened(data_dir, database_url) as instance:
        other = Database.open(settings_for(data_dir, database_url))
        yield instance.database, other
        other.close()


@pytest.fixture
def pair(data_dir: Path, database_url: str | None) -> Iterator[tuple[Database, Database]]:
    """Two processes of one instance, on each database."""
    with two_processes(data_dir, database_url) as both:
        yield both


@pytest.fixture
def sqlite_pair(data_dir: Path) -> Iterator[tuple[Database, Database]]:
    """Two processes of one instance whose data directory has the log in it."""
    with two_processes(data_dir, None) as both:
        yield both


@pytest.fixture
def postgres_pair(data_dir: Path, postgres_url: str) -> Iterator[tuple[Database, Database]]:
    """Two processes of one instance, each with sessions of its own."""
    with two_processes(data_dir, postgres_url) as both:
        yield both


def test_one_process_has_the_lead_until_it_ends(pair: tuple[Database, Database]) -> None:
    """It keeps it however often it asks; a process that closes its database frees it."""
    first, second = pair
    assert first.usage.acquire_lead()
    assert first.usage.acquire_lead()
    assert not second.usage.acquire_lead()
    first.close()
    assert eventually(second.usage.acquire_lead), "PostgreSQL notices the end of a session a moment later"
    assert not first.usage.acquire_lead()
    second.usage.release_lead()
    assert eventually(first.usage.acquire_lead)


def test_asking_whether_the_lead_is_free_takes_it_from_nobody(pair: tuple[Database, Database]) -> None:
    """Also not from this process."""
    first, second = pair
    assert second.usage.is_lead_free()
    assert first.usage.acquire_lead()
    assert not second.usage.is_lead_free()
    assert not first.usage.is_lead_free()
    assert first.usage.acquire_lead()


def test_a_lost_session_loses_the_lead(postgres_pair: tuple[Database, Database]) -> None:
    """After the server ended it, another process may fold, and the first one learns that when it asks."""
    first, second = postgres_pair
    assert first.usage.acquire_lead()
    with second.main.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d ON d.oid = database "
                "WHERE locktype = 'advisory' AND objid = 1095911733 AND datname = current_database()"
            )
        )
    assert eventually(second.usage.acquire_lead)
    with pytest.raises(Unavailable):
        first.usage.acquire_lead()
    assert not first.usage.acquire_lead()


def test_a_replaced_data_directory_has_its_own_lead(sqlite_pair: tuple[Database, Database]) -> None:
    """A lock on a file that is gone would let nobody fold."""
    first, second = sqlite_pair
    assert first.usage.acquire_lead()
    (first.data_dir / "fold.lock").unlink()
    assert second.usage.acquire_lead()
    assert not first.usage.acquire_lead()


def test_a_forked_process_holds_no_copy_of_the_lead(pair: tuple[Database, Database]) -> None:
    """The lead ends with the process that has it, though a child of it lives on."""
    first, second = pair
    assert first.usage.acquire_lead()
    held, may_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(may_end)
        os.read(held, 1)
        os._exit(0)
    assert not second.usage.acquire_lead()
    first.close()
    assert eventually(second.usage.acquire_lead)  # PostgreSQL ends a closed session a moment later
    os.close(may_end)
    assert os.waitpid(child, 0) == (child, 0)


def test_a_killed_process_leaves_no_lead_to_its_child(data_dir: Path, database_url: str | None) -> None:
    """As after ``kill -9`` of an app that has forked."""
    with opened(data_dir, database_url) as instance:
        held, may_end = os.pipe()
        ready, is_ready = os.pipe()
        parent = os.fork()
        if parent == 0:
            own = Database.open(settings_for(data_dir, database_url))
            assert own.usage.acquire_lead()
            if os.fork() == 0:
                os.close(may_end)
                os.read(held, 1)
                os._exit(0)
            os.write(is_ready, b"y")
            os.kill(os.getpid(), signal.SIGKILL)
        assert os.read(ready, 1)
        os.waitpid(parent, 0)
        assert eventually(instance.database.usage.acquire_lead)
        os.close(may_end)


def test_a_frozen_leader_loses_its_session(postgres_pair: tuple[Database, Database]) -> None:
    """PostgreSQL ends a leader's session that says nothing, so a node that is frozen or cut off stops no other."""
    first, second = postgres_pair
    leader = FoldLeader(first.log, None, frozen_seconds=1)
    assert leader.acquire()
    assert eventually(second.usage.acquire_lead)
    with pytest.raises(Unavailable):
        leader.acquire()
    assert not leader.acquire()

"""The examination of a connection is prepared by the server, and a plan that no longer fits does not fail it."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ari import keys
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey
from ari.storage.failover.history import WentBack
from ari.storage.failover.link import Link
from tests.support.instances import opened

_PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%pg_control_system%'"
_MORE_THAN_THE_THRESHOLD = 8


@pytest.fixture
def node(data_dir: Any, postgres_url: str) -> Iterator[Instance]:
    with opened(data_dir, postgres_url) as instance:
        yield instance


@pytest.fixture
def link(node: Instance) -> Link:
    assert node.database.link is not None
    return node.database.link


@pytest.fixture
def connection(postgres_url: str, link: Link) -> Iterator[psycopg.Connection[Any]]:
    """One on which the server has prepared the examination."""
    with psycopg.connect(postgres_url, autocommit=True) as opened_connection:
        for _ in range(_MORE_THAN_THE_THRESHOLD):
            link.examine(opened_connection)
        yield opened_connection


def test_the_examination_is_prepared(connection: psycopg.Connection[Any]) -> None:
    """Each checkout from a pool sends it, so it must not be planned each time."""
    assert connection.execute(_PREPARED).fetchone() == (1,)


def test_a_plan_that_no_longer_fits_fails_nothing(connection: psycopg.Connection[Any], link: Link) -> None:
    """After a migration that changes a column's type, the server refuses the prepared statement, not the database."""
    connection.execute("ALTER TABLE events ALTER COLUMN name TYPE varchar(200)")
    for _ in range(_MORE_THAN_THE_THRESHOLD):
        link.examine(connection)
    assert connection.execute(_PREPARED).fetchone() == (1,)


def test_a_statement_that_the_server_forgot_fails_nothing(connection: psycopg.Connection[Any], link: Link) -> None:
    """A pooler between sessions may have discarded everything that was prepared."""
    connection.execute("DEALLOCATE ALL", prepare=False)
    link.examine(connection)
    assert connection.execute(_PREPARED).fetchone() == (0,)


def test_a_prepared_examination_notices_what_was_lost(
    node: Instance, connection: psycopg.Connection[Any], link: Link
) -> None:
    """Its plan is kept, its result is not."""
    Deps(node).do_sync(keys.create, NewKey("n"))
    link.examine(connection)
    connection.execute("ALTER TABLE events DISABLE TRIGGER USER")
    connection.execute("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")
    with pytest.raises(WentBack):
        link.examine(connection)

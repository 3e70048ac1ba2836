"""The same distrust behind a real PgBouncer in transaction mode, which keeps nothing of a session."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from ari import keys
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey
from ari.storage.failover import heartbeat
from ari.storage.failover.heartbeat import Heartbeat
from ari.storage.failover.history import WentBack
from ari.usage.ports import Batch
from tests.support.instances import opened
from tests.support.missing import skip_missing
from tests.support.pgbouncer import MISSING, PgBouncer, pgbouncer
from tests.support.processes import eventually
from tests.support.usage import make_row


@pytest.fixture
def pooler(postgres: Any) -> Iterator[PgBouncer]:
    """One server connection for everybody, so that what leaks from one client shows up at the next."""
    with pgbouncer(postgres.admin_url, "transaction", default_pool_size="1") as found:
        if found is None:
            skip_missing(MISSING)
        yield found


@pytest.fixture
def node(data_dir: Any, postgres_url: str, pooler: PgBouncer) -> Iterator[Instance]:
    """An instance on a database that only it uses."""
    with opened(data_dir, pooler.url_of(postgres_url), usage_durability="fsync") as instance:
        yield instance


@pytest.fixture
def beat(node: Instance) -> Heartbeat:
    """The node's heartbeat, which beats."""
    node.database.watch()
    assert node.database.heartbeat is not None
    return node.database.heartbeat


@pytest.fixture
def pool_of(pooler: PgBouncer, postgres_url: str) -> Iterator[Callable[[], Any]]:
    """Asks PgBouncer for the state of the database's pool."""
    name = postgres_url.rpartition("/")[2]
    with psycopg.connect(pooler.admin_url, autocommit=True) as admin:
        cursor = psycopg.ClientCursor(admin, row_factory=psycopg.rows.dict_row)
        yield lambda: next(row for row in cursor.execute("SHOW POOLS") if row["database"] == name)


def _create(node: Instance) -> None:
    Deps(node).do_sync(keys.create, NewKey("n"))


def _lose_the_newest_event(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE events DISABLE TRIGGER USER")
        connection.execute("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")
        connection.execute("ALTER TABLE events ENABLE TRIGGER USER")


def test_a_database_that_went_back_is_noticed_through_a_pooler(node: Instance, postgres_url: str) -> None:
    """By the examination of a connection that stayed open, and by the heartbeat."""
    _create(node)
    _create(node)
    _lose_the_newest_event(postgres_url)
    with pytest.raises(WentBack, match="went back in time"):
        Deps(node).read_sync(lambda unit: unit.accounts.owner())
    with pytest.raises(Unavailable, match="went back in time"):
        _create(node)


def test_the_heartbeat_notices_it_through_a_pooler(node: Instance, beat: Heartbeat, postgres_url: str) -> None:
    """Without a statement of anyone else, after it found the database as it should be."""
    _create(node)
    eventually(lambda: beat.beats >= 1)
    assert node.database.history.problem is None
    _lose_the_newest_event(postgres_url)
    eventually(lambda: node.database.history.problem is not None)


def test_the_heartbeat_goes_on_through_a_pooler(beat: Heartbeat, pooler: PgBouncer, postgres_url: str) -> None:
    """It prepares nothing, although psycopg prepares a statement that comes back often."""
    eventually(lambda: beat.beats >= 6)
    with psycopg.connect(pooler.url_of(postgres_url)) as same_server_connection:
        assert same_server_connection.execute("SELECT name FROM pg_prepared_statements").fetchall() == []


def test_a_busy_pooler_is_left_alone(
    node: Instance,
    pooler: PgBouncer,
    postgres_url: str,
    pool_of: Callable[[], Any],
    beat: Heartbeat,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A beat that waits for a free server connection is no sign of a server that hangs."""
    monkeypatch.setattr(heartbeat, "SILENCE_SECONDS", 0.1)
    eventually(lambda: beat.beats >= 1)
    with psycopg.connect(pooler.url_of(postgres_url)) as other:
        other.execute("SELECT 1")  # holds the only server connection
        eventually(lambda: pool_of()["maxwait"] >= 1)
        other.rollback()
    seen = beat.beats
    eventually(lambda: beat.beats > seen)
    assert caplog.messages == []
    _create(node)


def test_how_far_a_commit_waits_stays_in_its_transaction(node: Instance, pooler: PgBouncer, postgres_url: str) -> None:
    """Where no standby confirms, the log's commits wait for the primary's disk; others choose for themselves."""
    assert node.database.usage_commit_level() == "local"
    node.database.usage.commit(Batch([make_row()]))
    with psycopg.connect(pooler.url_of(postgres_url), autocommit=True) as other:
        assert other.execute("SHOW synchronous_commit").fetchone() == ("on",)

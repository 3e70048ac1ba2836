"""Several nodes on one PostgreSQL database: one of them folds, and another takes over when it dies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.support.owner import Owner, start_owner
from tests.support.processes import eventually, fold_processes_of

REQUESTS = 20
LEADER = """SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 1095911733
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


def _send(owner: Owner, secret: str) -> None:
    client = owner.api(secret)
    for _ in range(REQUESTS):
        assert client.get("/api/me").status_code == 200


def test_another_node_folds_when_the_leader_is_killed(
    make_server: Callable[..., Any], postgres_url: str, tmp_path: Path
) -> None:
    """Within seconds, and also what the dead node committed. Nobody reads the log here: a read would fold too."""
    first = make_server(database_url=postgres_url)
    owner = start_owner(first)
    folder = tmp_path / "two"
    folder.mkdir(mode=0o700)
    _, secret = owner.create_key("k")
    with psycopg.connect(postgres_url, autocommit=True) as connection:

        def find_leader() -> list[Any]:
            return connection.execute(LEADER).fetchall()

        leader = eventually(find_leader)
        second = make_server(folder, database_url=postgres_url).start()
        eventually(lambda: fold_processes_of(second))
        other = Owner(second)
        _send(other, secret)
        eventually(lambda: other.api().get("/api/ready").json()["backlog_count"] == 0, 30)
        assert find_leader() == leader
        _send(owner, secret)
        first.kill()
        _send(other, secret)
        successor = eventually(lambda: [one for one in find_leader() if one not in leader])
        assert len(successor) == len(leader) == 1
        eventually(lambda: other.api().get("/api/ready").json()["backlog_count"] == 0, 30)
        assert find_leader() == successor
    client = other.api(secret)
    assert eventually(lambda: client.get("/api/me").json()["key"]["request_count"] >= 3 * REQUESTS, 30)
    for one in (owner, other):
        one.close()

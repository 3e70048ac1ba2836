"""PostgreSQL stopped, started, held still and cut off under a running server: 503 in time, then healthy again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.support import postgres as servers
from tests.support import raw
from tests.support.missing import skip_missing
from tests.support.processes import eventually

IN_TIME = {"ARI_VERIFY_TIMEOUT_SECONDS": "0.5", "ARI_USAGE_WAIT_SECONDS": "0.5"}
CLIENTS = 4


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Any]:
    """A PostgreSQL server that the tests of this file may stop."""
    with servers.own_server() as server:
        if server is None:
            skip_missing(servers.MISSING)
        yield server


@pytest.fixture
def owner(own_postgres: Any, make_owner: Callable[..., Any]) -> Any:
    """The owner of a running server on that PostgreSQL."""
    return make_owner(database_url=own_postgres.create(), settings=IN_TIME)


def _ask(owner: Any, secret: str, times: int = 5) -> list[int]:
    """The responses that several clients get at once."""

    def one(_: int) -> int:
        answer = raw.get(owner.server.port, b"/api/me", b"x-api-key: " + secret.encode())
        assert answer.status == 200 or b'"unavailable"' in answer.body
        return answer.status

    with ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(one, range(times * CLIENTS)))


def _wait_until_well(owner: Any, secret: str) -> None:
    pid = owner.server.process.pid
    eventually(lambda: set(_ask(owner, secret, 1)) == {200})
    assert owner.server.process.poll() is None
    assert owner.server.process.pid == pid


def test_a_stopped_server_is_503_until_it_is_started_again(owner: Any, own_postgres: Any) -> None:
    """No yes without the database, no endless wait, no restart needed; nothing that was confirmed is lost."""
    key, secret = owner.create_key("k")
    accepted = _ask(owner, secret).count(200)
    own_postgres.stop()
    try:
        assert set(_ask(owner, secret)) == {503}
        assert owner.api().get("/api/ready").status_code == 503
    finally:
        own_postgres.start()
    _wait_until_well(owner, secret)
    assert owner.cli.json("keys", "show", key["id"])["request_count"] >= accepted
    assert owner.cli("doctor").returncode == 0


def test_a_restart_under_load_refuses_no_key(owner: Any, own_postgres: Any) -> None:
    """While the database comes and goes, every response is a yes or a 503, and each comes in time."""
    _, secret = owner.create_key("k")
    with ThreadPoolExecutor(1) as background:
        asking = background.submit(_ask, owner, secret, 300)
        for _ in range(2):
            own_postgres.stop()
            own_postgres.start()
        assert set(asking.result()) <= {200, 503}
    _wait_until_well(owner, secret)


def test_a_server_held_still_is_503_in_time(owner: Any, own_postgres: Any) -> None:
    """Connections are open and nothing responds, as when a disk hangs or a network swallows everything."""
    _, secret = owner.create_key("k")
    assert set(_ask(owner, secret, 1)) == {200}
    own_postgres.freeze()
    try:
        assert set(_ask(owner, secret, 2)) == {503}
    finally:
        own_postgres.thaw()
    _wait_until_well(owner, secret)


def test_cut_connections_are_replaced(owner: Any, own_postgres: Any) -> None:
    """An administrator or a proxy ended them all: the next calls open new ones."""
    _, secret = owner.create_key("k")
    for _ in range(3):
        assert 200 in _ask(owner, secret, 1)
        own_postgres.cut_connections()
    _wait_until_well(owner, secret)


def test_a_locked_log_is_counted_later(owner: Any) -> None:
    """As by VACUUM FULL: requests are logged to the inbox and served in the meantime, and counted after the lock;
    only readers of the log get a 503."""
    key, secret = owner.create_key("k")
    with psycopg.connect(owner.server.environment["ARI_DATABASE_URL"]) as other:
        other.execute("LOCK TABLE usage_log IN ACCESS EXCLUSIVE MODE")
        assert set(_ask(owner, secret)) == {200}
        assert owner.api(secret).get(f"/api/keys/{key['id']}/usage").status_code == 503
        other.rollback()
    assert owner.cli.json("keys", "show", key["id"])["request_count"] == 5 * CLIENTS + 1


def test_a_revoke_made_during_an_outage_counts(owner: Any, own_postgres: Any) -> None:
    """A key revoked while this server was cut off is dead once it can ask again."""
    key, secret = owner.create_key("k")
    assert set(_ask(owner, secret, 1)) == {200}
    own_postgres.freeze()
    try:
        assert set(_ask(owner, secret, 1)) == {503}
    finally:
        own_postgres.thaw()
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    eventually(lambda: owner.api(secret).get("/api/me").status_code == 401)


def test_why_is_in_the_log_and_not_in_responses(owner: Any, own_postgres: Any) -> None:
    """A lookup that no longer works makes both checks say so; strangers get no detail, the log has the words."""
    key, secret = owner.create_key("k")
    checks = ("/api/ready", "/api/health")
    assert [owner.api().get(path).status_code for path in checks] == [200, 200]
    with psycopg.connect(owner.server.environment["ARI_DATABASE_URL"], autocommit=True) as other:
        other.execute("ALTER TABLE key_secrets RENAME TO lost_secrets")
        try:
            eventually(lambda: {owner.api().get(path).status_code for path in checks} == {503})
            said = [owner.api().get(path).text for path in checks] + [owner.api(secret).get("/api/me").text]
        finally:
            other.execute("ALTER TABLE lost_secrets RENAME TO key_secrets")
    assert all("unavailable" in text and "key_secrets" not in text and "relation" not in text for text in said)
    log = owner.server.log_text()
    assert log.count('relation \\"key_secrets\\" does not exist') == 1, "once a minute, however often it is asked"
    _wait_until_well(owner, secret)
    eventually(lambda: [owner.api().get(path).status_code for path in checks] == [200, 200])
    assert owner.cli("keys", "show", key["id"]).returncode == 0

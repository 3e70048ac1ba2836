"""Behind a real PgBouncer the promises hold in transaction and in session mode; else ARI says why it does not start."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from ari.base.clock import DAY_MS
from ari.base.errors import ConfigurationError, Conflict
from ari.cli.checks import examine
from ari.deps import Deps
from ari.storage.backup.restore_into import into_postgresql
from ari.storage.backup.write import write_backup
from ari.storage.engine import Database, master_keys_of
from ari.storage.postgres_sessions import LOCAL_SETTINGS
from ari.usage.ports import Batch
from tests.support import raw
from tests.support.instances import START_MS, opened, settings_for
from tests.support.missing import skip_missing
from tests.support.pgbouncer import MISSING, PgBouncer, pgbouncer
from tests.support.processes import eventually
from tests.support.usage import KEY, make_row

CLIENTS = 8
_ACCEPTED = "SELECT sum(count) FROM usage_rows WHERE key_id = %s AND code = 'ok'"


@pytest.fixture
def pooler(request: pytest.FixtureRequest, postgres: Any) -> Iterator[PgBouncer]:
    """A PgBouncer of the mode, and with the settings, that the test is parametrized with."""
    mode, settings = request.param
    with pgbouncer(postgres.admin_url, mode, **settings) as found:
        if found is None:
            skip_missing(MISSING)
        yield found


def _pool_by(mode: str, **settings: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("pooler", [(mode, settings)], indirect=True, ids=[mode])


both_modes = pytest.mark.parametrize(
    "pooler", [("transaction", {}), ("session", {})], indirect=True, ids=lambda p: p[0]
)


def _ask(owner: Any, secret: str, times: int) -> list[int]:
    def one(_: int) -> int:
        return raw.get(owner.server.port, b"/api/me", b"x-api-key: " + secret.encode()).status

    with ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(one, range(times)))


@both_modes
def test_the_promises_hold_through_a_pooler(
    make_owner: Callable[..., Any], postgres_url: str, pooler: PgBouncer
) -> None:
    """Two workers: a revoke counts with the next request, usage is the log, and a restart of the pooler is survived."""
    owner = make_owner(database_url=pooler.url_of(postgres_url), workers=2)
    key, secret = owner.create_key("k")
    owner.make_keys_over_http()
    assert set(_ask(owner, secret, 60)) == {200}
    for number in range(5):
        other, dead = owner.create_key(f"k{number}")
        assert set(_ask(owner, dead, CLIENTS)) == {200}
        assert (
            owner.api(owner.create_key("a", scopes=["*"])[1])
            .post(f"/api/keys/{other['id']}/revoke", json={})
            .is_success
        )
        assert set(_ask(owner, dead, CLIENTS)) == {401}
    _, limited = owner.create_key("limited", limits=[{"limit": 20, "window": "31d"}])
    assert sorted(_ask(owner, limited, 30)) == [200] * 20 + [429] * 10
    pooler.stop()
    assert set(_ask(owner, secret, CLIENTS)) == {503}
    assert set(_ask(owner, limited, CLIENTS)) == {503}
    assert owner.api().get("/api/ready").status_code == owner.api().get("/api/health").status_code == 503
    pooler.start()
    eventually(lambda: set(_ask(owner, secret, CLIENTS)) == {200})
    eventually(lambda: owner.api().get("/api/health").status_code == 200)
    shown = owner.cli.json("keys", "show", key["id"])
    with psycopg.connect(postgres_url) as connection:
        logged: Any = connection.execute(_ACCEPTED, (key["id"],)).fetchone()
    assert shown["request_count"] == logged[0] >= 60 + CLIENTS
    assert "through a pooler" in str(owner.cli.json("doctor", "--audit"))


@_pool_by("transaction", default_pool_size="1")
def test_nothing_needs_a_session_or_two_connections(data_dir: Path, postgres_url: str, pooler: PgBouncer) -> None:
    """Migrations, commits, counting, retention and a backup through a single server connection."""
    with opened(data_dir, pooler.url_of(postgres_url), stop_seconds=0) as instance:
        store = instance.database.usage
        for _ in range(12):  # psycopg prepares a statement that comes back often
            store.commit(Batch([make_row(START_MS - 100 * DAY_MS), make_row(START_MS)]))
            Deps(instance).read_sync(lambda unit: unit.accounts.owner())
        assert store.totals([KEY])[KEY].request_count == 24
        assert sum(store.remove_before(START_MS - 90 * DAY_MS)) == 12
        assert write_backup(instance.database, BytesIO(), START_MS, lambda *_: None).usage_rows == 12
        instance.database.ping()


@pytest.mark.parametrize(("durability", "commit"), [("commit", "off"), ("fsync", "on")])
@_pool_by("transaction")
def test_settings_hold_in_each_transaction(
    data_dir: Path, postgres_url: str, pooler: PgBouncer, durability: str, commit: str
) -> None:
    """How durable the log is, and how long anything waits, though no session has settings."""
    database = Database.open(settings_for(data_dir, pooler.url_of(postgres_url), usage_durability=durability))
    for engine, wanted in ((database.main, "on"), (database.log, commit)):
        with engine.begin() as connection:
            assert LOCAL_SETTINGS in connection.info
            shown = [connection.scalar(text(f"SHOW {name}")) for name in ("synchronous_commit", "lock_timeout")]
        assert shown == [wanted, "5s"]
    database.close()


def _read_refusal(data_dir: Path, url: str, **settings: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        Database.open(settings_for(data_dir, url, **settings))
    return str(refused.value)


@_pool_by("statement")
def test_statement_mode_is_refused(data_dir: Path, postgres_url: str, pooler: PgBouncer) -> None:
    """It has no transactions; PgBouncer's own words are given, and what to set, also by the doctor."""
    url = pooler.url_of(postgres_url)
    assert "statement pooling mode. ARI needs transactions: set the pooler's pool_mode" in _read_refusal(data_dir, url)
    found = {one.check: one for one in examine(settings_for(data_dir, url), audit=False)}
    assert found["database"].state == "wrong"
    assert "statement pooling mode" in found["database"].message


@_pool_by("transaction", ignore_startup_parameters="options")
def test_options_that_the_pooler_drops_are_named(data_dir: Path, postgres_url: str, pooler: PgBouncer) -> None:
    """Else ARI would work in another schema than its operator thinks."""
    url = pooler.url_of(postgres_url)
    for asked in ("search_path=elsewhere", "options=-csearch_path%3Delsewhere,public", "options=-c%20work_mem=1MB"):
        assert "does not pass on" in _read_refusal(data_dir, f"{url}?{asked}")
    with opened(data_dir, f"{url}?search_path=%22$user%22,%20public"):
        pass


@_pool_by("transaction")
def test_options_that_the_pooler_refuses_are_named(data_dir: Path, postgres_url: str, pooler: PgBouncer) -> None:
    """PgBouncer's default."""
    said = _read_refusal(data_dir, pooler.url_of(postgres_url) + "?search_path=public")
    assert "unsupported startup parameter: options" in said
    assert "ignore_startup_parameters" in said


@_pool_by("transaction")
def test_a_pooler_that_is_not_as_said_is_refused(data_dir: Path, postgres_url: str, pooler: PgBouncer) -> None:
    """A promise of sessions that transaction mode does not keep would lose settings and prepared statements."""
    url = pooler.url_of(postgres_url)
    assert "says session" in _read_refusal(data_dir, url, database_pooler="session")
    with opened(data_dir, url, database_pooler="transaction"):
        pass


@_pool_by("session")
def test_sessions_are_used_where_they_are_promised(data_dir: Path, postgres_url: str, pooler: PgBouncer) -> None:
    """Session mode, named by the setting: settings of sessions, as without a pooler."""
    with (
        opened(data_dir, pooler.url_of(postgres_url), database_pooler="session") as instance,
        instance.database.log.begin() as connection,
    ):
        assert LOCAL_SETTINGS not in connection.info
        assert connection.scalar(text("SHOW synchronous_commit")) == "off"


@_pool_by("transaction")
def test_a_restore_needs_the_server_itself(data_dir: Path, postgres_url: str, pooler: PgBouncer) -> None:
    """Behind a pooler nobody can see whether ARI runs."""
    settings = settings_for(data_dir, pooler.url_of(postgres_url))
    with pytest.raises(Conflict, match="through a pooler"):
        into_postgresql(settings, False, master_keys_of(settings), lambda *_: None)

"""A usage log of the version before staging entries had kinds: what was staged there is folded by this version.

``old_usage_log`` has dumps of what that version made: two requests and three attempts folded; a request that was still
running and then ended, one that used a provider, a flood counted up to nine, attempts, and another AI use staged.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from ari.base.errors import ConfigurationError
from ari.instance import Instance
from ari.storage import migrate as migrations
from ari.storage.engine import STAGING_FILE, Database
from ari.usage.ai import AiSpan, AiUse
from ari.usage.model import Attempt, KeyClient
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened, settings_for
from tests.support.usage import KEY, OTHER_KEY, make_row, read_sums, rows_of

OLD = Path(__file__).parent / "old_usage_log"
ID = "req_01HMADV000AAAAAAAAAAAAAA0{}"


@pytest.fixture
def old_files(data_dir: Path) -> Path:
    """A data directory with the keys file of this version and the usage files of the old one."""
    with opened(data_dir, None):
        pass
    for path in data_dir.glob("usage*"):
        path.unlink()
    for name in ("usage.db", "usage-inbox.db"):
        with closing(sqlite3.connect(data_dir / name)) as connection:
            connection.executescript((OLD / f"{name}.sql").read_text())
            connection.execute("PRAGMA journal_mode=WAL")
    return data_dir


@pytest.fixture
def old_data_dir(data_dir: Path, database_url: str | None, request: pytest.FixtureRequest) -> Path:
    """The same on either database."""
    if database_url is None:
        request.getfixturevalue("old_files")
        return data_dir
    with opened(data_dir, database_url):
        pass
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        tables = "SELECT tablename FROM pg_tables WHERE tablename ~ '^(usage|limit|budget|ari_log)_'"
        names = ", ".join(row[0] for row in connection.execute(tables).fetchall())
        connection.execute(f"DROP TABLE {names} CASCADE".encode())
        connection.execute((OLD / "postgresql.sql").read_bytes())
    return data_dir


@pytest.fixture
def instance(old_data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(old_data_dir, database_url) as found:
        yield found


def test_everything_staged_by_the_old_version_is_folded(instance: Instance) -> None:
    """Rows, floods, attempts, completions and AI uses, each once, next to what was folded before."""
    store = instance.database.usage
    assert read_sums(instance.database) == {KEY: (2, 10), OTHER_KEY: (1, 0)}
    rows = {row.id: row for row in rows_of(instance.database)}
    assert sorted(rows) == [ID.format(n) for n in range(1, 6)]
    ended, metered, flood = (rows[ID.format(n)] for n in (4, 5, 3))
    assert (ended.method, ended.status, ended.duration_ms, ended.bytes) == ("POST", 201, 12.5, 900)
    assert (metered.path, metered.source, metered.key_id) == ("/café?q=1", "verify", OTHER_KEY)
    assert metered.ai == AiUse(
        metered.id, START_MS + 5, OTHER_KEY, "openai", "gpt-x", 10, None, 2, 200, 5.5, 9.25, "cut"
    )
    assert ended.ai == AiUse(
        ended.id, START_MS + 4, KEY, "gemini", None, None, None, None, None, None, 3.0, "unreachable"
    )
    assert (flood.count, flood.client_address) == (9, None)
    assert store.attempts(0, 9) == [
        Attempt(START_MS, "unknown", "192.0.2.50", 4),
        Attempt(START_MS, "missing", "2001:db8::/64", 2),
    ]
    assert store.addresses(KEY, 9)[0] == KeyClient("192.0.2.7", 2, 1, START_MS + 1, START_MS + 4)
    [hour] = instance.database.reports.ai_hours(AiSpan(0, 2 * START_MS)).values()
    assert (hour.request_count, hour.input_tokens) == (2, 10)


def test_the_log_goes_on_after_the_upgrade(instance: Instance, old_data_dir: Path, database_url: str | None) -> None:
    """New entries are folded as well, also by the next start; nothing of the old name is left."""
    store = instance.database.usage
    assert store.fold() == 10
    store.commit(Batch([make_row()]))
    assert store.fold() == 1
    store.commit(Batch([make_row()]))
    assert not list(old_data_dir.glob("*inbox*"))
    with opened(old_data_dir, database_url) as again:
        assert read_sums(again.database) == {KEY: (4, 10), OTHER_KEY: (1, 0)}


def test_an_upgrade_that_was_killed_goes_on_at_the_next_start(old_files: Path) -> None:
    """The file is renamed before the log's migration is committed: a start in between finds it renamed."""
    before = (old_files / "usage.db").read_bytes()
    with opened(old_files, None):
        pass
    for path in old_files.glob("usage.db*"):
        path.unlink()
    (old_files / "usage.db").write_bytes(before)
    with opened(old_files, None) as instance:
        assert read_sums(instance.database) == {KEY: (2, 10), OTHER_KEY: (1, 0)}


def test_a_file_that_another_process_uses_is_not_taken_over(old_files: Path) -> None:
    """An old process that still runs goes on staging there; the upgrade says what to do and changes nothing."""
    with closing(sqlite3.connect(old_files / "usage-inbox.db")) as other:
        other.execute("SELECT count(*) FROM usage_inbox").fetchone()
        database = Database.open(settings_for(old_files, None))
        with pytest.raises(ConfigurationError, match=r"uses usage-inbox\.db\. Stop it"):
            migrations.migrate(database)
        database.close()
        assert not (old_files / STAGING_FILE).exists()
        assert other.execute("SELECT count(*) FROM usage_inbox").fetchone() == (10,)
    with opened(old_files, None) as instance:
        assert read_sums(instance.database) == {KEY: (2, 10), OTHER_KEY: (1, 0)}

"""A keys file of SQLite that was replaced with an older copy is not trusted until an operator accepts it."""

import asyncio
import io
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.base.caller import SYSTEM
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey, token
from ari.storage import migrate as migrations
from ari.storage.accept_database import accept, look
from ari.storage.backup.restore import Terms, restore_backup
from ari.storage.backup.write import write_backup
from ari.storage.engine import Database
from ari.storage.failover.history import WentBack
from tests.support.instances import START_MS, opened, settings_for


def _silent(_table: str, _done: int, _total: int) -> None:
    pass


@pytest.fixture
def replaced_dir(data_dir: Path) -> tuple[str, bytes]:
    """A data directory whose keys file is of before a revoke; the key, and a backup of after it."""
    with opened(data_dir, None) as instance:
        made = Deps(instance).do_sync(keys.create, NewKey("n"))
    before = (data_dir / "ari.db").read_bytes()
    with opened(data_dir, None) as instance:
        Deps(instance).do_sync(keys.revoke, made.key.id)
        file = io.BytesIO()
        write_backup(instance.database, file, START_MS, _silent)
    for name in ("ari.db-wal", "ari.db-shm"):
        (data_dir / name).unlink(missing_ok=True)
    (data_dir / "ari.db").write_bytes(before)
    return made.secret, file.getvalue()


def _find(instance: Instance, secret: str) -> Any:
    async def run() -> Any:
        lookup = await instance.database.open_lookup()
        try:
            return await lookup.find(token.parse(secret.encode()) or b"")
        finally:
            await lookup.close()

    return asyncio.run(run())


def test_an_older_file_is_refused_until_it_is_accepted(data_dir: Path, replaced_dir: tuple[str, bytes]) -> None:
    """The revoke in it is missing: nothing is decided from it, and what is missing is named."""
    secret, _ = replaced_dir
    settings = settings_for(data_dir, None)
    with closing(Database.open(settings)) as database:
        with pytest.raises(WentBack):
            migrations.check(database)
        problem = database.history.problem
        assert problem is not None
        assert [event.name for event in problem.lost] == ["key_revoked"]
    with closing(Database.open(settings, trusting=True)) as database:
        standing = look(database)
        assert not standing.is_trusted
        accept(database, standing, SYSTEM, START_MS)
    with opened(data_dir, None) as instance:
        assert _find(instance, secret).revoked_at_ms is None
        assert Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 1))[0].name == "database_accepted"


def test_a_running_process_goes_on_when_another_accepted(data_dir: Path, replaced_dir: tuple[str, bytes]) -> None:
    """It asks again with each call."""
    secret, _ = replaced_dir
    settings = settings_for(data_dir, None)
    instance = Instance.open(settings, check=False)
    try:
        with pytest.raises(Unavailable, match="ari database status"):
            _find(instance, secret)
        with pytest.raises(Unavailable):
            Deps(instance).read_sync(lambda unit: unit.accounts.owner())
        with closing(Database.open(settings, trusting=True)) as database:
            accept(database, look(database), SYSTEM, START_MS)
        assert _find(instance, secret) is not None
        Deps(instance).read_sync(lambda unit: unit.accounts.owner())
    finally:
        instance.close()


def test_a_restore_begins_a_history_that_needs_no_accepting(data_dir: Path, replaced_dir: tuple[str, bytes]) -> None:
    """The operator has just said which database to use."""
    secret, backup = replaced_dir
    settings = settings_for(data_dir, None)
    restore_backup(settings, io.BytesIO(backup), Terms(replace=True), SYSTEM, START_MS, _silent)
    with opened(data_dir, None) as instance:
        assert _find(instance, secret).revoked_at_ms is not None


def test_an_unreadable_record_stops_the_node(data_dir: Path, replaced_dir: tuple[str, bytes]) -> None:
    """The past cannot be known, so nothing is trusted."""
    (data_dir / "seen-sqlite.json").write_text("{")
    instance = Instance.open(settings_for(data_dir, None), check=False)
    try:
        with pytest.raises(Unavailable, match="Can't read what this node has seen"):
            _find(instance, replaced_dir[0])
    finally:
        instance.close()

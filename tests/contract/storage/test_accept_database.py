"""Promise 1 after a restore of PostgreSQL's own copies: a node that has seen more refuses them until they are accepted.

The guide says what each kind of copy brings back: docs/guides/back-up-and-restore.md.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.base.caller import SYSTEM
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey
from ari.storage import migrate as migrations
from ari.storage.accept_database import accept, look
from ari.storage.engine import Database
from ari.storage.failover.history import WentBack
from tests.support import postgres as servers
from tests.support import postgres_copies as copies
from tests.support.instances import opened, settings_for
from tests.support.missing import skip_missing

BEFORE = "before_the_revoke"


@pytest.fixture
def server() -> Iterator[Any]:
    with servers.own_server() as server:
        if server is None:
            skip_missing(servers.MISSING)
        server.execute("CREATE DATABASE ari")
        yield server


def _list_states(instance: Instance) -> dict[str, bool]:
    """Which keys are revoked, by name."""
    with instance.database.reading() as unit:
        return {
            one.name: one.revoked_at_ms is not None for one in unit.keys.page(instance.clock.now_ms(), "all", None, 10)
        }


def _check_copy(folder: Path, url: str, lost_key: str, found: dict[str, bool]) -> None:
    """A node that saw the revoke refuses the copy; a new machine can't know; once accepted, keys are as in the copy."""
    with (
        closing(Database.open(settings_for(folder, url))) as database,
        pytest.raises(WentBack, match="went back in time"),
    ):
        migrations.check(database)
    new = folder.with_name("new")
    new.mkdir(mode=0o700)
    with opened(new, url) as instance:
        assert _list_states(instance) == found
    with closing(Database.open(settings_for(folder, url), trusting=True)) as database:
        standing = look(database)
        assert (standing.is_trusted, [one.subject for one in standing.lost]) == (False, [lost_key])
        accept(database, standing, SYSTEM, 1_800_000_000_000)
    with opened(folder, url) as instance:
        assert _list_states(instance) == found
        Deps(instance).do_sync(keys.revoke, lost_key)
        assert _list_states(instance)["early"]


@pytest.mark.slow
def test_recovery_to_a_point_in_time(server: Any, data_dir: Path) -> None:
    """All that was committed before the point is there, and the revoke after it is missed."""
    copies.keep_archive(server)
    with opened(data_dir, server.url_of("ari")) as instance:
        key = Deps(instance).do_sync(keys.create, NewKey("early")).key
        with copies.base_backup_of(server) as copy:
            Deps(instance).do_sync(keys.create, NewKey("late"))
            server.execute(f"SELECT pg_create_restore_point('{BEFORE}')")
            Deps(instance).do_sync(keys.revoke, key.id)
            instance.close()
            copies.recover(copy, copies.archive_all(server), BEFORE)
            _check_copy(data_dir, copy.url_of("ari"), key.id, {"early": False, "late": False})


def test_a_dump_that_is_restored(server: Any, data_dir: Path, tmp_path: Path) -> None:
    """The dump is as old as its beginning."""
    with opened(data_dir, server.url_of("ari")) as instance:
        key = Deps(instance).do_sync(keys.create, NewKey("early")).key
        server.run_tool("pg_dump", "-Fc", "-f", "ari.dump", "ari")
        Deps(instance).do_sync(keys.revoke, key.id)
    server.execute("CREATE DATABASE copied")
    server.run_tool("pg_restore", "-d", "copied", "--exit-on-error", "ari.dump")
    _check_copy(data_dir, server.url_of("copied"), key.id, {"early": False})

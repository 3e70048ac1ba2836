"""An instance for services that use ``ari.guard`` in the tests' own process: its keys, and its usage log."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ari import keys
from ari.deps import Deps
from ari.guard import entry
from ari.instance import Instance
from ari.storage.engine import STAGING_FILE
from ari.usage.model import UsageRow
from ari.usage.search import UsageSearch
from tests.support.instances import prepare, settings_for

SCOPES = ("orders:read", "orders:write")


class GuardedInstance:
    """A migrated instance with the scopes of a service declared."""

    def __init__(self, instance: Instance, data_dir: Path, database_url: str | None) -> None:
        self.instance = instance
        self.data_dir = data_dir
        self.database_url = database_url
        self.deps = Deps(instance)
        for scope in SCOPES:
            self.deps.do_sync(keys.declare_scope, scope, "A scope of the service")

    def create_key(self, name: str = "orders", *scopes: str, **fields: Any) -> keys.Created:
        """A new key, by default with all scopes of the service."""
        return self.deps.do_sync(keys.create, keys.NewKey(name, scopes=scopes or SCOPES, **fields))

    def create_secret(self, *scopes: str, **fields: Any) -> str:
        """The text of a new key."""
        return self.create_key("orders", *scopes, **fields).secret

    def read_rows(self) -> list[UsageRow]:
        """Every row of the log, oldest first."""
        self.instance.database.usage.fold_all()
        return self.instance.reports.search(UsageSearch(), None, 1_000).rows[::-1]

    def read_facts(self) -> list[tuple[str, str, str, int | None]]:
        """Code, method, route and status of every row, oldest first."""
        return [(row.code, row.method, row.route, row.status) for row in self.read_rows()]

    @contextmanager
    def break_log(self) -> Iterator[None]:
        """No process can write the usage log inside the ``with`` block."""
        staging = self.data_dir / STAGING_FILE
        if self.database_url is None:
            with closing(sqlite3.connect(staging, isolation_level=None)) as lock:
                lock.execute("ALTER TABLE usage_staging RENAME TO elsewhere")
                yield
                lock.execute("ALTER TABLE elsewhere RENAME TO usage_staging")
        else:
            with self.instance.database.log.begin() as connection:
                connection.execute(text("ALTER TABLE usage_staging RENAME TO elsewhere"))
            yield
            with self.instance.database.log.begin() as connection:
                connection.execute(text("ALTER TABLE elsewhere RENAME TO usage_staging"))


@contextmanager
def guarded_instance(folder: Path, database_url: str | None = None) -> Iterator[GuardedInstance]:
    """An open instance in a new data directory below ``folder``."""
    data_dir = folder / "guarded"
    data_dir.mkdir(mode=0o700)
    prepare(data_dir, database_url)
    instance = Instance.open(settings_for(data_dir, database_url))
    try:
        yield GuardedInstance(instance, data_dir, database_url)
    finally:
        instance.close()


@contextmanager
def closed_guards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """At the end, close what each ``Ari`` made here opened, also for event loops that an exception ended."""
    made, make = list[entry.Ari](), entry.Ari.__init__

    def note(self: entry.Ari, backend: Any) -> None:
        make(self, backend)
        made.append(self)

    async def close(ari: entry.Ari) -> None:
        await ari.open()
        await ari.close()

    monkeypatch.setattr(entry.Ari, "__init__", note)
    yield
    for ari in made:
        ari.stop()
        asyncio.run(close(ari))

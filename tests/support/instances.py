"""An instance on a migrated database with a frozen clock, for tests below HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ari.base.clock import FrozenClock
from ari.base.settings import Settings, load_settings
from ari.instance import Instance
from ari.integrations.environment import ProviderEnvironment
from ari.storage.engine import Database
from ari.storage.migrate import migrate

START_MS = 1_800_000_000_000


def settings_for(data_dir: Path, database_url: str | None, **more: object) -> Settings:
    """Settings that take nothing from the environment but what is given."""
    return load_settings(data_dir=data_dir, database_url=database_url, **more)


@contextmanager
def opened(data_dir: Path, database_url: str | None, **more: object) -> Iterator[Instance]:
    """A migrated instance, closed at the end; its clock stands at ``START_MS``."""
    settings = settings_for(data_dir, database_url, **more)
    database = Database.open(settings)
    migrate(database)
    instance = Instance(settings, FrozenClock(START_MS), database, ProviderEnvironment())
    try:
        yield instance
    finally:
        instance.close()

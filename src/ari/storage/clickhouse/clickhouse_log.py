"""All that ARI does with ClickHouse, for one instance with ``ARI_USAGE_LOG_URL``."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.util import find_spec

from sqlalchemy import Connection, Engine

from ari.base.clickhouse_url import ClickHouseUrl
from ari.base.clock import Clock
from ari.base.errors import ConfigurationError
from ari.base.extras import how_to_install
from ari.base.settings import Settings
from ari.storage.clickhouse.clickhouse_client import ClickHouse
from ari.storage.clickhouse.clickhouse_rows import ClickHouseRows
from ari.storage.clickhouse.mover import RowMover
from ari.storage.clickhouse.returner import RowReturner
from ari.storage.clickhouse.sink import ClickHouseSink
from ari.storage.clickhouse.table_owner import TableOwner
from ari.storage.clickhouse.upkeep import ClickHouseUpkeep
from ari.storage.usage.log_rows import LogRows


class ClickHouseLog:
    """The rows of the log in the database that the settings name; implements ``log_rows.LogElsewhere``.

    ``engine`` is PostgreSQL's, and ``writing`` begins a transaction of it that excludes folds.

    Connects at the first use. Raises ``ConfigurationError`` without the package.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        writing: Callable[[], AbstractContextManager[Connection]],
        clock: Callable[[], Clock],
    ) -> None:
        if find_spec("clickhouse_connect") is None:
            raise ConfigurationError(f"ClickHouse needs its driver. {how_to_install('clickhouse')}")
        self.database = ClickHouse(lambda: _read_url(settings))
        self.owner = TableOwner(self.database, engine)
        self.sink = ClickHouseSink(self.database, self.owner.require)
        self.mover = RowMover(engine, writing, self.sink, clock)
        self.rows: LogRows = ClickHouseRows(self.database, engine, self._require_rows)
        self.upkeep = ClickHouseUpkeep(self.database, writing, self.owner.require)
        self.returner = RowReturner(self.database, writing, self.owner)
        self.take_reduced = self.sink.take_reduced
        self.move_some = self.mover.move_some
        self.move_old = self.mover.move_old
        self.drop_days = self.upkeep.drop_days
        self.erase_addresses = self.upkeep.erase_addresses

    def _require_rows(self) -> None:
        self.mover.require_all()
        self.owner.require_lately()

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        self.database.close()


def _read_url(settings: Settings) -> ClickHouseUrl:
    """The URL now: a file that has it may have a new password."""
    current = settings.current("usage_log_url")
    assert current is not None, "settings can't be unset"
    return ClickHouseUrl.parse(current.get_secret_value())

"""Ensures that the table in ClickHouse is this log's: PostgreSQL and the comment of the table have the same number.

Otherwise a table that was dropped would be replaced by an empty one, two instances would mix their rows, a restored
backup would write to the original's table, and rows that retention removed would come back.
"""

import secrets
import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine, text

from ari.base.errors import ConfigurationError
from ari.storage.clickhouse.clickhouse_client import LONG_SECONDS, ClickHouse
from ari.storage.clickhouse.table import TABLE, format_comment, make_create
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.usage.rows_elsewhere import read_mark

_MAX_AGE_SECONDS = 1.0
"""How long reads trust the last look."""
_RETURNED = "The rows of this ARI log are in PostgreSQL again"
_READ = text("SELECT seq FROM usage_folds WHERE name = 'clickhouse_table'")
_CLAIM = text("INSERT INTO usage_folds (name, seq) VALUES ('clickhouse_table', :seq) ON CONFLICT (name) DO NOTHING")
_SET = text("""INSERT INTO usage_folds (name, seq) VALUES ('clickhouse_table', :seq)
    ON CONFLICT (name) DO UPDATE SET seq = excluded.seq""")
_COMMENT = "SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = %(table)s"
_COUNT = f"SELECT count() FROM {TABLE}"  # noqa: S608 - our own name
_GONE = f"Its table {TABLE} is gone. Restore it, or accept the loss of its rows with ari database take-log."
_FOREIGN = (
    f"Its table {TABLE} belongs to another instance, or to this one before a restore or return-log. Name another "
    "database in ARI_USAGE_LOG_URL, or take the table over with ari database take-log."
)


class TableOwner:
    """The number of one log. ``engine`` is PostgreSQL's. A negative number in PostgreSQL is one whose table may not be
    there yet: a process may end between the two."""

    def __init__(self, database: ClickHouse, engine: Engine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._engine = engine
        self._monotonic = monotonic
        self._checked_at = float("-inf")

    def require_lately(self) -> None:
        """As ``require``, but trusts a look of the last second."""
        if self._monotonic() >= self._checked_at + _MAX_AGE_SECONDS:
            self.require()

    def require(self) -> None:
        """Raise ``Unavailable`` unless the table is this log's. Creates it at first.

        Call it outside a transaction that excludes folds.
        """
        self._checked_at = float("-inf")
        comment = self._read_comment()
        with faults_as_unavailable(), read_only(self._engine) as connection:
            number, is_used = connection.scalar(_READ), read_mark(connection) is not None
        if number is None or number < 0:
            self._claim(number, comment, is_used=is_used)
        elif comment != format_comment(number):
            raise self._database.make_error(_GONE if comment is None else _FOREIGN)
        self._checked_at = self._monotonic()

    def require_if_used(self) -> None:
        """As ``require``, but creates nothing where the log has no table yet."""
        with faults_as_unavailable(), read_only(self._engine) as connection:
            number, is_used = connection.scalar(_READ), read_mark(connection) is not None
        if is_used or (number is not None and number > 0):
            self.require()

    def take_over(self) -> None:
        """Make the table this log's, also another log's, or create one. Raises ``ConfigurationError``."""
        comment = self._read_comment()
        if comment == _RETURNED:
            raise ConfigurationError(f"The rows of {TABLE} were copied back to PostgreSQL. Drop the table instead.")
        number = _choose_number()
        with faults_as_unavailable(), self._engine.begin() as connection:
            connection.execute(_SET, {"seq": -number})
        self._name_table(number, comment)

    def give_back(self) -> None:
        """Note in the table that PostgreSQL has its rows: they must never count as this log's again."""
        self._database.change(f"ALTER TABLE {TABLE} MODIFY COMMENT '{_RETURNED}'")

    def _claim(self, number: int | None, comment: str | None, *, is_used: bool) -> None:
        if number is None:
            if comment is None and is_used:
                raise self._database.make_error(_GONE)
            if comment or (comment == "" and not is_used and self._count_rows()):
                raise self._database.make_error(_FOREIGN)
            with faults_as_unavailable(), self._engine.begin() as connection:
                connection.execute(_CLAIM, {"seq": -_choose_number()})
                number = _read_number(connection)
        if comment and comment != format_comment(abs(number)):
            raise self._database.make_error(_FOREIGN)
        self._name_table(abs(number), comment)

    def _name_table(self, number: int, comment: str | None) -> None:
        expected = format_comment(number)
        if comment is None:
            self._database.change(make_create(number))
        elif comment != expected:
            self._database.change(f"ALTER TABLE {TABLE} MODIFY COMMENT '{expected}'")
        if self._read_comment() != expected:
            raise self._database.make_error(_FOREIGN)
        with faults_as_unavailable(), self._engine.begin() as connection:
            connection.execute(_SET, {"seq": number})

    def _read_comment(self) -> str | None:
        """The comment of the table; ``None`` without a table."""
        found = self._database.read(_COMMENT, {"table": TABLE})
        return str(found[0][0]) if found else None

    def _count_rows(self) -> int:
        (count,) = self._database.read_one(_COUNT, seconds=LONG_SECONDS)
        return int(count)


def _read_number(connection: Connection) -> int:
    number = connection.scalar(_READ)
    assert number is not None
    return int(number)


def _choose_number() -> int:
    return secrets.randbelow(2**62) + 1

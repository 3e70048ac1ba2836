"""What reports, lists and the watch read of single rows of the log, and the same from the tables of ARI's database."""
# Imports inside functions here: a command of the terminal imports the reports that it shows.
# ruff: noqa: PLC0415

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sqlalchemy import Connection, Engine, func, select

from ari.base.clock import MINUTE_MS
from ari.storage.usage.log_reads import begin_read
from ari.usage.model import SecretUse

if TYPE_CHECKING:
    from ari.usage.advice import LateCall
    from ari.usage.search import SearchPage, UsageSearch


class LatestUse(NamedTuple):
    """Of one key: how many requests had a code, and when the last one was."""

    key_id: str
    requests: int
    last_at_ms: int


class LogRows(Protocol):
    """Reads of single rows. Each raises ``Unavailable``, and never returns only a part of what there is."""

    def find(self, search: "UsageSearch", before_id: str | None, limit: int) -> "SearchPage":
        """See ``UsageReader.search``."""

    def newest_statuses(self, search: "UsageSearch", most: int) -> list[tuple[int | None, int]]:
        """See ``UsageReader.newest_statuses``."""

    def last_uses_of_secrets(self, key_id: str, numbers: Sequence[int]) -> dict[int, int]:
        """See ``UsageReader.last_uses_of_secrets``."""

    def secret_use(self, key_id: str, number: int) -> SecretUse:
        """See ``UsageReader.secret_use``."""

    def late_calls(self, since_ms: int) -> "list[LateCall]":
        """Calls with expired keys, the latest first."""

    def latest_uses(self, code: str, since_ms: int, most: int) -> list[LatestUse]:
        """By key, among the newest ``most`` rows with this code since then."""

    def oldest_at_ms(self) -> int | None:
        """The time of the oldest row."""


class LogElsewhere(Protocol):
    """Another engine that has all single rows of the log. Its methods raise ``Unavailable``."""

    rows: LogRows

    def move_some(self) -> bool:
        """Move some rows that are still here. Returns whether more are left."""

    def move_old(self) -> bool:
        """Move some rows now, old counts of floods too. Returns whether more are left."""

    def drop_days(self, before: int) -> Iterator[int]:
        """Drop days whose rows all have an ``id_high`` below this one. Yields how many rows each had."""

    def erase_addresses(self, addresses: Sequence[str]) -> int:
        """Remove these client addresses from all rows. Returns how many had one."""

    def take_reduced(self) -> int:
        """How many rows were stored without values that the engine refused, since the last call."""

    def close(self) -> None:
        """Close its connections; the next use opens new ones."""


class StoredRows:
    """The rows of ``usage_log`` in the database of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, search: "UsageSearch", before_id: str | None, limit: int) -> "SearchPage":
        from ari.storage.usage.search import find

        with self._begin_read() as connection:
            return find(connection, search, before_id, limit)

    def newest_statuses(self, search: "UsageSearch", most: int) -> list[tuple[int | None, int]]:
        from ari.storage.usage.search import newest_statuses

        with self._begin_read() as connection:
            return newest_statuses(connection, search, most)

    def last_uses_of_secrets(self, key_id: str, numbers: Sequence[int]) -> dict[int, int]:
        from ari.storage.usage import secret_use

        with self._begin_read() as connection:
            return secret_use.last_uses_of_secrets(connection, key_id, numbers)

    def secret_use(self, key_id: str, number: int) -> SecretUse:
        from ari.storage.usage import secret_use

        with self._begin_read() as connection:
            return secret_use.secret_use(connection, key_id, number)

    def late_calls(self, since_ms: int) -> "list[LateCall]":
        from ari.storage.usage import listing

        with self._begin_read() as connection:
            return listing.late_calls(connection, since_ms)

    def latest_uses(self, code: str, since_ms: int, most: int) -> list[LatestUse]:
        from ari.storage.usage import listing
        from ari.storage.usage.texts import AT_MS, find_number, name_of

        with self._begin_read() as connection:
            number = find_number(connection, code)
            latest = listing.select_latest(number, since_ms - MINUTE_MS, most).where(since_ms <= AT_MS).subquery()
            query = select(name_of(latest.c.key), func.sum(latest.c["count"]), func.max(latest.c.at_ms))
            found = connection.execute(query.group_by(latest.c.key))
            return [LatestUse(key_id, int(count), int(last_at_ms)) for key_id, count, last_at_ms in found]

    def oldest_at_ms(self) -> int | None:
        from ari.storage.tables import usage_log
        from ari.storage.usage.texts import AT_MS

        with self._begin_read() as connection:
            return connection.scalar(select(AT_MS).order_by(usage_log.c.id_high).limit(1))

    @contextmanager
    def _begin_read(self) -> Iterator[Connection]:
        with begin_read(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                from ari.storage.usage.rows_elsewhere import refuse_if_elsewhere

                refuse_if_elsewhere(connection)
            yield connection

"""Removes old days and addresses from ClickHouse, and says whether its server and table are as ARI needs them."""

# ruff: noqa: S608 - every name in these statements is our own

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from ari.base.clock import Clock
from ari.base.errors import Unavailable
from ari.keys.reasons import ACCEPTED
from ari.storage.clickhouse.clickhouse_client import LONG_SECONDS, ClickHouse
from ari.storage.clickhouse.table import DAY, MIN_VERSION, TABLE
from ari.storage.usage.logged_row import COLUMNS
from ari.storage.usage.rows_elsewhere import wait_for_disk

_DAYS = f"SELECT DISTINCT intDiv(id_high, {DAY}) AS day FROM {TABLE} WHERE id_high < %(before)s ORDER BY day"
_OF_DAY = "id_high >= %(low)s AND id_high < %(high)s"
_SIZE_OF_DAY = f"SELECT count() FROM {TABLE} WHERE {_OF_DAY}"
_COUNT_DAY = f"""SELECT key_id, sumIf(count, code = '{ACCEPTED}'), sumIf(count, code != '{ACCEPTED}'), count()
    FROM {TABLE} FINAL WHERE {_OF_DAY} AND cityHash64(key_id) %% %(shares)s = %(share)s GROUP BY key_id"""
"""``FINAL`` instead of ``LIMIT 1 BY``, which would keep all ids in memory."""
_ROWS_PER_SHARE = 5_000_000
"""How many rows of a day are counted at once: each may have another key."""
_LAST_DROPPED = text("SELECT seq FROM usage_folds WHERE name = 'dropped'")
_NOTE_DROPPED = text("""INSERT INTO usage_folds (name, seq) VALUES ('dropped', :day)
    ON CONFLICT (name) DO UPDATE SET seq = excluded.seq""")
_ADD_REMOVED = text("""UPDATE usage_totals AS totals SET
    removed_request_count = removed_request_count + given.accepted,
    removed_refused_count = removed_refused_count + given.refused
    FROM unnest(CAST(:keys AS text[]), CAST(:accepted AS bigint[]), CAST(:refused AS bigint[]))
        AS given(key_id, accepted, refused)
    WHERE totals.key_id = given.key_id""")
_WITH_ADDRESS = f"SELECT count() FROM {TABLE} FINAL WHERE client_address IN %(addresses)s"
_STORED_WITH_ADDRESS = f"SELECT count() FROM {TABLE} WHERE client_address IN %(addresses)s"
"""Versions that were replaced but not merged count too."""
_ERASE = f"ALTER TABLE {TABLE} UPDATE client_address = '' WHERE client_address IN %(addresses)s"
_ENGINE = "SELECT engine, sorting_key FROM system.tables WHERE database = currentDatabase() AND name = %(table)s"
_HAS_COLUMNS = "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = %(table)s"
_NAME_ANOTHER = "name another database in ARI_USAGE_LOG_URL"
_TRIES = 3
_MAX_CLOCK_DIFFERENCE_MS = 60_000

Writing = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class ClickHouseState:
    """Whether ClickHouse can serve, in words for ``ari doctor``; not if it is ``wrong``."""

    words: str
    state: Literal["ok", "note", "wrong"] = "ok"


class ClickHouseUpkeep:
    """The table of one database. ``writing`` begins a transaction of PostgreSQL that excludes folds; ``require`` raises
    ``Unavailable`` unless the table is this log's."""

    def __init__(self, database: ClickHouse, writing: Writing, require: Callable[[], None]) -> None:
        self._require = require
        self._database = database
        self._writing = writing

    def drop_days(self, before: int) -> Iterator[int]:
        """Drop each day whose rows all have an ``id_high`` below ``before``. Yields how many rows each had.

        The counts of a day are added to those of removed requests in the transaction that notes the day. If the process
        ends before the day is dropped, the next run drops it without counting it again.
        """
        self._require()
        for (day,) in self._database.read(_DAYS, {"before": before}, seconds=LONG_SECONDS):
            low, high = day * DAY, (day + 1) * DAY
            if high > before:
                return
            removed = 0
            with self._writing() as connection:
                last_day = connection.scalar(_LAST_DROPPED)
                if last_day is None or last_day < day:
                    wait_for_disk(connection)
                    removed = self._count_removed(connection, {"low": low, "high": high})
                    connection.execute(_NOTE_DROPPED, {"day": day})
            with self._writing():  # a fold may hold a row of this day, and would store it again
                self._database.change(f"ALTER TABLE {TABLE} DROP PARTITION {int(day)}")
            yield removed

    def _count_removed(self, connection: Connection, span: dict[str, int]) -> int:
        """Add the counts of a day to those of removed requests. Returns how many rows it has."""
        (size,) = self._database.read_one(_SIZE_OF_DAY, span, seconds=LONG_SECONDS)
        shares, rows = size // _ROWS_PER_SHARE + 1, 0
        for share in range(shares):
            given = {**span, "shares": shares, "share": share}
            counts = self._database.read(_COUNT_DAY, given, seconds=LONG_SECONDS)
            keys, accepted, refused, counted = (
                ([*column] for column in zip(*counts, strict=True)) if counts else [[]] * 4
            )
            connection.execute(_ADD_REMOVED, {"keys": keys, "accepted": accepted, "refused": refused})
            rows += sum(counted)
        return rows

    def erase_addresses(self, addresses: Sequence[str]) -> int:
        """Remove these addresses from all rows. Returns how many had one. Raises ``Unavailable`` if any is left."""
        self._require()
        given = {"addresses": tuple(addresses)}
        found, tries = self._count(_WITH_ADDRESS, given), _TRIES
        while self._count(_STORED_WITH_ADDRESS, given) and tries:
            self._database.change(_ERASE, given)
            tries -= 1
        if not self._count(_STORED_WITH_ADDRESS, given):
            return found
        raise Unavailable("The address is still in some rows of the usage log. Try again.")

    def examine(self, clock: Clock) -> ClickHouseState:
        """Look at the server's version and clock, and at the table. Raises ``Unavailable``."""
        given = {"table": TABLE}
        began_ms = clock.now_ms()
        version, now_ms = self._database.read_one("SELECT version(), toUnixTimestamp64Milli(now64(3))")
        difference_ms = abs(now_ms - (began_ms + clock.now_ms()) // 2)
        (found, *_) = self._database.read(_ENGINE, given) or [["no table", ""]]
        columns = {name for (name,) in self._database.read(_HAS_COLUMNS, given)}
        said = f"ClickHouse {version} at {self._database.place}"
        numbers = tuple(int(part) for part in re.findall(r"[0-9]+", version)[:2])
        if numbers < MIN_VERSION:
            needed = ".".join(map(str, MIN_VERSION))
            return ClickHouseState(f"{said}. ARI needs {needed} or later: upgrade it, or {_NAME_ANOTHER}.", "wrong")
        if not columns:
            return ClickHouseState(f"{said}. The table {TABLE} isn't there yet. ari serve creates it.", "note")
        if not found[0].endswith("ReplacingMergeTree") or found[1] != "id_high, id_low" or columns < {*COLUMNS}:
            advice = f"Rename or drop it, or {_NAME_ANOTHER}"
            return ClickHouseState(f"{said}. The table {TABLE} is not one that ARI made. {advice}.", "wrong")
        if difference_ms > _MAX_CLOCK_DIFFERENCE_MS:
            differs = f"Its clock differs by {difference_ms // 1000} seconds"
            return ClickHouseState(f"{said}. {differs}. Synchronize the clocks of both machines.", "note")
        return ClickHouseState(said)

    def _count(self, query: str, given: dict[str, tuple[str, ...]]) -> int:
        (count,) = self._database.read_one(query, given, seconds=LONG_SECONDS)
        return int(count)

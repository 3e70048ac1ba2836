"""Staged entries that no fold takes, such as one with a number that a column can't hold: set aside, so that the others
are folded. They are staged again at each start of ``ari serve``, which may be that of a version that takes them.

They are in the file or database of the staged entries, so each is in one of the two tables at any time.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from ari.storage.database_errors import read_only
from ari.storage.tables import usage_set_aside, usage_staging
from ari.storage.usage.compact_sql import NO_TEXT
from ari.storage.usage.rollups import ATTEMPTS
from ari.storage.usage.row_ids import TIME_SHIFT
from ari.storage.write_lock import write_lock
from ari.usage.model import OTHERS

MAX_SET_ASIDE = 100
"""More, and the database or ARI has a defect, not an entry: then the others stay staged."""

_rows = usage_set_aside.c
_FIND_STAGED = text("""SELECT * FROM usage_staging WHERE seq = :seq
    AND seq > (SELECT coalesce(max(seq), 0) FROM usage_folds WHERE name = 'staging')""")
_COUNT = select(func.count()).select_from(usage_set_aside)
_logger = logging.getLogger("ari.storage")


def is_of_entry(error: Exception) -> bool:
    """Whether a fold failed because of a value, not because of the database."""
    if isinstance(error, OperationalError):
        return "integer overflow" in str(error.orig)  # SQLite's error for a sum that is too large
    if isinstance(error, DBAPIError):
        return isinstance(error, DataError | IntegrityError) and not error.connection_invalidated
    return isinstance(error, ValueError | TypeError | ArithmeticError)


class SetAside:
    """The entries of one usage log that were set aside. Its methods raise what the database raises."""

    def __init__(self, engine: Engine, lock_file: Path | None, staging_lock: Path | None) -> None:
        self._engine = engine
        self._lock_file = lock_file
        self._staging_lock = staging_lock

    def add(self, seq: int, error: Exception) -> bool:
        """Set the staged entry with this number aside. ``False`` if too many are; nothing if it is gone."""
        with write_lock(self._lock_file), self._write() as connection:  # no other process folds the entry now
            if self._lock_file is None:
                connection.execute(text("LOCK TABLE usage_folds IN EXCLUSIVE MODE"))
            if (connection.scalar(_COUNT) or 0) >= MAX_SET_ASIDE:
                return False
            entry = connection.execute(_FIND_STAGED, {"seq": seq}).mappings().one_or_none()
            if entry is None:
                return True
            reason = type(getattr(error, "orig", None) or error).__name__
            at_ms, high = entry["at_ms"], entry["id_high"]
            if at_ms is None and high is not None:
                at_ms = high >> TIME_SHIFT
            known = {name: value for name, value in entry.items() if value is not None and name != "seq"}
            values = {"seq": seq, "at_ms": at_ms, "reason": reason, "entry": json.dumps(known)}
            connection.execute(insert(usage_set_aside).values(values))
            connection.execute(delete(usage_staging).where(usage_staging.c.seq == seq))
        _logger.error("A logged request can't be counted (%s). It is set aside as number %d.", reason, seq)
        return True

    def fold(
        self, fold: Callable[[int], int], find_first: Callable[[], int | None], repair: Callable[[int], int], most: int,
        *, sets_aside: bool,
    ) -> int:  # fmt: skip
        """Fold the oldest ``most`` entries, and set aside those that no fold takes. Returns how many were folded.

        ``find_first`` returns the number of the oldest one. ``repair`` removes repeats, and returns how many. Raises
        what ``fold`` raises for a fault of the database, or of an entry unless ``sets_aside``.
        """
        done, size = 0, most
        while done < most and (first := find_first()) is not None:
            try:
                done += fold(min(size, most - done))
            except Exception as error:
                if isinstance(error, IntegrityError) and repair(size):
                    continue
                if not sets_aside or not is_of_entry(error):
                    raise
                if size > 1:
                    size //= 2
                elif self.add(first, error):
                    size = most
                else:
                    raise
            else:
                if size == most:
                    break
        return done

    def restage(self) -> int:
        """Stage all of them again. Returns how many."""
        if not self.count():
            return 0
        with self._write() as connection:
            entries = connection.execute(select(_rows.seq, _rows.entry).order_by(_rows.seq)).all()
            for seq, entry in entries:
                values = {name: value for name, value in json.loads(entry).items() if name in usage_staging.c}
                if self._lock_file is None:  # another engine may have stored its row under this number
                    values["seq"] = seq
                columns, given = (", ".join(form.format(name) for name in values) for form in ('"{}"', ":{}"))
                connection.execute(text(f"INSERT INTO usage_staging ({columns}) VALUES ({given})"), values)  # noqa: S608 - our own
            connection.execute(delete(usage_set_aside))
        return len(entries)

    def erase(self, addresses: Collection[str]) -> int:
        """Remove these client addresses. Returns how many entries had one."""
        if not self.count():
            return 0
        changed = 0
        with self._write() as connection:
            for seq, entry in connection.execute(select(_rows.seq, _rows.entry)).all():
                values = json.loads(entry)
                if values.get("client_address") in addresses:
                    values["client_address"] = OTHERS if values["kind"] == ATTEMPTS else NO_TEXT
                    changed += 1
                    connection.execute(update(usage_set_aside).where(_rows.seq == seq).values(entry=json.dumps(values)))
        return changed

    def remove_before(self, before_ms: int) -> int:
        """Remove entries from before this time. Returns how many."""
        if not self.count():
            return 0
        with self._write() as connection:
            return connection.execute(delete(usage_set_aside).where(_rows.at_ms < before_ms)).rowcount

    def count(self) -> int:
        """How many entries are set aside."""
        with read_only(self._engine) as connection:
            return connection.scalar(_COUNT) or 0

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with write_lock(self._staging_lock), self._engine.begin() as connection:
            yield connection

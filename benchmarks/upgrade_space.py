"""Disk space and memory while a database is upgraded, read from Linux and from PostgreSQL."""

import contextlib
import re
from pathlib import Path
from typing import Protocol

_STATUS = {name: re.compile(rf"^{name}:\s+(\d+) kB", re.MULTILINE) for name in ("VmHWM", "RssAnon")}


class Space(Protocol):
    """Where the space of an upgrade is measured; all figures are bytes."""

    def size(self, process: int | None) -> int:
        """The database now, with what ``process`` has in temporary files."""

    def wal(self) -> int:
        """What the server has written to its write-ahead log since it exists."""

    def memory(self, process: int) -> int:
        """The most memory that the process had so far."""

    def close(self) -> None:
        """Let the server go."""

    def server_memory(self) -> int:
        """The largest memory of a server process that works for this database now, without what is shared."""


class _Sqlite:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def size(self, process: int | None) -> int:
        return sum(_size_of(path) for path in self._folder.iterdir()) + (0 if process is None else _deleted(process))

    def wal(self) -> int:
        return 0

    def memory(self, process: int) -> int:
        return _status(process, "VmHWM")

    def server_memory(self) -> int:
        return 0

    def close(self) -> None:
        pass


class _PostgreSQL(_Sqlite):
    def __init__(self, url: str) -> None:
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        self._connection = psycopg.connect(url, autocommit=True)

    def _ask(self, query: str) -> int:
        row = self._connection.execute(query.encode()).fetchone()
        return 0 if row is None or row[0] is None else int(row[0])

    def size(self, _process: int | None) -> int:
        return self._ask("SELECT pg_database_size(current_database())")

    def wal(self) -> int:
        return self._ask("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")

    def close(self) -> None:
        self._connection.close()

    def server_memory(self) -> int:
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return max((_status(row[0], "RssAnon") for row in self._connection.execute(query).fetchall()), default=0)


def measure_sqlite(folder: Path) -> Space:
    """The files of a data directory."""
    return _Sqlite(folder)


def measuring_postgresql(url: str) -> Space:
    """A database of a PostgreSQL server; the memory of its processes only on this machine."""
    return _PostgreSQL(url)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _deleted(process: int) -> int:
    """The bytes in files that the process has open and that have no name: SQLite sorts in such."""
    total = 0
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(link.readlink()).endswith(" (deleted)"):
                    total += link.stat().st_size
    return total


def _status(process: int, name: str) -> int:
    with contextlib.suppress(OSError):
        found = _STATUS[name].search(Path(f"/proc/{process}/status").read_text(encoding="utf-8"))
        return 1024 * int(found[1]) if found else 0
    return 0

"""Which process holds a lock of the database that others wait for, for ``ari doctor --live``."""

from pathlib import Path

from sqlalchemy import text

from ari.base.settings import Settings
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.engine import Database

_LOCK_FILES = ("ari.lock", "usage.lock", "staging.lock")
_KERNEL_LOCKS = Path("/proc/locks")
_BLOCKED = text(
    "SELECT pid, application_name, pg_blocking_pids(pid), "
    "round(extract(epoch FROM clock_timestamp() - query_start))::bigint AS seconds FROM pg_stat_activity "
    "WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0 ORDER BY query_start LIMIT 20"
)


def list_lock_holders(settings: Settings) -> list[str]:
    """One sentence for each lock that is held or waited for now. Raises ``AriError``."""
    if settings.database_url is None:
        return _list_file_locks(settings.data_dir)
    database = Database.open(settings)
    try:
        with faults_as_unavailable(), read_only(database.main) as connection:
            return [
                f"PostgreSQL session {row.pid} has waited {row.seconds} s for a lock that session "
                f"{', '.join(map(str, row.pg_blocking_pids))} holds."
                for row in connection.execute(_BLOCKED)
            ]
    finally:
        database.close()


def _list_file_locks(data_dir: Path) -> list[str]:
    """The write locks of SQLite files, as Linux lists them (proc_locks(5))."""
    inodes = {}
    for name in _LOCK_FILES:
        try:
            inodes[str((data_dir / name).stat().st_ino)] = name
        except OSError:
            continue
    try:
        lines = _KERNEL_LOCKS.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return []
    found = []
    for words in map(str.split, lines):
        if "FLOCK" not in words or len(words) < 4:
            continue
        place = next((word for word in words if word.count(":") == 2), "")
        locked = inodes.get(place.rpartition(":")[2], "")
        if locked and "->" not in words:
            pid = words[words.index("FLOCK") + 3]
            found.append(f"Process {pid} holds the write lock {locked}.")
    return found

"""Empty SQLite's WALs when a server stops."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote


def remove_wal(path: Path) -> None:
    """Checkpoint the SQLite file ``path`` and remove its WAL, unless another process uses the file.

    A process that ends without closing its connections leaves the WAL, and in it what was erased from the file.
    Never creates a file. After an error, the next start empties the WAL.
    """
    if not path.with_name(f"{path.name}-wal").exists():
        return
    # Closing the last connection that has read something checkpoints. It doesn't wait for others.
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()

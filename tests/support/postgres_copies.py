"""Base backups of a PostgreSQL server, and recovery to a point in time."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port
from tests.support.postgres import PrivateServer, find_programs
from tests.support.postgres_home import make_home

WAIT_SECONDS = 30


def keep_archive(server: PrivateServer) -> None:
    """Restart the server with an archive of its WAL."""
    archive, owner = server.folder / "archive", server.folder.stat()
    archive.mkdir()
    os.chown(archive, owner.st_uid, owner.st_gid)
    command = f"ALTER SYSTEM SET archive_command = 'cp %p {archive}/%f'"
    server.execute("ALTER SYSTEM SET archive_mode = on", command)
    server.stop()
    server.start()


def archive_all(server: PrivateServer) -> Path:
    """Wait until all that was written so far is in the archive; its folder."""
    [(segment,)] = server.execute("SELECT pg_walfile_name(pg_switch_wal())")
    _wait_until(server, f"SELECT last_archived_wal >= '{segment}' FROM pg_stat_archiver")
    return server.folder / "archive"


@contextmanager
def base_backup_of(primary: PrivateServer) -> Iterator[PrivateServer]:
    """A server whose files are a copy that ``pg_basebackup`` made. It isn't started."""
    binaries = find_programs()
    assert binaries is not None
    with make_home() as (folder, ids):
        copy = PrivateServer(binaries, folder, free_port(), ids)
        try:
            primary.run_tool("pg_basebackup", "-D", str(folder / "data"), "-X", "none", "-c", "fast", "--no-sync")
            yield copy
        finally:
            copy.stop()


def recover(copy: PrivateServer, archive: Path, restore_point: str) -> None:
    """Start the copy, and apply the archived WAL up to this restore point."""
    data = copy.folder / "data"
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write(
            f"archive_mode = off\nrestore_command = 'cp {archive}/%f %p'\n"
            f"recovery_target_name = '{restore_point}'\nrecovery_target_action = 'promote'\n"
        )
    (data / "recovery.signal").touch()
    copy.start()
    _wait_until(copy, "SELECT NOT pg_is_in_recovery()")


def _wait_until(server: PrivateServer, question: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not server.execute(question)[0][0]:
        assert time.monotonic() < deadline, question
        time.sleep(0.05)

"""The URL of the running server, in a file of the data directory, so that the command line can name it.

The server holds a ``flock`` on the file, so a file that a killed server left behind is recognized.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NAME = "server-url"
_MAX_BYTES = 2_048


@contextmanager
def publish(data_dir: Path, url: str) -> Iterator[None]:
    """Write the URL for as long as the block runs. Raises ``OSError``.

    If two servers share the directory, the one that started last is named.
    """
    path, fresh = data_dir / _NAME, data_dir / f"{_NAME}.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, url.encode())
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        try:
            yield
        finally:
            with suppress(OSError):
                if path.stat().st_ino == os.fstat(descriptor).st_ino:
                    path.unlink()
    finally:
        os.close(descriptor)


def read(data_dir: Path) -> str | None:
    """The URL of the server that runs on this directory, ``None`` if none runs or it can't be read."""
    try:
        with (data_dir / _NAME).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read(_MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        pass
    return None

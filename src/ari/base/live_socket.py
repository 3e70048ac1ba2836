"""How a process of ``ari serve`` says what it does: a Unix socket of its own in the data directory, mode 0600.

Whatever connects gets one JSON object, from a thread that does nothing else. So it works while the rest is stuck.
"""

import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

READ_SECONDS = 3.0
"""A process that has not responded by then is frozen."""
MAX_BYTES = 1024 * 1024
_PREFIX, _SUFFIX = "live-", ".sock"


@contextmanager
def _reach(data_dir: Path, name: str) -> Iterator[str]:
    """An address of the socket that is short enough for the system, however long the path is."""
    path = data_dir / name
    if not Path("/proc/self/fd").exists():
        yield str(path)
        return
    folder = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{name}"
    finally:
        os.close(folder)


def listen(data_dir: Path, process: str) -> socket.socket:
    """The socket of the process with this name, in place of one that a killed process left. Raises ``OSError``."""
    name = f"{_PREFIX}{process}{_SUFFIX}"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listener.fileno(), 0o600)  # before it has a name
        (data_dir / name).unlink(missing_ok=True)
        with _reach(data_dir, name) as address:
            listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def read_all(data_dir: Path, seconds: float = READ_SECONDS) -> dict[str, dict[str, Any] | None]:
    """The report of each process by its name; ``None`` if it doesn't respond. Those that ended are left out.

    Raises ``PermissionError`` if another user runs them.
    """
    found: dict[str, dict[str, Any] | None] = {}
    for path in sorted(data_dir.glob(f"{_PREFIX}*{_SUFFIX}")):
        process = path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
        try:
            if stat.S_ISSOCK(path.lstat().st_mode):
                found[process] = _ask(data_dir, path.name, seconds)
        except PermissionError:
            raise
        except OSError:  # its process has ended
            continue
    return found


def _ask(data_dir: Path, name: str, seconds: float) -> dict[str, Any] | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        with _reach(data_dir, name) as address:
            connection.connect(address)
        return _read(connection)


def _read(connection: socket.socket) -> dict[str, Any] | None:
    data = b""
    try:
        while len(data) <= MAX_BYTES and (piece := connection.recv(65536)):
            data += piece
        report = json.loads(data)
    except (OSError, ValueError, RecursionError):
        return None
    return report if isinstance(report, dict) else None

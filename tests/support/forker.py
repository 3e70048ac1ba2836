"""A process that has imported ARI, and becomes the command ``ari`` as often as it is asked: see ``forked.py``.

Its children are the program in everything but the second that Python needs for the imports: processes of their own,
with their own session, environment, folder, standard streams and exit status.
"""

import array
import fcntl
import gc
import importlib
import io
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support import command_tree, made_once, rehearsal

FDS = 4
"""What comes with a request: standard input, output and error, and a pipe for the exit status."""
_IMPORTS = (
    "ari.cli.checks",
    "ari.cli.main",
    "ari.integrations.providers",
    "ari.server",
    "ari.serving.start",
    "ari.serving.worker",
    "alembic.autogenerate",
    "alembic.command",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "encodings.idna",
    "rich.markdown",
    "sqlalchemy.dialects.postgresql.psycopg",
    "zxcvbn",
)


class Forker:
    """Takes one request after another until its asker is gone; then its children end too."""

    def __init__(self, asker: socket.socket) -> None:
        self._asker = asker
        self._statuses: dict[int, int] = {}

    def run(self) -> Callable[[], None] | None:
        """Serve; in a child, give what it is to do."""
        awake, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([self._asker.fileno(), awake], [], [])
            if awake in ready:
                os.read(awake, 4096)
                self._bury()
            if self._asker.fileno() in ready:
                request, fds = _receive(self._asker)
                if not request:
                    break
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    for descriptor in (awake, waker, fds.pop(), self._asker.detach(), *self._statuses.values()):
                        os.close(descriptor)
                    return _as_asked(json.loads(request), fds)
                self._statuses[pid] = fds.pop()
                for descriptor in fds:
                    os.close(descriptor)
                self._asker.sendall(b"%d\n" % pid)
        for pid in self._statuses:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        return None

    def _bury(self) -> None:
        for pid, status in list(self._statuses.items()):
            done, state = os.waitpid(pid, os.WNOHANG)
            if done:
                del self._statuses[pid]
                with suppress(BrokenPipeError):
                    os.write(status, b"%d\n" % os.waitstatus_to_exitcode(state))
                os.close(status)


def _receive(asker: socket.socket) -> tuple[bytes, list[int]]:
    """A line and the descriptors that came with it; an empty one when the asker is gone."""
    found, fds = b"", array.array("i")
    while not found.endswith(b"\n"):
        part, control, _, _ = asker.recvmsg(1 << 16, socket.CMSG_SPACE(FDS * fds.itemsize))
        if not part:
            return b"", []
        found += part
        for _, _, data in control:
            fds.frombytes(data)
    return found, fds.tolist()


def _as_asked(request: dict[str, Any], fds: list[int]) -> Callable[[], None]:
    """Prepare this process as requested, up to the call of ``main()``."""
    os.setsid()
    for number, descriptor in enumerate(fds):
        os.dup2(descriptor, number)
        os.close(descriptor)
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # getpass and Ctrl-C need a terminal of the process's own
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.umask(0o022)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv = ["ari", *request["words"]]
    sys.stdin = _stream(0, "r", "surrogateescape")
    sys.stdout = _stream(1, "w", "surrogateescape")
    sys.stderr = _stream(2, "w", "backslashreplace")
    found: Callable[[], None] = importlib.import_module(request["module"]).main
    return found


def _stream(number: int, mode: str, errors: str) -> io.TextIOWrapper:
    raw = open(number, f"{mode}b", closefd=False)  # noqa: SIM115 - open as long as the process
    return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, line_buffering=number == 2 or os.isatty(number))


def main() -> None:
    """Become a forker, whose asker is the socket with the number in the arguments."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in _IMPORTS:
        importlib.import_module(name)
    command_tree.keep()
    command_tree.build(sys.modules["ari.cli.main"].app)
    folder = Path(tempfile.mkdtemp(prefix="ari-made-"))
    made_once.keep_in(folder)
    rehearsal.rehearse()
    gc.collect()
    gc.freeze()
    work = Forker(socket.socket(fileno=int(sys.argv[1]))).run()
    if work is None:
        shutil.rmtree(folder)
        return
    try:
        work()
    except SystemExit as ended:
        if "serve" not in sys.argv:
            _exit_at_once(ended.code)
        raise


def _exit_at_once(code: object) -> None:
    """End without freeing each object, which would copy the forker's memory: half of a short command's time.

    Returns where Python has more to do at its end.
    """
    if not isinstance(code, int | None) or threading.active_count() > 1:
        return
    with suppress(OSError):  # Python reports a reader that is gone, by its own exit status
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


if __name__ == "__main__":
    main()

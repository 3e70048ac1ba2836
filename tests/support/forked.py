"""The command ``ari`` as a process of its own, without the second that every new Python needs for the imports.

One process for each test process has imported the program, and forks (``forker.py``). What begins before ``main()`` is
left out, so some tests start the program by its command all the same: those of the seed's sentences, of the wheel, and
of the README's first snippet.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
ARI_MAIN = "ari.cli.main"


class Forked:
    """A running ``ari``; its parts are those of ``subprocess.Popen``."""

    def __init__(self, pid: int, status: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status
        self._ended = select.poll()
        self._ended.register(status)
        self._mutex = threading.Lock()

    def poll(self) -> int | None:
        """The exit status, None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, waited for. Raises ``subprocess.TimeoutExpired``."""
        ends = None if timeout is None else time.monotonic() + timeout
        while self._look(0.5 if ends is None else max(0.0, min(0.5, ends - time.monotonic()))) is None:
            if ends is not None and time.monotonic() >= ends:
                raise subprocess.TimeoutExpired("ari", timeout or 0.0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power loss would."""
        self.send_signal(signal.SIGKILL)

    def _look(self, seconds: float) -> int | None:
        with self._mutex:
            if self.returncode is None and self._ended.poll(seconds * 1000):
                self.returncode = int(os.read(self._status, 32))
                os.close(self._status)
        return self.returncode

    def __del__(self) -> None:
        if self.returncode is None:
            os.close(self._status)


class _Forkers:
    """This process's side of the forker."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._socket, other = socket.socketpair()
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forker", str(other.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd=ROOT,
                pass_fds=[other.fileno()],
                start_new_session=True,
            )
        atexit.register(self._close)

    def ask(self, request: Mapping[str, object], fds: Sequence[int]) -> Forked:
        """Have it fork, with these descriptors as standard input, output and error."""
        reader, writer = os.pipe()
        try:
            with self._mutex:
                socket.send_fds(self._socket, [json.dumps(request).encode() + b"\n"], [*fds, writer])
                answer = self._socket.recv(32)
        finally:
            os.close(writer)
        assert answer, "the process that forks is gone"
        return Forked(int(answer), reader)

    def _close(self) -> None:
        self._socket.close()
        self._process.wait()


_forker = cache(_Forkers)


def start(
    words: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path,
    stdin: int,
    stdout: int,
    stderr: int,
    module: str = ARI_MAIN,
) -> Forked:
    """Start ``ari``, or ``main()`` of another module, with these words and descriptors."""
    request = {"words": list(words), "environment": dict(environment), "cwd": str(cwd), "module": module}
    return _forker().ask(request, [stdin, stdout, stderr])


def run(
    words: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path,
    stdin: str = "",
    timeout: float = 60,
    module: str = ARI_MAIN,
) -> "subprocess.CompletedProcess[str]":
    """Run ``ari``, or ``main()`` of another module, to its end and catch what it prints.

    Raises ``subprocess.TimeoutExpired``.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        process = start(words, environment, cwd, given.fileno(), out.fileno(), err.fileno(), module)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        return subprocess.CompletedProcess(["ari", *words], status, _all_of(out), _all_of(err))


def _all_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")

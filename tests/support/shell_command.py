"""``ari`` for shell scripts, forked: a short program that has the test process start the command."""

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support import forked

_PROGRAM = """\
import json, os, socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect({place!r})
request = {{"words": sys.argv[1:], "environment": dict(os.environ), "cwd": os.getcwd()}}
socket.send_fds(asked, [json.dumps(request).encode() + b"\\n"], [0, 1, 2])
sys.exit(int(asked.makefile().readline() or 1))
"""
_MAX_REQUEST_BYTES = 1 << 20


@contextmanager
def shell_command(folder: Path) -> Iterator[str]:
    """The words that run ``ari`` in a shell, as long as the block runs. ``folder`` takes the program."""
    program, place = folder / "ari.py", folder / "ari.socket"
    program.write_text(_PROGRAM.format(place=str(place)))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        thread = threading.Thread(target=_serve, args=(listener,))
        thread.start()
        try:
            yield f'"{sys.executable}" -IS "{program}"'
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket) -> None:
    with suppress(OSError):  # the listener was shut down
        while True:
            threading.Thread(target=_run, args=(listener.accept()[0],)).start()


def _run(asker: socket.socket) -> None:
    """Run one command; the commands of a pipe run at once."""
    with asker:
        text, fds, _, _ = socket.recv_fds(asker, _MAX_REQUEST_BYTES, 3)
        while not text.endswith(b"\n"):
            text += asker.recv(_MAX_REQUEST_BYTES)
        request = json.loads(text)
        try:
            process = forked.start(
                request["words"], request["environment"], Path(request["cwd"]), fds[0], fds[1], fds[2]
            )
        finally:
            for descriptor in fds:
                os.close(descriptor)
        asker.sendall(b"%d\n" % process.wait())

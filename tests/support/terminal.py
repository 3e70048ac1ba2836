"""A command at a terminal: somebody reads what it prints and replies to its questions."""

import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from fcntl import ioctl
from pathlib import Path

from tests.support import forked

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def at_terminal(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    answers: Sequence[tuple[str, str]] = (),
    columns: int = 160,
    seconds: float = 60,
) -> tuple[int, str]:
    """Run ``ari`` with these words; exit status and everything that was on the screen, without colours and bold.

    ``answers`` are pairs of what the program asks and what is typed once it is there; ``\\x03`` is Ctrl-C.
    """
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = forked.start(words, {"TERM": "xterm", "NO_COLOR": "1", **environment}, folder, theirs, theirs, theirs)
    os.close(theirs)
    try:
        screen = _conversation(ours, list(answers), time.monotonic() + seconds)
        return process.wait(seconds), _STYLE.sub("", screen).replace("\r\n", "\n")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _conversation(terminal: int, answers: list[tuple[str, str]], deadline: float) -> str:
    seen, read_from = b"", 0
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # Linux: the other side has gone
                break
            if not chunk:
                break
            seen += chunk
        if answers and answers[0][0].encode() in seen[read_from:]:
            read_from = len(seen)
            os.write(terminal, answers.pop(0)[1].encode())
    return seen.decode()

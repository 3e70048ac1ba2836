"""A log that can't be written loses entries. It stops nothing, and says later how many."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from ari.base.log_stream import LogStream


class Lines:
    """A stream of the log on a descriptor, and what it reported."""

    def __init__(self, stream: TextIO) -> None:
        self.lost: list[int] = []
        self.stream = LogStream(stream, self.lost.append)


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """Both ends of a pipe."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as end, os.fdopen(writer, "w") as stream:
        yield end.fileno(), stream


def _fill(descriptor: int) -> None:
    os.set_blocking(descriptor, False)
    for size in (4_096, 1):
        try:
            while True:
                os.write(descriptor, b"x" * size)
        except BlockingIOError:
            pass
    os.set_blocking(descriptor, True)


def test_a_full_disk_loses_entries_and_says_so_later(tmp_path: Path) -> None:
    """Once, when there is room again."""
    with Path("/dev/full").open("w") as full, (tmp_path / "log").open("w") as log:
        lines = Lines(full)
        for _ in range(3):
            lines.stream.write("lost\n")
        assert lines.lost == []
        os.dup2(log.fileno(), full.fileno())
        lines.stream.write("kept\n")
        lines.stream.write("kept\n")
    assert lines.lost == [3]
    assert (tmp_path / "log").read_text() == "kept\nkept\n"


def test_a_reader_that_hangs_holds_up_nothing(pipe: tuple[int, TextIO]) -> None:
    """A full pipe would block the event loop for as long as its reader hangs."""
    reader, stream = pipe
    lines = Lines(stream)
    _fill(stream.fileno())
    lines.stream.write("lost\n")
    while os.read(reader, 65_536).endswith(b"x" * 4_096):
        if lines.lost:
            break
        lines.stream.write("kept\n")
    assert lines.lost == [1]


def test_a_reader_that_has_ended_stops_nothing(pipe: tuple[int, TextIO]) -> None:
    """As in ``ari serve 2>&1 | head -1``."""
    reader, stream = pipe
    lines = Lines(stream)
    spare = os.open(os.devnull, os.O_RDONLY)
    os.dup2(spare, reader)
    os.close(spare)
    lines.stream.write("lost\n")
    assert lines.lost == []


def test_a_closed_stream_stops_nothing(tmp_path: Path) -> None:
    """At the end of a process, threads may still write."""
    with (tmp_path / "log").open("w") as log:
        lines = Lines(log)
    lines.stream.write("lost\n")
    assert lines.lost == []


def test_a_line_that_was_cut_spoils_no_other(tmp_path: Path) -> None:
    """A disk may take a part of a line; the next one begins on a line of its own."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with (tmp_path / "log").open("w") as log:
        lines = Lines(log)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
        try:
            lines.stream.write("a line of more than ten bytes\n")
            lines.stream.write("lost\n")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        lines.stream.write("kept\n")
    assert (tmp_path / "log").read_text() == "a line of \nkept\n"
    assert lines.lost == [2]

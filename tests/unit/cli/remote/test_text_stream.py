"""Files from a remote instance can't control the terminal, however they arrive."""

import pytest

from ari.cli.remote.text_stream import clean_lines


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_only_whole_line_ends_stay(size: int) -> None:
    """A lone carriage return would let a cell overwrite its line."""
    raw = "\ufeffa,b\r\nx\rfake,\x1b[2J\x9b\u202e\r\r\ny\nz\r".encode()
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    shown = b"".join(clean_lines(pieces)).decode()
    assert shown == "\ufeffa,b\r\nx\\x0dfake,\\x1b[2J\\x9b\\u202e\\x0d\r\ny\nz\\x0d"

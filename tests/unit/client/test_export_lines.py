"""Lines of an export are whole, wherever the network cuts it."""

import pytest

from ari.client.exceptions import UnexpectedResponse
from ari.client.export_lines import MAX_LINE_BYTES, LineSplitter

FILE = "\ufeffid,name\r\n1,Ä\u2028b\r\n2,c".encode()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_lines_from_chunks_of_any_size(size: int) -> None:
    """Without line ends and byte order mark; only line feeds end lines."""
    splitter = LineSplitter()
    lines = [line for at in range(0, len(FILE), size) for line in splitter.split(FILE[at : at + size])]
    assert [*lines, *splitter.finish()] == ["id,name", "1,Ä\u2028b", "2,c"]


def test_a_line_that_never_ends() -> None:
    """The client's memory is bounded."""
    splitter = LineSplitter()
    assert list(splitter.split(b"x" * MAX_LINE_BYTES)) == []
    with pytest.raises(UnexpectedResponse):
        list(splitter.split(b"x"))

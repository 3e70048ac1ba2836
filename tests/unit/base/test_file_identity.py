"""Open a file that is really one."""

import os
from pathlib import Path

import pytest

from ari.base.file_identity import open_regular


def test_only_a_regular_file_is_opened(tmp_path: Path) -> None:
    """Nothing else is waited for; a link is what it leads to."""
    file, pipe, link = tmp_path / "file", tmp_path / "pipe", tmp_path / "link"
    file.write_bytes(b"content")
    os.mkfifo(pipe)
    link.symlink_to(file)
    with open_regular(link) as opened:
        assert opened.read() == b"content"
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    for other in (pipe, Path("/dev/zero")):
        with pytest.raises(OSError, match="it isn't a regular file"):
            open_regular(other)

"""The command line names the URL of the server that runs, and of no other."""

import os
from pathlib import Path

import pytest

from ari.base import server_url

URL = "http://127.0.0.1:4321"


def test_the_url_is_there_while_the_server_runs(data_dir: Path) -> None:
    """Only this user may read the file, and nothing is left of it."""
    assert server_url.read(data_dir) is None
    with server_url.publish(data_dir, URL):
        assert server_url.read(data_dir) == URL
        (file,) = data_dir.iterdir()
        assert file.stat().st_mode & 0o077 == 0
    assert server_url.read(data_dir) is None
    assert not list(data_dir.iterdir())


def test_a_file_that_a_killed_server_left_is_not_believed(data_dir: Path) -> None:
    """Nobody holds its lock. The next server replaces it."""
    (data_dir / "server-url").write_text(URL, encoding="ascii")
    assert server_url.read(data_dir) is None
    with server_url.publish(data_dir, "http://127.0.0.1:5"):
        assert server_url.read(data_dir) == "http://127.0.0.1:5"


def test_the_first_of_two_servers_leaves_the_file_of_the_second(data_dir: Path) -> None:
    """The one that started last is named until it stops."""
    first, second = server_url.publish(data_dir, URL), server_url.publish(data_dir, "http://127.0.0.1:5")
    with first:
        second.__enter__()
    assert server_url.read(data_dir) == "http://127.0.0.1:5"
    second.__exit__(None, None, None)
    assert not list(data_dir.iterdir())


def test_what_is_not_a_url_file_is_ignored(data_dir: Path) -> None:
    """A directory in its place, or bytes that aren't text."""
    (data_dir / "server-url").mkdir()
    assert server_url.read(data_dir) is None
    with pytest.raises(OSError, match="directory"), server_url.publish(data_dir, URL):
        pass
    assert [one.name for one in data_dir.iterdir()] == ["server-url"]


def test_a_link_in_place_of_the_new_file_is_refused(data_dir: Path, tmp_path: Path) -> None:
    """The target of a link is not overwritten."""
    target = tmp_path / "target"
    target.write_text("kept", encoding="ascii")
    (data_dir / f"server-url.{os.getpid()}").symlink_to(target)
    with pytest.raises(OSError, match="symbolic link"), server_url.publish(data_dir, URL):
        pass
    assert target.read_text(encoding="ascii") == "kept"

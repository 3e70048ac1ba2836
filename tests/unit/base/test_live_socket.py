"""Sockets of processes in the data directory: private, reachable on any path, replaced after a kill."""

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from ari.base import live_socket


def test_a_socket_is_private_and_on_a_path_of_any_length(tmp_path: Path) -> None:
    """Systems limit the address of a socket to about 100 characters."""
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    folder.mkdir(parents=True)
    before = os.umask(0)
    try:
        with live_socket.listen(folder, "worker-0") as listener:
            path = folder / "live-worker-0.sock"
            assert stat.S_IMODE(path.lstat().st_mode) == 0o600

            def respond() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b'{"pid": 7}')

            thread = threading.Thread(target=respond)
            thread.start()
            assert live_socket.read_all(folder) == {"worker-0": {"pid": 7}}
            thread.join()
            assert live_socket.read_all(folder, 0.01) == {"worker-0": None}
    finally:
        os.umask(before)
    assert live_socket.read_all(folder) == {}
    live_socket.listen(folder, "worker-0").close()


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """A file with such a name is no socket; a folder without any has no processes."""
    (tmp_path / "live-x.sock").write_text("hello")
    assert live_socket.read_all(tmp_path) == {}
    assert live_socket.read_all(tmp_path / "none") == {}


def test_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is no reason to say that nothing runs."""
    with live_socket.listen(tmp_path, "worker-0"):

        def refuse(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        with pytest.raises(PermissionError):
            live_socket.read_all(tmp_path)

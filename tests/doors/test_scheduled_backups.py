"""Scheduled backups of ``ari serve``: its own process writes them; kills, stops and bad places."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ari.backups.backup_name import BackupName
from tests.support.processes import backup_processes_of, eventually, is_running, kill
from tests.support.server import ServerProcess


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


def _backups(place: Path) -> list[str]:
    return [path.name for path in place.iterdir() if BackupName.parse(path.name) is not None]


def test_a_server_writes_its_backups(make_server: Callable[..., ServerProcess], place: Path) -> None:
    """At the start, and a day later; a process that is killed is replaced, and the server stops at once."""
    server = make_server(settings={"ARI_BACKUP_TO": str(place), "ARI_BACKUP_KEEP": "all"})
    server.start()
    assert len(eventually(lambda: _backups(place), 60)) == 1
    [victim] = backup_processes_of(server)
    kill(victim)
    eventually(lambda: [pid for pid in backup_processes_of(server) if pid != victim])
    server.clock.advance(86_400)
    eventually(lambda: len(_backups(place)) == 2, 60)
    [pid] = backup_processes_of(server)
    server.stop()
    assert not is_running(pid)
    assert sorted(path.name for path in place.iterdir()) == sorted(_backups(place))


def test_a_server_without_a_place_has_no_such_process(make_server: Callable[..., ServerProcess]) -> None:
    """It costs nothing where it is off."""
    server = make_server()
    server.start()
    assert backup_processes_of(server) == []


def test_a_place_that_cannot_hold_backups_stops_the_start(
    make_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    """A setting that can't be right is one sentence, before anything is served. A disk that is away isn't one."""
    server = make_server(settings={"ARI_BACKUP_TO": str(tmp_path / "none")})
    server.start()
    server.stop()
    assert f"ARI_BACKUP_TO: there is no directory {tmp_path / 'none'}. Create or mount it first." in server.log_text()
    server.settings["ARI_BACKUP_TO"] = str(server.data_dir / "backups")
    process = server.launch()
    assert process.wait(60) == 1
    assert "is in the data directory, which backups must survive" in server.log_text()

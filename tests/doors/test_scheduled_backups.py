"""Scheduled backups of ``ari serve``: its own process writes them; kills, stops and bad places."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ari.backups.backup_name import BackupName
from tests.support import mounts
from tests.support.missing import skip_missing
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


@pytest.mark.parametrize(
    ("full", "words"),
    [
        ("ARI_BACKUP_TO", "No space left on device"),
        ("ARI_BACKUP_WORK_DIR", "couldn't be verified"),
    ],
)
def test_a_disk_that_is_full_stops_only_the_backup(
    make_owner: Callable[..., Any], tmp_path: Path, full: str, words: str
) -> None:
    """Promises 1 and 2 go on, the reason is named, no half file is left, and the next run works."""
    if not mounts.available():
        skip_missing(mounts.MISSING)
    folders = {"ARI_BACKUP_TO": tmp_path / "place", "ARI_BACKUP_WORK_DIR": tmp_path / "work"}
    for folder in folders.values():
        folder.mkdir()
    settings = {name: str(folder) for name, folder in folders.items()}
    settings |= {"ARI_BACKUP_KEEP": "all", "ARI_MIN_FREE_DISK": "0"}
    owner = make_owner(command=mounts.ari_on_small_disk(folders[full], "8m"), settings=settings)
    key, secret = owner.create_key("caller")
    inside = {name: mounts.get_path_in(owner.server.process.pid, folder) for name, folder in folders.items()}
    [first] = eventually(lambda: _backups(inside["ARI_BACKUP_TO"]), 60)
    filler = mounts.fill(inside[full])
    owner.server.clock.advance(86_400)
    eventually(lambda: "a backup failed" in owner.server.log_text(), 60)
    assert words in owner.server.log_text()
    assert [owner.api(secret).get("/api/me").status_code for _ in range(5)] == [200] * 5
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    assert owner.api(secret).get("/api/me").status_code == 401
    verified = {name for name in _backups(inside["ARI_BACKUP_TO"]) if "unverified" not in name}
    assert verified == {first}
    left = [path.name for folder in inside.values() for path in folder.iterdir() if path != filler]
    assert sorted(left) == sorted(_backups(inside["ARI_BACKUP_TO"])), "a half file is left"
    filler.unlink()
    owner.server.clock.advance(3_600)
    eventually(lambda: sum("unverified" not in name for name in _backups(inside["ARI_BACKUP_TO"])) == 2, 60)

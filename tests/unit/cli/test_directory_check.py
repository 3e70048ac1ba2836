"""Doctor writes to the data directory, because a full disk looks writable."""

import errno
import json
import os
import subprocess
from pathlib import Path

import pytest

from ari.base.settings import load_settings
from ari.cli import directory_check
from ari.cli.directory_check import check_directory
from tests.support import mounts
from tests.support.server import ARI
from tests.unit.cli.conftest import Ari


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "is full: "),
        (errno.EDQUOT, "is full: the disk quota of this user is used up."),
        (errno.EROFS, "Read-only file system."),
    ],
)
def test_a_write_that_fails(ari: Ari, monkeypatch: pytest.MonkeyPatch, number: int, said: str) -> None:
    """Each reason has its words."""

    def fail(_path: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(directory_check, "try_writing", fail)
    found = check_directory(load_settings(data_dir=ari.data_dir))
    assert (found.state, said in found.message) == ("wrong", True), found


def test_a_directory_that_takes_files(ari: Ari) -> None:
    """The file that was tried is gone."""
    before = sorted(ari.data_dir.iterdir())
    assert check_directory(load_settings(data_dir=ari.data_dir)).state == "ok"
    assert sorted(ari.data_dir.iterdir()) == before


@pytest.mark.skipif(not mounts.available(), reason=mounts.MISSING)
def test_a_full_disk(tmp_path: Path) -> None:
    """A real one; SQLite can't even be read there, and doctor says so."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    in_namespace = mounts.ari_on_small_disk(folder, "8m")[: -len(ARI)]
    fill = f'"$@" migrate >&2; cat /dev/zero > "{folder}/filler" 2>/dev/null; "$@" doctor --json'
    command = [*in_namespace, "sh", "-c", fill, "sh", *ARI]
    ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "ARI_DATA_DIR": str(folder)})
    checks = {one["check"]: one for one in json.loads(ran.stdout)["checks"]}
    assert checks["data directory"]["state"] == "wrong", ran.stderr
    assert f"{folder} is full: 0 kB free." in checks["data directory"]["message"]
    assert {"open-file limit", "email", "not checked"} <= checks.keys()

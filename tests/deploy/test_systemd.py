"""The systemd unit: valid, and closed to what ARI doesn't need."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.package.conftest import ROOT
from tests.support.missing import skip_missing

_FOLDER = ROOT / "deploy" / "systemd"
_DROP_INS = sorted(path.name for path in (_FOLDER / "ari.service.d").iterdir())
MAX_EXPOSURE = 20
"""Tenths, as ``systemd-analyze security`` counts: 2.0 of 10."""


def _analyze(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("systemd-analyze")
    if program is None:
        skip_missing("systemd-analyze is not installed")
    return subprocess.run([program, *map(str, words)], capture_output=True, text=True)


def _install(folder: Path, drop_in: str | None) -> Path:
    """The unit with a program that exists, and with one of the files that change it."""
    text = (_FOLDER / "ari.service").read_text(encoding="utf-8")
    assert text.count("/opt/ari/bin/ari") == 1
    unit = folder / "ari.service"
    unit.write_text(text.replace("/opt/ari/bin/ari", "/bin/true"))
    if drop_in is not None:
        (folder / "ari.service.d").mkdir()
        shutil.copy(_FOLDER / "ari.service.d" / drop_in, folder / "ari.service.d" / drop_in)
    return unit


@pytest.mark.parametrize("drop_in", [None, *_DROP_INS])
def test_the_unit_is_valid(drop_in: str | None, tmp_path: Path) -> None:
    """systemd knows every line, also of the files that change the unit."""
    done = _analyze("verify", "--man=no", _install(tmp_path, drop_in))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wrong_line_is_found(tmp_path: Path) -> None:
    """The check above reads the files that change the unit."""
    unit = _install(tmp_path, _DROP_INS[0])
    with (tmp_path / "ari.service.d" / _DROP_INS[0]).open("a") as file:
        file.write("ProtectEverything=yes\n")
    assert "ProtectEverything" in _analyze("verify", "--man=no", unit).stderr


def test_the_exposure_is_small(tmp_path: Path) -> None:
    """2.0 of 10 at most, by systemd's own count."""
    unit = _install(tmp_path, None)
    done = _analyze("security", "--offline=true", f"--threshold={MAX_EXPOSURE}", "--json=short", unit)
    assert done.returncode == 0, done.stdout
    open_to = {one["name"] for one in json.loads(done.stdout) if one["set"] is False}
    assert "PrivateNetwork=" in open_to
    assert "NoNewPrivileges=" not in open_to


_GUIDES = ROOT / "docs" / "guides"
_WRITTEN = re.compile(r"\bARI_(?:DATA_DIR|AUDIT_FILE|BACKUP_TO|BACKUP_WORK_DIR)=(/[\w./-]+)")


def _find_writable() -> set[Path]:
    """The directories that the unit and its drop-ins open, although the system is read-only."""
    files = [_FOLDER / "ari.service", *(_FOLDER / "ari.service.d").iterdir()]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert "ProtectSystem=strict" in lines
    bases = {"StateDirectory": "/var/lib", "LogsDirectory": "/var/log", "ReadWritePaths": "/"}
    pairs = [line.partition("=")[::2] for line in lines]
    return {Path(bases[name]) / value.removeprefix("-") for name, value in pairs if name in bases}


def test_the_service_can_write_what_guides_use() -> None:
    """Each path that a guide lets ARI write is open in the unit, or in a drop-in that comes with it."""
    used = {Path(path) for guide in _GUIDES.glob("*.md") for path in _WRITTEN.findall(guide.read_text("utf-8"))}
    assert {Path("/srv/ari-backups"), Path("/var/log/ari/audit.jsonl")} <= used
    writable = _find_writable()
    assert {path for path in used if not any(path.is_relative_to(base) for base in writable)} == set()


def _run_as_service(folder: Path, *words: str, drop_in: str = "") -> list[str]:
    """What ``ari-as-service`` gives to ``systemd-run``, for the unit with this drop-in."""
    files = [_FOLDER / "ari.service", *([_FOLDER / "ari.service.d" / drop_in] if drop_in else [])]
    commands = {"systemctl": shlex.join(["cat", *map(str, files)]), "systemd-run": "printf '%s\\0' \"$@\""}
    for name, line in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "ARI_PROGRAM": "/usr/bin/env"}
    done = subprocess.run(
        ["sh", str(_FOLDER / "ari-as-service"), *words], env=environment, stdin=subprocess.DEVNULL, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("drop_in", ["", *_DROP_INS])
def test_commands_get_the_settings_as_the_service_does(drop_in: str, tmp_path: Path) -> None:
    """With properties that systemd knows; a shell would split the values of the file of settings."""
    words = _run_as_service(tmp_path, "doctor", drop_in=drop_in)
    properties = [word.removeprefix("-p") for word in words if word.startswith("-p")]
    assert {"User=ari", "EnvironmentFile=-/etc/ari/ari.env"} <= set(properties)
    assert "-EARI_DATA_DIR=/var/lib/ari" in words
    unit = tmp_path / "command.service"
    unit.write_text("\n".join(["[Service]", "ExecStart=/bin/true", *properties, ""]))
    done = _analyze("verify", "--man=no", unit)
    assert (done.returncode, done.stderr) == (0, "")
    for path in _GUIDES.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert "systemd-run" not in text, path
        assert not re.search(r"\$\((?:sudo )?cat [^)]*\.env\)", text), path


def test_commands_get_every_credential_of_the_service(tmp_path: Path) -> None:
    """Without the master key, what they change wouldn't be signed. Words with spaces stay whole."""
    words = _run_as_service(tmp_path, "A=two words", drop_in="credentials.conf")
    assert "-pLoadCredential=master-key:/etc/ari/master-key" in words
    inside = words[words.index("sh") :]
    done = subprocess.run(inside, env={"CREDENTIALS_DIRECTORY": "/run/c"}, capture_output=True, text=True)
    shown = done.stdout.splitlines()
    assert {"ARI_MASTER_KEY_FILE=/run/c/master-key", "ARI_DATABASE_URL_FILE=/run/c/database-url"} <= set(shown)
    assert "A=two words" in shown

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
    return {Path(bases[name]) / value for name, value in pairs if name in bases}


def test_the_service_can_write_what_guides_use() -> None:
    """Each path that a guide lets ARI write is open in the unit, or in a drop-in that comes with it."""
    used = {Path(path) for guide in _GUIDES.glob("*.md") for path in _WRITTEN.findall(guide.read_text("utf-8"))}
    assert {Path("/var/lib/ari"), Path("/srv/ari-backups"), Path("/var/log/ari/audit.jsonl")} <= used
    writable = _find_writable()
    assert {path for path in used if not any(path.is_relative_to(base) for base in writable)} == set()


def _find_commands() -> list[list[str]]:
    texts = [path.read_text(encoding="utf-8").replace("\\\n", " ") for path in sorted(_GUIDES.glob("*.md"))]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    return [shlex.split(line)[2:] for line in lines if line.startswith("$ sudo systemd-run ")]


def test_commands_get_the_settings_as_the_service_does(tmp_path: Path) -> None:
    """Guides let systemd read the file of settings, with properties that it knows; a shell would split its values."""
    commands = _find_commands()
    assert len(commands) >= 3
    for number, words in enumerate(commands):
        properties = [words[at + 1] for at, word in enumerate(words) if word == "-p"]
        assert {"User=ari", "EnvironmentFile=-/etc/ari/ari.env"} <= set(properties)
        unit = tmp_path / f"command{number}.service"
        unit.write_text("\n".join(["[Service]", "ExecStart=/bin/true", *properties, ""]))
        done = _analyze("verify", "--man=no", unit)
        assert (done.returncode, done.stderr) == (0, "")
    assert not [
        path.name for path in _GUIDES.glob("*.md") if re.search(r"\$\((?:sudo )?cat [^)]*\.env\)", path.read_text())
    ]

"""A real Litestream that copies an instance's databases into a folder, as the guide on backups configures it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.missing import skip_missing

GUIDE = Path(__file__).parents[2] / "docs/guides/back-up-and-restore.md"
_CONFIG = re.compile(r"^\$ cat /etc/litestream\.yml\n(.*?)^(?:\$ |```)", re.MULTILINE | re.DOTALL)
_DATA_DIR, _REPLICA = "/var/lib/ari", "s3://my-backups/litestream"


def find_program() -> str:
    """The path of ``litestream``; skips the test without it."""
    own = Path(sys.executable).with_name("litestream")
    found = str(own) if own.exists() else shutil.which("litestream")
    if found is None:
        skip_missing("litestream is not installed")
    return found


class Litestream:
    """Copies of a data directory."""

    def __init__(self, data_dir: Path, folder: Path) -> None:
        folder.mkdir()
        [config] = _CONFIG.findall(GUIDE.read_text())
        for word in (_DATA_DIR, _REPLICA):
            assert word in config, f"the guide's configuration has no {word}"
        self._config = folder / "litestream.yml"
        self._config.write_text(config.replace(_DATA_DIR, str(data_dir)).replace(_REPLICA, f"file://{folder}/copies"))
        self._log = folder / "log"
        self._data_dir = data_dir

    @property
    def databases(self) -> list[str]:
        """The names of the files that it copies."""
        return re.findall(r"path: \S+/(\S+)", self._config.read_text())

    @contextmanager
    def replicating(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Copy until the block ends; then the rest, as a stop by systemd does."""
        with self._log.open("ab") as log:
            process = subprocess.Popen([find_program(), "replicate", "-config", self._config], stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)

    def restore(self, name: str, path: Path) -> bool:
        """Restore a database to ``path``; false if there is no copy of it yet."""
        words: list[str | Path] = [
            find_program(),
            "restore",
            "-config",
            self._config,
            "-integrity-check",
            "full",
            "-o",
            path,
        ]
        done = subprocess.run([*words, self._data_dir / name], capture_output=True, text=True)
        return done.returncode == 0

"""A real rsyslog with TLS on loopback, with the certificate and the configuration of the guide on the audit log."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.missing import skip_missing
from tests.support.ports import free_port
from tests.support.processes import eventually

GUIDE = Path(__file__).parents[2] / "docs/guides/audit-log.md"
_PROGRAM = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin:/usr/local/sbin")
_CERTIFICATE = re.compile(r"^\$ (openssl req -x509 .*?[^\\])$", re.MULTILINE | re.DOTALL)
_CONFIG = re.compile(r"^\$ cat /etc/rsyslog\.d/ari\.conf\n(.*?)```", re.MULTILINE | re.DOTALL)


class Rsyslog:
    """rsyslog with its files in one folder: ``copy`` is what it writes, ``certificate`` its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.copy = folder / "ari-audit.jsonl"
        self.certificate = folder / "collector.pem"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self, *, mode: str = "anon") -> None:
        """Make the certificate for localhost, and the configuration with this ``StreamDriver.AuthMode``."""
        text = GUIDE.read_text()
        [certificate], [config] = _CERTIFICATE.findall(text), _CONFIG.findall(text)
        command = certificate.replace("collector.example.net", "localhost")
        subprocess.run(["sh", "-euc", command], cwd=self._folder, check=True, capture_output=True)
        for there, here in (
            ("/etc/ssl/ari/", f"{self._folder}/"),
            ("/var/log/ari-audit.jsonl", str(self.copy)),
            ('port="6514"', f'port="{self.port}" address="127.0.0.1"'),
            ('AuthMode="anon"', f'AuthMode="{mode}"'),
        ):
            assert there in config, f"the guide's configuration has no {there}"
            config = config.replace(there, here)
        (self._folder / "ari.conf").write_text(config)

    def start(self) -> None:
        """Start and wait until it takes connections."""
        assert _PROGRAM is not None
        words = [_PROGRAM, "-n", "-f", str(self._folder / "ari.conf"), "-i", str(self._folder / "pid")]
        with (self._folder / "rsyslog.log").open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self._folder)

        def is_ready() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, (self._folder / "rsyslog.log").read_text()
            return _can_connect(self.port)

        eventually(is_ready)

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


def _can_connect(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def rsyslog_in(folder: Path) -> Iterator[Rsyslog]:
    """An rsyslog that isn't prepared yet; skips the test where it can't run."""
    if _PROGRAM is None:
        skip_missing("rsyslog is not installed")
    if not list(Path("/usr/lib").glob("*/rsyslog/lmnsd_gtls.so")):
        skip_missing("rsyslog-gnutls is not installed")
    folder.mkdir()
    found = Rsyslog(folder)
    try:
        yield found
    finally:
        found.kill()

"""A server under measurement: its own process group on the server's core, what it eats, and its end."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine

START_SECONDS = 60.0
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR")


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Little of the caller's environment, so that no setting of theirs changes a figure."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(machine.ROOT), **settings}


@dataclass(frozen=True)
class Probe:
    """How a server is asked whether it is there: a raw request and the status expected."""

    message: bytes
    status: int = 200


@dataclass
class Server:
    """One server process tree. ``start_seconds`` is spawn to the first expected answer."""

    name: str
    command: Sequence[str]
    settings: Mapping[str, str]
    folder: Path
    port: int
    cwd: Path | None = None
    start_seconds: float = 0.0
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self, probe: Probe) -> "Server":
        """Start it and wait until it answers. Raises ``RuntimeError`` with the end of its log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        words = [*machine.pinned(machine.SERVER_CORE), *self.command]
        began = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.cwd or self.folder,
                env=clean_environment(self.settings),
                start_new_session=True,
            )
        seen: int | None = None
        while time.perf_counter() - began < START_SECONDS and self._process.poll() is None:
            seen = ask(self.port, probe.message)
            if seen == probe.status:
                self.start_seconds = time.perf_counter() - began
                return self
            time.sleep(0.005)
        self.stop()
        raise RuntimeError(f"{self.name} answered {seen}, not {probe.status}: {self._last_words()}")

    def processes(self) -> list[int]:
        """The process and all below it, parents first."""
        if self._process is None:
            return []
        found, waiting = [], [self._process.pid]
        while waiting:
            process = waiting.pop()
            found.append(process)
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{process}/task").iterdir():
                    waiting += map(int, (task / "children").read_text().split())
        return found

    def cpu_seconds(self) -> float:
        """Processor time that the living processes of the tree have used."""
        ticks = 0
        for process in self.processes():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def worker_megabytes(self) -> float:
        """Resident memory of the biggest process below the first one (the worker), or of the only one."""
        tree = self.processes()
        return max((_resident_megabytes(process) for process in tree[1:] or tree), default=0.0)

    def stop(self) -> None:
        """End it, politely first; and all that is left of its group."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _last_words(self) -> str:
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][:100] if lines else "it said nothing"


def ask(port: int, message: bytes) -> int | None:
    """The status of the answer to a raw request; ``None`` without an answer."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(message)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            return answer.status
    except (OSError, http.client.HTTPException):
        return None


def _resident_megabytes(process: int) -> float:
    try:
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0

"""A server under measurement: its process group on the server's core, its resource use, and its end."""

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

from ari.serving import process_name
from benchmarks import machine

START_SECONDS = 60.0
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR")


def free_port() -> int:
    """A free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """A minimal environment, so that the caller's settings don't change a figure."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(machine.ROOT), **settings}


@dataclass(frozen=True)
class Probe:
    """How to check whether a server is up: a raw request and its expected status."""

    message: bytes
    status: int = 200


@dataclass
class Server:
    """One server process tree. ``start_seconds`` is from spawn to the first expected response."""

    name: str
    command: Sequence[str]
    settings: Mapping[str, str]
    folder: Path
    port: int
    cwd: Path | None = None
    start_seconds: float = 0.0
    start_seconds_limit: float = START_SECONDS
    core: int | None = machine.SERVER_CORE
    """The core that it runs on; ``None`` lets it use all."""
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self, probe: Probe) -> "Server":
        """Start it and wait until it responds. Raises ``RuntimeError`` with the end of its log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        words = [*([] if self.core is None else machine.pinned(self.core)), *self.command]
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
        while time.perf_counter() - began < self.start_seconds_limit and self._process.poll() is None:
            seen = ask(self.port, probe.message)
            if seen == probe.status:
                self.start_seconds = time.perf_counter() - began
                return self
            time.sleep(0.005)
        self.stop()
        raise RuntimeError(f"{self.name} returned {seen}, not {probe.status}: {self._last_words()}")

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
        """Processor time used by the running processes of the tree."""
        return sum(map(used_seconds, self.processes()))

    def worker_cpu_seconds(self) -> float:
        """The same without the process that folds ARI's usage log."""
        return sum(used_seconds(process) for process in self.processes() if not _folds(process))

    def worker_megabytes(self) -> float:
        """Resident memory of the biggest process below the first one (the worker), or of the only one."""
        tree = [process for process in self.processes() if not _folds(process)]
        return max((_megabytes(process, "status", "VmRSS:") for process in tree[1:] or tree), default=0.0)

    def tree_megabytes(self) -> float:
        """Memory of all its processes; a page that several of them share counts once (the kernel's PSS)."""
        return sum(_megabytes(process, "smaps_rollup", "Pss:") for process in self.processes())

    def wait_until_idle(self, limit_seconds: float = 30) -> None:
        """Wait until it used less than 5 % of a core for half a second: callers that left may have left work behind."""
        before, deadline = self.cpu_seconds(), time.monotonic() + limit_seconds
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = self.cpu_seconds()
            if now - before < 0.025:
                return
            before = now

    def stop(self) -> None:
        """Terminate it, then kill the rest of its group."""
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


def used_seconds(process: int) -> float:
    """Processor time of a process and its threads, 0 when it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _folds(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip() == process_name.FOLD
    except OSError:
        return False


def ask(port: int, message: bytes) -> int | None:
    """The status of the response to a raw request; ``None`` without one."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(message)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            return answer.status
    except (OSError, http.client.HTTPException):
        return None


def _megabytes(process: int, file: str, name: str) -> float:
    try:
        for line in Path(f"/proc/{process}/{file}").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0

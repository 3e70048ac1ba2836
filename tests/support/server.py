"""The real program as its own process: start it, wait until it is well, move its clock, stop or kill it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support import forked
from tests.support.ports import free_port

START_SECONDS = 60
SETUP_LINK = re.compile(r"https?://\S+/setup#token=\S+")
ARI = (sys.executable, "-m", "ari")
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")


def clean_environment(home: Path, settings: Mapping[str, str | None]) -> dict[str, str]:
    """The few variables a program needs, and ARI's settings; nothing else of the tester's environment."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "HOME": str(home), **{name: value for name, value in settings.items() if value is not None}}


def _restore_interrupts() -> None:
    """A test run in the background of a shell ignores SIGINT, and its children would inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _start(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path, stdin: int, stdout: int, stderr: int
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=cwd,
        env=environment,
        start_new_session=True,
        preexec_fn=_restore_interrupts,  # noqa: PLW1509 - before any thread of the tests runs in the child
    )


class Clock:
    """The clock of a server under test: the real one plus the seconds in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write(0)

    @property
    def offset_ms(self) -> int:
        return int(self.path.read_text(encoding="ascii"))

    def advance(self, seconds: float) -> None:
        """Let time pass, or go back with a negative number; all processes of the server see it at once."""
        self._write(self.offset_ms + round(seconds * 1000))

    def _write(self, offset_ms: int) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(f"{offset_ms}\n", encoding="ascii")
        fresh.replace(self.path)


class ServerProcess:
    """``ari serve`` on a free port of 127.0.0.1, with a clean environment.

    ``settings`` are ``ARI_*`` variables; they and ``args`` may be changed between ``stop()`` and ``start()``.
    ``command`` is how to start it, such as ``ARI``; without one a process that has imported it forks, which is faster.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        database_url: str | None = None,
        workers: int | None = None,
        settings: Mapping[str, str | None] | None = None,
        args: Sequence[str] = (),
        command: Sequence[str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.folder = data_dir.parent
        self.port = free_port()
        self.workers = workers
        self.args = list(args)
        self.command = command
        self.cwd = cwd or self.folder
        self.clock = Clock(self.folder / f"{data_dir.name}.clock")
        self.settings: dict[str, str | None] = {
            "ARI_DATA_DIR": str(data_dir),
            "ARI_DATABASE_URL": database_url,
            "ARI_TEST_CLOCK_FILE": str(self.clock.path),
            "ARI_AI_PRIVATE_ADDRESSES": "127.0.0.1",  # stand-ins for providers, which tests set with a key
            **(settings or {}),
        }
        self.stdout_path = self.folder / f"{data_dir.name}.stdout"
        self.stderr_path = self.folder / f"{data_dir.name}.stderr"
        self.process: subprocess.Popen[bytes] | forked.Forked | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The server's environment; the command line gets the same, so it meets the same instance."""
        return clean_environment(self.folder, self.settings)

    @property
    def setup_link(self) -> str:
        """The newest one-time link that the server printed."""
        links = SETUP_LINK.findall(self.stdout_path.read_text(encoding="utf-8"))
        assert links, f"no setup link was printed:\n{self.log_text()}"
        return str(links[-1])

    def start(self, *, wait: bool = True) -> "ServerProcess":
        """Start the program and wait until it is well; an error carries its log."""
        for attempt in (1, 2, 3):
            self.launch()
            if not wait or self.is_well():
                return self
            if attempt < 3 and "in use" in self.log_text().lower():
                self.port = free_port()
                continue
            break
        self.kill()
        raise AssertionError(f"ari serve did not become healthy:\n{self.log_text()}")

    def launch(self) -> "subprocess.Popen[bytes] | forked.Forked":
        """Start the program without waiting, for those starts that must fail."""
        assert self.process is None or self.process.poll() is not None, "it is already running"
        workers = [] if self.workers is None else ["--workers", str(self.workers)]
        address = ["--host", "127.0.0.1", "--port", str(self.port), "--data-dir", str(self.data_dir)]
        words = ["serve", *address, *workers, *self.args]
        with (
            self.stdout_path.open("ab") as out,
            self.stderr_path.open("ab") as err,
            Path(os.devnull).open("rb") as null,
        ):
            streams = (null.fileno(), out.fileno(), err.fileno())
            if self.command is None:
                self.process = forked.start(words, self.environment, self.cwd, *streams)
            else:
                self.process = _start([*self.command, *words], self.environment, self.cwd, *streams)
        return self.process

    def stop(self, seconds: float = 30) -> int:
        """End the program as an operator would (SIGTERM) and give its exit status."""
        assert self.process is not None, "it was never started"
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"ari serve did not stop within {seconds} s:\n{self.log_text()}") from None

    def kill(self) -> None:
        """End the program and all its workers as a power loss would (SIGKILL)."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def restart(self) -> "ServerProcess":
        """Stop and start again on the same port, with the settings as they are now."""
        self.stop()
        return self.start()

    def log_text(self) -> str:
        """All that the program wrote, on both streams."""
        paths = [path for path in (self.stdout_path, self.stderr_path) if path.exists()]
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)

    def is_well(self) -> bool:
        """Whether the program gets healthy, rather than ending."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process is not None and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/api/health", timeout=5) as answer:
                    if answer.status == 200:
                        return True
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.01)
        return False

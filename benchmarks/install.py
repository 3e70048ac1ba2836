"""Installing peers: at the versions of their locks, into the cache, without the scripts of npm packages."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine

_INSTALL_SECONDS = 1200


class NotInstalled(Exception):
    """A peer can't run here; the message goes into the table."""


def install_venv(name: str) -> Path:
    """Create a virtual environment from the lock; returns its Python."""
    lock = machine.PEERS / f"{name}.txt"
    folder = machine.cache_folder() / f"{name}-{_digest(lock.read_bytes() + sys.version.encode())}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        _say(name)
        shutil.rmtree(folder, ignore_errors=True)
        _install([sys.executable, "-m", "venv", "--without-pip", str(folder)], machine.ROOT)
        # Our own pip, locked like everything else: some systems' Python comes without one for a new environment.
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        _install([*pip, "--only-binary", ":all:", "--require-hashes", "-r", str(lock)], machine.ROOT)
        (folder / "complete").touch()
    return python


def install_npm(name: str, compiled: Sequence[str] = ()) -> tuple[Path, str]:
    """A folder with exactly the npm packages of the lock, and the Node to run them with.

    No package's script runs, but those of the packages in ``compiled``.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotInstalled("no Node.js with npm here; install your system's packages nodejs and npm")
    source = machine.PEERS / name
    version = subprocess.run([node, "--version"], capture_output=True, check=False).stdout
    folder = machine.cache_folder() / f"{name}-{_digest((source / 'package-lock.json').read_bytes() + version)}"
    if not (folder / "complete").exists():
        _say(name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(source / file, folder / file)
        _install([npm, "ci", "--ignore-scripts", "--loglevel=error"], folder)
        for package in compiled:
            _install([npm, "rebuild", package, "--ignore-scripts=false", "--loglevel=error"], folder)
        (folder / "complete").touch()
    return folder, node


def _install(command: Sequence[str], cwd: Path) -> None:
    # Unlike servers, installers keep the caller's environment: proxies, certificates and mirrors are set there.
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "NODE_OPTIONS")}
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"its installation failed: {type(error).__name__}") from None
    if done.returncode:
        raise NotInstalled(f"its installation failed: {last_line(done)}")


def last_line(done: "subprocess.CompletedProcess[str]") -> str:
    """The last line that a failed command printed, or its exit status."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return lines[-1][:160] if lines else f"exit status {done.returncode}"


def _say(name: str) -> None:
    print(f"Installing {name} (first run only) …", file=sys.stderr, flush=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]

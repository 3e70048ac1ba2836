"""The machine: its cores, its description, and the load generator from the system's packages."""

import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
APPS = ROOT / "benchmarks" / "apps"
PEERS = ROOT / "benchmarks" / "peers"
SERVER_CORE, LOAD_CORE = 0, 1


def cores() -> list[int]:
    """The cores this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pinned(core: int) -> list[str]:
    """The prefix that pins a command to a core; empty with a single core or without ``taskset``."""
    usable = cores()
    if len(usable) < 2 or shutil.which("taskset") is None:
        return []
    return ["taskset", "-c", str(usable[core])]


def cache_folder() -> Path:
    """Where peers and big data sets are kept between runs."""
    named = os.environ.get("ARI_BENCH_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "ari-bench"


def require_wrk() -> None:
    """Make sure that ``wrk`` exists, installing it if one command does that; else exit with one line."""
    if sys.platform != "linux":
        raise SystemExit("The benchmark needs Linux: it pins processes to cores and reads what they use from /proc.")
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing wrk from the system's packages (first run only) …", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update", "-qq"], ["install", "-y", "-qq", "wrk"]):
            subprocess.run(["apt-get", *words], env=environment, capture_output=True, check=False)
    if not shutil.which("wrk"):
        raise SystemExit("The benchmark needs wrk: install your system's package of that name and run it again.")


def facts() -> dict[str, str]:
    """The facts that the figures depend on, by name."""
    return {"Machine": _machine(), "Pinning": _pinning(), "Versions": _versions(), "ARI": _commit()}


def load_average() -> float:
    """The machine's load over the last minute."""
    return os.getloadavg()[0]


def others_share(seconds: float = 0.3) -> float:
    """How much of all cores other work uses now, from 0 to 1; call it while nothing of the benchmark has work.

    Time that the host takes from a virtual machine counts too.
    """
    before = _processor_times()
    time.sleep(seconds)
    busy, total = (now - then for now, then in zip(_processor_times(), before, strict=True))
    return busy / max(1, total)


def _processor_times() -> tuple[int, int]:
    """Ticks that all cores were busy, and all ticks, since the machine started (proc(5), /proc/stat)."""
    fields = [int(field) for field in _read("/proc/stat").partition("\n")[0].split()[1:9]]
    idle = sum(fields[3:5])
    return sum(fields) - idle, sum(fields)


def _machine() -> str:
    info = _read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", info, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    parts = [
        f"{os.cpu_count()} cores ({model[1].strip() if model else platform.machine()})",
        f"{int(memory[1]) / 1024**2:.0f} GiB" if memory else "",
        f"{platform.system()} {platform.release().split('-')[0]}",
        "virtual machine" if re.search(r"^flags\s*:.*\bhypervisor\b", info, re.MULTILINE) else "",
    ]
    return ", ".join(part for part in parts if part)


def _pinning() -> str:
    if not pinned(SERVER_CORE):
        return "none: this machine has one usable core, or no taskset; figures are rougher for it"
    return f"server on core {cores()[SERVER_CORE]}, load on core {cores()[LOAD_CORE]}"


def _versions() -> str:
    names = ("granian", "uvloop", "fastapi", "starlette", "sqlalchemy", "psycopg")
    found = [f"{name} {metadata.version(name)}" for name in names if _has(name)]
    return ", ".join([f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}", *found, _wrk()])


def _has(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _wrk() -> str:
    output = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"wrk (?:debian/)?(\d[\d.]*)", output)
    return f"wrk {found[1]}" if found else "wrk"


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    commit = git("rev-parse", "--short", "HEAD") if shutil.which("git") else ""
    changed = ", with changes not committed" if commit and git("status", "--porcelain", "--", "src") else ""
    version = metadata.version("ari-keys") if _has("ari-keys") else "this checkout"
    return f"{version}{f' at {commit}' if commit else ''}{changed}"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

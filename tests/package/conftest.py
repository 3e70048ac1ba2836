"""One wheel for all tests of the package, built as a stranger's pip builds it."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
EPOCH = "1764547200"
"""The time of all files in what is built here, in seconds."""
NOT_SOURCES = (".git", ".venv", "build", "dist", "static", "__pycache__", "node_modules", ".*_cache", ".hypothesis")


def requirements(lock: Path) -> list[str]:
    """The requirements of a lock file, each with its hash lines."""
    lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    return re.split(r"\n(?=\S)", "\n".join(lines).strip())


def run(*command: str | Path, cwd: Path = ROOT, **variables: str) -> str:
    """Run a program that must succeed, with more variables; an error carries its output."""
    environment = {**os.environ, **variables}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def pip() -> Callable[..., str]:
    """pip of the environment that runs the tests; ``python`` names another environment to act upon."""

    def call(*words: str | Path, python: Path | None = None, cwd: Path = ROOT, **variables: str) -> str:
        target = () if python is None else ("--python", python)
        return run(sys.executable, "-m", "pip", "--disable-pip-version-check", *target, *words, cwd=cwd, **variables)

    return call


def install_with_uv(python: Path, *words: str | Path) -> None:
    """Install into an environment as pip does, in a tenth of the time: for tests of what is then there."""
    run(BIN / "uv", "pip", "install", "--quiet", "--python", python, *words)


def _build_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """The file that ``build`` puts into a folder, which all test processes of this run share."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"built-{name}"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            made = factory.mktemp(name)
            build(made)
            made.rename(folder)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes copies of the tree without anything that was built before."""

    def copy() -> Path:
        tree = tmp_path_factory.mktemp("tree") / "ari"
        shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(*NOT_SOURCES))
        return tree

    return copy


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory, sources: Callable[[], Path]) -> Path:
    """The source archive."""

    def build(folder: Path) -> None:
        build = (sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder)
        run(*build, cwd=sources(), SOURCE_DATE_EPOCH=EPOCH)

    return _build_once(tmp_path_factory, "sdist", build)


@pytest.fixture(scope="session")
def wheel(sdist: Path, pip: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source archive in pip's own isolated environment."""

    def build(folder: Path) -> None:
        pip("wheel", "-q", "--no-deps", "-w", folder, sdist, cwd=folder, SOURCE_DATE_EPOCH=EPOCH)

    return _build_once(tmp_path_factory, "wheel", build)


@pytest.fixture(scope="session")
def core_wheel(tmp_path_factory: pytest.TempPathFactory, sources: Callable[[], Path]) -> Path:
    """The wheel of ``ari-keys-core``, the client and the guards without the server."""

    def build(folder: Path) -> None:
        tree = sources() / "packages/ari-keys-core"
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=tree, SOURCE_DATE_EPOCH=EPOCH)

    return _build_once(tmp_path_factory, "core", build)


@pytest.fixture(scope="session")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked versions: what is tested here is what was locked."""
    locks = [ROOT / "requirements" / name for name in ("run.txt", "dev.txt")]
    pinned = sorted({entry.partition(" \\")[0] for lock in locks for entry in requirements(lock)})
    path = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    path.write_text("\n".join(re.sub(r"^(\S+?)\[\S+?\]==", r"\1==", one) for one in pinned), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def make_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes environments with everything but ARI in them, and gives their ``bin`` folders; installed once, then copied.

    They are without pip: Debian may lack what would put it there, and the one that runs the tests will do.
    """

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
        install_with_uv(folder / "venv/bin/python", "--require-hashes", "-r", ROOT / "requirements/run.txt")

    def make() -> Path:
        installed = _build_once(tmp_path_factory, "environment", install)
        folder = tmp_path_factory.mktemp("environment") / "venv"
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        (packages,) = installed.glob("lib/python*/site-packages")
        shutil.copytree(packages, folder / packages.relative_to(installed), dirs_exist_ok=True)
        return folder / "bin"

    return make

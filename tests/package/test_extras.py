"""Each extra installs what its part needs and nothing of the others (decision 52): each alone, from the wheel."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.package.conftest import ROOT, run
from tests.package.test_locks import project, requirements

pytestmark = pytest.mark.slow

EXTRAS: dict[str, list[str]] = project()["project"]["optional-dependencies"]
SHARED = {"msgspec", "idna"}
"""What every part has, directly or through HTTPX2."""
CLIENT = {*SHARED, "httpx2"}
ALLOWED = {
    "": {"msgspec"},
    "client": CLIENT,
    "guard-fastapi": {*CLIENT, "fastapi", "starlette", "pydantic"},
    "guard-starlette": {*CLIENT, "starlette"},
    "guard-litestar": {*CLIENT, "litestar", "rich"},
    "guard-django": {*CLIENT, "django"},
    "guard-flask": {*CLIENT, "flask", "jinja2"},
}
"""The packages that an extra without the server may bring, of those that the extras name."""
PART = {
    "client": "ari.client",
    **{f"guard-{name}": f"ari.guard.{name}" for name in ("fastapi", "starlette", "litestar", "django", "flask")},
}
INSTALL_SERVER = 'In a checkout of ARI, run: pip install ".[server]"\n'


def _name(requirement: str) -> str:
    return re.split(r"[\[><=; ]", requirement)[0]


NAMED = {_name(one) for listed in EXTRAS.values() for one in listed} - {"ari-keys"}


@pytest.fixture(scope="session")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked versions: what is tested here is what was locked."""
    locks = [ROOT / "requirements" / name for name in ("run.txt", "dev.txt")]
    pinned = sorted({entry.partition(" \\")[0] for lock in locks for entry in requirements(lock)})
    path = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    path.write_text("\n".join(re.sub(r"^(\S+?)\[\S+?\]==", r"\1==", one) for one in pinned), encoding="utf-8")
    return path


@pytest.fixture
def install(wheel: Path, constraints: Path, pip: Callable[..., str], tmp_path: Path) -> Callable[[str], Path]:
    """Installs ``ari-keys`` with an extra, or with none, into an empty environment; gives its ``bin`` folder."""

    def call(extra: str) -> Path:
        run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
        python = tmp_path / "venv/bin/python"
        wanted = f"ari-keys[{extra}]" if extra else "ari-keys"
        pip("install", "-q", "--no-compile", "-c", constraints, "-f", wheel.parent, wanted, python=python)
        return python.parent

    return call


def _distributions(bin_folder: Path) -> set[str]:
    script = "import importlib.metadata as m; print(*(one.name for one in m.distributions()))"
    shown = run(bin_folder / "python", "-c", script)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in shown.split()} - {"ari-keys"}


def _command(bin_folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([bin_folder / "ari", *words], capture_output=True, text=True)


@pytest.mark.parametrize("extra", list(ALLOWED))
def test_an_extra_without_the_server(extra: str, install: Callable[[str], Path]) -> None:
    """It brings its own packages only, its module imports, and the command names what to install."""
    bin_folder = install(extra)
    installed = _distributions(bin_folder)
    assert {_name(one) for one in EXTRAS.get(extra, [])} <= installed
    assert installed & NAMED <= ALLOWED[extra]
    if extra == "":
        assert installed == {"msgspec"}
    else:
        run(bin_folder / "python", "-W", "error", "-c", f"import {PART[extra]}")
    done = _command(bin_folder, "--version")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("ari: The Python package ")
    assert done.stderr.endswith(INSTALL_SERVER)
    assert done.stderr.count("\n") == 1


def test_the_server_alone(install: Callable[[str], Path]) -> None:
    """It has what its extra names, and neither other frameworks nor the driver of PostgreSQL."""
    bin_folder = install("server")
    installed = _distributions(bin_folder)
    assert {_name(one) for one in EXTRAS["server"]} - {"ari-keys"} <= installed
    assert not installed & {"psycopg", "django", "flask", "litestar"}
    assert _command(bin_folder, "--version").stdout.startswith("ari ")


def test_every_extra_is_tested() -> None:
    """``postgres`` is installed by the test of its command."""
    assert set(EXTRAS) == {*ALLOWED, "server", "postgres"} - {""}
    assert set(PART) == set(ALLOWED) - {""}

"""Each part installs what it needs and nothing of the others (decision 74): each alone, from the wheels."""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.package.conftest import ROOT, install_with_uv, run
from tests.package.test_locks import project
from tests.support.ports import free_port

pytestmark = pytest.mark.slow

CORE = project(ROOT / "packages/ari-keys-core")["project"]
SERVER = project()["project"]
EXTRAS: dict[str, list[str]] = CORE["optional-dependencies"]
SHARED = {"msgspec", "idna"}
"""What every part has, directly or through HTTPX2."""
CLIENT = {*SHARED, "httpx2"}
ALLOWED = {
    "": {"msgspec"},
    "client": CLIENT,
    "guard-fastapi": {*CLIENT, "fastapi", "starlette", "pydantic", "opentelemetry-api"},
    "guard-starlette": {*CLIENT, "starlette"},
    "guard-litestar": {*CLIENT, "litestar", "rich"},
    "guard-django": {*CLIENT, "django"},
    "guard-flask": {*CLIENT, "flask", "jinja2"},
}
"""The packages that an extra of ``ari-keys-core`` may bring, of those that ARI names."""
PART = {
    "client": "ari.client",
    **{f"guard-{name}": f"ari.guard.{name}" for name in ("fastapi", "starlette", "litestar", "django", "flask")},
}


def _name(requirement: str) -> str:
    return re.split(r"[\[><=; ]", requirement)[0]


NAMED = {
    _name(one)
    for listed in (SERVER["dependencies"], *SERVER["optional-dependencies"].values(), *EXTRAS.values())
    for one in listed
}


@pytest.fixture
def install(wheel: Path, core_wheel: Path, constraints: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Installs a distribution, with or without an extra, into an empty environment; gives its ``bin`` folder."""

    def call(wanted: str) -> Path:
        run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
        python = tmp_path / "venv/bin/python"
        install_with_uv(python, "-c", constraints, "-f", wheel.parent, "-f", core_wheel.parent, wanted)
        return python.parent

    return call


def _distributions(bin_folder: Path) -> set[str]:
    script = "import importlib.metadata as m; print(*(one.name for one in m.distributions()))"
    shown = run(bin_folder / "python", "-c", script)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in shown.split()}


@pytest.mark.parametrize("extra", list(ALLOWED))
def test_a_part_without_the_server(extra: str, install: Callable[[str], Path]) -> None:
    """It brings its own packages only, its module imports, and there is no command."""
    bin_folder = install(f"ari-keys-core[{extra}]" if extra else "ari-keys-core")
    installed = _distributions(bin_folder)
    assert {"ari-keys-core", *(_name(one) for one in EXTRAS.get(extra, []))} <= installed
    assert installed & NAMED <= ALLOWED[extra]
    if extra == "":
        assert installed == {"ari-keys-core", "msgspec"}
    else:
        run(bin_folder / "python", "-W", "error", "-c", f"import {PART[extra]}")
    assert not (bin_folder / "ari").exists()


def test_the_server_alone(install: Callable[[str], Path], tmp_path: Path) -> None:
    """``ari-keys`` has what the command needs, and neither other frameworks nor drivers of other databases."""
    bin_folder = install("ari-keys")
    installed = _distributions(bin_folder)
    assert {"ari-keys", *(_name(one) for one in SERVER["dependencies"])} <= installed
    others = {"django", "flask", "litestar", "ari-keys-core", "opentelemetry-sdk", "clickhouse-connect"}
    assert not installed & {"psycopg", "boto3", *others}
    assert run(bin_folder / "ari", "--version").startswith("ari ")
    assert 'pip install "ari-keys[otel]"' in _refuse_traces(bin_folder, tmp_path / "data")


def test_the_server_with_traces(install: Callable[[str], Path], tmp_path: Path) -> None:
    """``ari-keys[otel]`` has what ``ARI_TRACES`` needs, so the start only fails for the wrong variable."""
    bin_folder = install("ari-keys[otel]")
    assert "opentelemetry-exporter-otlp-proto-http" in _distributions(bin_folder)
    assert "OTEL_TRACES_SAMPLER: must be one of always_on, " in _refuse_traces(bin_folder, tmp_path / "data")


def _refuse_traces(bin_folder: Path, data_dir: Path) -> str:
    """What ``ari serve`` says that can't begin to trace."""
    given = {"ARI_TRACES": "on", "OTEL_TRACES_SAMPLER": "wrong", "ARI_DATA_DIR": str(data_dir)}
    words = [str(bin_folder / "ari"), "serve", "--port", str(free_port())]
    ran = subprocess.run(words, env={**os.environ, **given}, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    return ran.stderr


def test_the_server_with_clickhouse(install: Callable[[str], Path]) -> None:
    """``ari-keys[clickhouse]`` has the driver, which imports without the packages that it can use for data frames."""
    bin_folder = install("ari-keys[clickhouse]")
    assert "clickhouse-connect" in _distributions(bin_folder)
    run(bin_folder / "python", "-c", "from clickhouse_connect import get_client")


def test_every_part_is_tested() -> None:
    """``postgres`` is installed by the test of its command, ``otel`` by that of the server; ``s3`` is boto3 alone."""
    assert set(EXTRAS) == set(ALLOWED) - {""}
    assert set(PART) == set(ALLOWED) - {""}
    assert set(SERVER["optional-dependencies"]) == {*EXTRAS, "clickhouse", "otel", "postgres", "s3"}


def test_an_extra_of_both_brings_the_same() -> None:
    """A program that runs with one distribution runs with the other, in the same versions."""
    for extra, listed in EXTRAS.items():
        assert set(listed) <= {*SERVER["dependencies"], *SERVER["optional-dependencies"][extra]}, extra
    assert set(CORE["dependencies"]) <= set(SERVER["dependencies"])
    assert CORE["requires-python"] == SERVER["requires-python"]


def test_both_have_the_same_modules(wheel: Path, core_wheel: Path) -> None:
    """Every module of ``ari-keys-core`` is in ``ari-keys``, byte by byte, at the same version."""
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(core_wheel) as core:
        modules = [name for name in core.namelist() if name.startswith("ari/")]
        assert "ari/guard/fastapi.py" in modules
        assert "ari/server.py" in whole.namelist()
        assert "ari/server.py" not in modules
        assert [name for name in modules if core.read(name) != whole.read(name)] == []
    assert wheel.name.split("-")[1] == core_wheel.name.split("-")[1]

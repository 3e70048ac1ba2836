"""``uvx --from ari-keys ari serve`` and ``pipx install ari-keys``, from an index that has the wheel, and upgrades."""

import os
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.package.conftest import NOT_SOURCES, ROOT, run
from tests.support.command import Cli
from tests.support.missing import skip_missing
from tests.support.server import ServerProcess

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
PYTHONS = ("3.11", "3.12", "3.13")
RELEASED = "## [0.1.0] - 2026-11-28"
"""A line of the changelog that the commit of the released version added."""


@pytest.fixture(scope="module")
def uv_settings(wheel: Path, constraints: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """uv's variables: the wheel's folder as an index, the locked versions, and a cache for this file."""
    return {
        "UV_FIND_LINKS": str(wheel.parent),
        "UV_CONSTRAINT": str(constraints),
        "UV_CACHE_DIR": str(tmp_path_factory.mktemp("uv")),
        "UV_PYTHON_DOWNLOADS": "never",
    }


def _find_python(version: str) -> str:
    """The path of a Python of this machine; without one the test is skipped."""
    name = f"python{version}"
    found = [shutil.which(name) or "", *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/{name}"))]
    working = [
        path for path in found if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0
    ]
    if not working:
        skip_missing(f"Python {version} is not installed")
    return working[0]


@pytest.fixture
def released(tmp_path: Path, data_dir: Path) -> Iterator[ServerProcess]:
    """The program as it was released as 0.1.0, from the history, on an empty data directory."""
    log = ["git", "log", "--reverse", "--format=%H", f"-S{RELEASED}", "--", "CHANGELOG.md"]
    commits = subprocess.run(log, cwd=ROOT, capture_output=True, text=True).stdout.split()
    if not commits:
        skip_missing("the history of git, with the commit that released 0.1.0,")
    archive = subprocess.run(["git", "archive", commits[0], "src"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    (tmp_path / "old").mkdir()
    subprocess.run(["tar", "-x", "-C", tmp_path / "old"], check=True, input=archive)
    settings = {"PYTHONPATH": str(tmp_path / "old/src")}
    server = ServerProcess(data_dir, settings=settings, command=(sys.executable, "-m", "ari"))
    yield server.start()
    server.kill()


def _verify(server: ServerProcess, secret: str) -> int:
    request = urllib.request.Request(f"{server.url}/api/me", headers={"x-api-key": secret})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("version", PYTHONS)
def test_uvx_serves(version: str, uv_settings: dict[str, str], data_dir: Path) -> None:
    """On each Python, with one command and nothing installed before; SIGTERM reaches the server."""
    settings = {**uv_settings, "UV_PYTHON": _find_python(version)}
    server = ServerProcess(data_dir, settings=settings, command=[str(BIN / "uvx"), "--from", "ari-keys", "ari"])
    try:
        server.start()
        cli = Cli(server.environment, server.folder, server.command)
        _, secret = cli.create_key("first", scopes=["keys:read"])
        assert _verify(server, secret) == 200
        assert server.setup_link.startswith(server.url)
        assert server.stop() in (0, -15, 143)
    finally:
        server.kill()


def test_uvx_serves_a_checkout(uv_settings: dict[str, str], data_dir: Path, tmp_path: Path) -> None:
    """Where no index has the package. The copy has the browser's files, which the wheel's test bundles."""
    tree = tmp_path / "checkout"
    kept = tuple(name for name in NOT_SOURCES if name not in ("static", ".git"))
    shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(*kept))
    settings = {**uv_settings, "UV_PYTHON": sys.executable}
    server = ServerProcess(data_dir, settings=settings, cwd=tree, command=[str(BIN / "uvx"), "--from", ".", "ari"])
    try:
        server.start()
        assert server.setup_link.startswith(server.url)
    finally:
        server.kill()


def test_uv_tool_installs(uv_settings: dict[str, str], tmp_path: Path) -> None:
    """``uv tool install ari-keys`` gives the command, and uvx takes ``ari-keys@latest``."""
    folders = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    environment = {**os.environ, **uv_settings, **folders, "UV_PYTHON": sys.executable}
    subprocess.run([BIN / "uv", "tool", "install", "--quiet", "ari-keys"], env=environment, check=True)
    latest = [str(BIN / "uvx"), "--from", "ari-keys@latest", "ari", "--version"]
    shown = subprocess.run(latest, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert shown == run(tmp_path / "bin/ari", "--version")
    assert shown.startswith("ari ")


def test_uvx_upgrades_the_released_version(released: ServerProcess, uv_settings: dict[str, str]) -> None:
    """Keys that 0.1.0 made keep their verdicts, and its usage log is still there."""
    old = Cli(released.environment, released.folder, released.command)
    _, active = old.create_key("active", scopes=["keys:read"])
    revoked_key, revoked = old.create_key("revoked", scopes=["keys:read"])
    assert _verify(released, active) == 200
    old("keys", "revoke", revoked_key["id"], "--yes", check=True)
    assert _verify(released, revoked) == 401
    released.stop()
    settings = {**uv_settings, "UV_PYTHON": sys.executable}
    command = [str(BIN / "uvx"), "--from", "ari-keys", "ari"]
    server = ServerProcess(released.data_dir, settings=settings, command=command)
    try:
        server.start()
        assert (_verify(server, active), _verify(server, revoked)) == (200, 401)
        cli = Cli(server.environment, server.folder, command)
        assert {key["name"] for key in cli.json("keys", "list")["items"]} >= {"active", "revoked"}
        assert cli("usage", "--since", "1h", check=True).stdout.count("/api/me") >= 3
    finally:
        server.kill()


def _write_later(wheel: Path, folder: Path) -> str:
    """Put the wheel into a folder under a later version; gives the version."""
    version = wheel.name.split("-")[1]
    later = f"{version}.post1"
    with (
        zipfile.ZipFile(wheel) as old,
        zipfile.ZipFile(folder / wheel.name.replace(version, later), "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name.endswith((".dist-info/METADATA", ".dist-info/RECORD", "ari/__init__.py")):
                content = content.replace(f"ari_keys-{version}".encode(), f"ari_keys-{later}".encode())
                content = content.replace(f"Version: {version}".encode(), f"Version: {later}".encode())
                content = content.replace(f'"{version}"'.encode(), f'"{later}"'.encode())
            new.writestr(name.replace(f"ari_keys-{version}", f"ari_keys-{later}"), content)
    return later


def test_pipx_installs_and_upgrades(wheel: Path, constraints: Path, data_dir: Path, tmp_path: Path) -> None:
    """The command is there after each, and a key that the first version made is valid in the second."""
    index = tmp_path / "index"
    index.mkdir()
    shutil.copy(wheel, index)
    links = " ".join(filter(None, [os.environ.get("PIP_FIND_LINKS"), str(index)]))
    environment = {
        **os.environ,
        "PIP_FIND_LINKS": links,
        "PIP_CONSTRAINT": str(constraints),
        "PIP_NO_COMPILE": "1",
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_DEFAULT_BACKEND": "pip",
        "PIPX_DEFAULT_PYTHON": sys.executable,
    }

    def pipx(*words: str) -> None:
        done = subprocess.run([BIN / "pipx", *words], env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    pipx("install", "ari-keys")
    command = [str(tmp_path / "bin/ari")]
    assert run(*command, "--version") == f"ari {wheel.name.split('-')[1]}\n"
    server = ServerProcess(data_dir, command=command)
    try:
        server.start()
        _, secret = Cli(server.environment, server.folder, command).create_key("first", scopes=["keys:read"])
        server.stop()
        later = _write_later(wheel, index)
        pipx("upgrade", "ari-keys")
        assert run(*command, "--version") == f"ari {later}\n"
        server.start()
        assert _verify(server, secret) == 200
    finally:
        server.kill()

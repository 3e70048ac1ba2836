"""``pip install ari-keys`` gives a whole, working program: tested from a wheel alone, in an empty environment."""

import base64
import hashlib
import json
import re
import tarfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.package.conftest import ROOT
from tests.support.server import ServerProcess

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def bin_folder(wheel: Path, pip: Callable[..., str], make_environment: Callable[[], Path]) -> Path:
    """The ``bin`` folder of an environment of its own into which the wheel was installed."""
    folder = make_environment()
    pip("install", "-q", "--no-deps", "--no-index", wheel, python=folder / "python")
    return folder


@pytest.fixture
def server(bin_folder: Path, data_dir: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """``ari serve`` of that environment, in an empty working directory."""
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    server = ServerProcess(data_dir, command=[str(bin_folder / "ari")], cwd=empty)
    yield server.start()
    server.kill()


def test_the_source_archive_holds_sources_and_nothing_built(sdist: Path) -> None:
    """The source archive holds sources and nothing built."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"frontend/package-lock.json", "frontend/.npmrc", "hatch_build.py", "src/ari/web/assets/app.js"} <= names
    assert not [
        name for name in names if name.startswith(("src/ari/web/static/", "tests/", ".venv", "deploy/compose/"))
    ]


def test_the_wheel_carries_templates_assets_and_their_licences(wheel: Path) -> None:
    """The wheel carries templates assets and their licences."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("ari/web/static/manifest.json"))
        for entry in manifest.values():
            content = archive.read(f"ari/web/static/{entry['path']}")
            assert entry["integrity"] == f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"
        licenses = archive.read("ari/web/static/licenses.txt")
        assert b"htmx.org" in licenses
        assert b"Copyright (c) 2023-present Scalar" in licenses
    assert {"app.js", "app.css", "api-docs.js", "api-docs.css", "icons.svg"} <= set(manifest)
    assert any(name.endswith(".woff2") for name in manifest)
    templates = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src/ari").rglob("*.html")}
    assert templates
    assert templates <= names
    assert not [name for name in names if "/assets/" in name or name.endswith(".inputs")]


def test_it_installs_the_files_that_the_guides_copy(bin_folder: Path) -> None:
    """The unit, proxy files, alerts and dashboard are those of the repository, at the paths that the guides name."""
    guides = "".join(path.read_text() for path in (ROOT / "docs/guides").glob("*.md"))
    named = {name.rstrip(".") for name in re.findall(r"/opt/ari/share/ari/([\w./-]+)", guides)}
    assert {"systemd/ari.service", "systemd/sysusers.conf", "proxy/Caddyfile"} <= named
    installed = bin_folder.parent / "share/ari"
    files = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    assert named <= files
    assert {"prometheus/alerts.yml", "grafana/ari.json", "systemd/ari.service.d/credentials.conf"} <= files
    assert all((installed / name).read_bytes() == (ROOT / "deploy" / name).read_bytes() for name in files)


def test_installed_alone_it_serves_health_pages_and_assets(server: ServerProcess) -> None:
    """Installed alone it serves health pages and assets."""
    with urllib.request.urlopen(f"{server.url}/api/health", timeout=10) as answer:
        assert answer.status == 200
    assert server.setup_link.startswith(server.url)
    with urllib.request.urlopen(f"{server.url}/sign-in", timeout=10) as answer:
        page = answer.read().decode()
    assets = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
    assert {Path(path).suffix for path in assets} >= {".css", ".js"}
    for path in assets:
        with urllib.request.urlopen(f"{server.url}{path}", timeout=10) as answer:
            assert answer.read()


def test_nothing_is_written_into_the_working_directory(server: ServerProcess) -> None:
    """Nothing is written into the working directory."""
    assert list(server.cwd.iterdir()) == []

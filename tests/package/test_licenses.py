"""licenses.txt names everything that the bundles hold, with a license text; read here from the packages themselves."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hatch_build import install_packages
from tests.package.conftest import ROOT

pytestmark = pytest.mark.slow

IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["'`](\.{1,2}/[^"'`]+\.js)["'`]""")
LEFT_OUT = re.compile(r"AgentScalarDrawer|\.svg-|rolldown-runtime")
"""Parts that the build leaves out, and one without a source map."""
SECTION = re.compile(r"^---- (\S+) (\S+) \((.+)\)\n\n", re.MULTILINE)
GRANTS = re.compile(
    r"permission is hereby granted|permission to use, copy|redistribution and use|apache license|sil open font|"
    r"blue oak|mozilla public|unlicense|public domain",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def browser_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published bundle of the API reference, as the lock has it."""
    folder = tmp_path_factory.mktemp("npm")
    install_packages(ROOT, folder, "--omit=dev")
    return folder / "node_modules/@scalar/api-reference/dist/browser"


@pytest.fixture(scope="module")
def sections(wheel: Path) -> dict[str, str]:
    """The texts of the wheel's ``licenses.txt`` by name and version."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("ari/web/static/licenses.txt").decode()
    parts = SECTION.split(text)[1:]
    return {f"{name} {version}": body for name, version, _, body in zip(*[iter(parts)] * 4, strict=True)}


def _list_loaded(script: Path, found: set[Path]) -> set[Path]:
    """A script and everything that it imports, at once or later."""
    if script not in found and not LEFT_OUT.search(script.name):
        found.add(script)
        for name in IMPORT.findall(script.read_text(encoding="utf-8")):
            _list_loaded((script.parent / name).resolve(), found)
    return found


def _packages(scripts: set[Path]) -> Iterator[str]:
    for script in scripts:
        for source in json.loads(Path(f"{script}.map").read_text(encoding="utf-8"))["sources"]:
            _, _, inner = source.rpartition("/node_modules/")
            stored = re.search(r"/\.pnpm/([^/]+)/", source)
            if stored and inner:
                name = "/".join(inner.split("/")[: 2 if inner.startswith("@") else 1])
                version = stored[1].removeprefix(name.replace("/", "+") + "@")
                yield f"{name} {re.split(r'[_(]', version)[0]}"


def test_every_package_in_the_bundled_reference_is_covered(browser_bundle: Path, sections: dict[str, str]) -> None:
    """By name and version, from the bundle's own source maps: more than a hundred packages."""
    wanted = set(_packages(_list_loaded((browser_bundle / "standalone.esm.js").resolve(), set())))
    assert len(wanted) > 100
    assert wanted - set(sections) == set()


def test_every_package_of_the_lock_is_covered(sections: dict[str, str]) -> None:
    """The bundles' packages from npm, the bundler's own helpers, and the icons inside the reference."""
    packages = json.loads((ROOT / "frontend/package.json").read_text())["dependencies"]
    assert {f"{name} {version}" for name, version in packages.items()} <= set(sections)
    assert {"@phosphor-icons/core", "rolldown"} <= {name.split(" ")[0] for name in sections}


def test_every_package_has_its_text(sections: dict[str, str]) -> None:
    """A name alone grants nothing."""
    assert sections
    assert {name for name, text in sections.items() if not GRANTS.search(text)} == set()

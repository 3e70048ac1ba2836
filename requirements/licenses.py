"""Collect the licenses of what the published bundle of the API reference holds (part of ``make lock``).

The bundle's source maps name every package in it with its version; their texts come from the packages. The build takes
from ``frontend/LICENSES.reference`` what it used, and fails where a package is missing there.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

REFERENCE = "@scalar/api-reference"
SOURCE = re.compile(r"/\.pnpm/[^/]+?@(\d[^/_(]*)[^/]*/node_modules/((?:@[^/]+/)?[^/]+)/")
LICENSE_FILE = re.compile(r"licen[sc]e|copying", re.IGNORECASE)
COPIED = {"@phosphor-icons/core": "2.1.1", "rolldown": "1.3.3"}
"""What no map names: the icons that its own packages hold copies of, and the helpers of its bundler."""


def bundled(folder: Path) -> dict[str, str]:
    """Every package in the bundle under ``folder``, with its version."""
    found = dict(COPIED)
    for path in sorted((folder / REFERENCE / "dist/browser").rglob("*.map")):
        for source in json.loads(path.read_text(encoding="utf-8"))["sources"]:
            match = SOURCE.search(source)
            if match:
                found[match[2]] = match[1]
    return found


def collect(npm: list[str], frontend: Path) -> None:
    """Write ``LICENSES.reference``. Raises ``SystemExit`` for a package without a license text."""
    versions = json.loads((frontend / "package.json").read_text(encoding="utf-8"))["dependencies"]
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / ".npmrc").write_bytes((frontend / ".npmrc").read_bytes())
        wanted = {REFERENCE: versions[REFERENCE]}
        _install(npm, Path(scratch), wanted)
        found = bundled(Path(scratch) / "node_modules")
        _install(npm, Path(scratch), {**wanted, **{name: f"npm:{name}@{version}" for name, version in found.items()}})
        sections = [_section(Path(scratch), name, version) for name, version in sorted(found.items())]
    (frontend / "LICENSES.reference").write_text("\n".join(sections), encoding="utf-8")


def _install(npm: list[str], folder: Path, dependencies: dict[str, str]) -> None:
    package = {"name": "licenses", "private": True, "dependencies": dependencies}
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    command = [*npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--force", "--loglevel=error"]
    subprocess.run(command, cwd=folder, check=True)


def _section(folder: Path, name: str, version: str) -> str:
    package = folder / "node_modules" / name
    about = json.loads((package / "package.json").read_text(encoding="utf-8"))
    if about["version"] != version:
        raise SystemExit(f"{name} {version} is in the reference, and {about['version']} was installed")
    texts = [path.read_text(encoding="utf-8", errors="replace").strip() for path in _files(package)]
    text = "\n\n".join(texts) or _named(about)
    return f"---- {name} {version} ({about.get('license', 'see the text')})\n\n{text}\n"


def _files(package: Path) -> Iterator[Path]:
    yield from sorted(path for path in package.iterdir() if path.is_file() and LICENSE_FILE.match(path.name))


def _named(about: dict[str, object]) -> str:
    """Who wrote it and under what, for a package that is published without the text."""
    author = about.get("author") or about.get("contributors") or "its authors"
    writer = author.get("name") if isinstance(author, dict) else author
    if about.get("license") != "MIT":
        raise SystemExit(f"{about['name']} carries no license text")
    return f"Copyright (c) {writer}\n\n{MIT}"


MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""

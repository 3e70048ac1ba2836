"""What must hold before anything is built: a clean tree, one version, its section of the changelog, an unused tag."""

import re
import subprocess
import tomllib
from pathlib import Path

VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
RELEASED = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")


def find_problems(root: Path) -> list[str]:
    """Sentences about what forbids a release; none if it can be built."""
    version = read_version(root)
    problems = []
    if _git(root, "status", "--porcelain"):
        problems.append("The working tree has changes that aren't committed.")
    declared = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if declared != version:
        problems.append(f"pyproject.toml has version {declared}, src/ari/__init__.py has {version}.")
    if not RELEASED.fullmatch(version):
        problems.append(f"{version} is not a version to release, such as 1.2.3 or 1.2.3rc1.")
    if read_notes(root, version) is None:
        problems.append(f"CHANGELOG.md has no section [{version}] with a date.")
    if (read_notes(root, "Unreleased") or "").strip():
        problems.append(f"CHANGELOG.md has lines under [Unreleased]. Move them to [{version}].")
    if _git(root, "tag", "--list", f"v{version}"):
        problems.append(f"The tag v{version} exists already.")
    return problems


def read_version(root: Path) -> str:
    """The version that the code states."""
    found = VERSION.search((root / "src/ari/__init__.py").read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit("src/ari/__init__.py has no __version__.")
    return found[1]


def read_notes(root: Path, version: str) -> str | None:
    """The text of a version's section in the changelog, without its heading."""
    date = "" if version == "Unreleased" else r" - \d{4}-\d\d-\d\d"
    heading = rf"^## \[{re.escape(version)}\]{date}\n"
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found and found[1]


def read_commit_time(root: Path) -> str:
    """The time of the last commit in seconds, which a release uses as its own."""
    return _git(root, "log", "-1", "--format=%ct")


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout.strip()

"""Locks: what is installed is what was locked, and no lock names the place where packages come from."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.package.conftest import ROOT, requirements

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
NPM_LOCK = ROOT / "frontend/package-lock.json"
NPM_LOCKS = (NPM_LOCK, *(ROOT / "tests" / name / "package-lock.json" for name in ("audit", "programs")))
REQUIREMENT = re.compile(
    r"^[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==\S+( ;[^\\]+)?(?P<hashes>( \\\n +--hash=sha256:[0-9a-f]{64})+)$"
)


def project(folder: Path = ROOT) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_lock_is_tested() -> None:
    """A lock that was moved or renamed would not be missed by the tests below."""
    assert [lock.name for lock in LOCKS] == ["build.txt", "client.txt", "dev.txt", "programs.txt", "run.txt"]
    assert [lock.name for lock in NPM_LOCKS if lock.is_file()] == ["package-lock.json"] * 3


@pytest.mark.parametrize("path", [*LOCKS, *NPM_LOCKS], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_lock_holds_an_address(path: Path) -> None:
    """A lock says what, never from where."""
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert "index-url" not in text
    assert '"resolved"' not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_and_hashed(lock: Path) -> None:
    """Exact versions, each with its SHA-256."""
    found = requirements(lock)
    assert len(found) > 5
    assert [entry for entry in found if not REQUIREMENT.match(entry)] == []


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=lambda path: path.parent.name)
def test_every_npm_package_has_its_integrity(lock: Path) -> None:
    """SHA-512 for every browser package."""
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    assert len(packages) > 5
    assert [name for name, entry in packages.items() if name and not entry["integrity"].startswith("sha512-")] == []


def test_the_api_reference_is_locked_without_its_dependencies() -> None:
    """Its published bundle holds what it needs; the lock names nothing that only it would bring."""
    packages = json.loads(NPM_LOCK.read_text(encoding="utf-8"))["packages"]
    reference = packages["node_modules/@scalar/api-reference"]
    assert "dependencies" not in reference
    assert [name for name in packages if "@scalar/" in name] == ["node_modules/@scalar/api-reference"]
    assert not any("/vue" in name for name in packages)


def test_npm_runs_no_scripts_of_packages() -> None:
    """A package runs nothing when it is installed."""
    settings = (ROOT / "frontend/.npmrc").read_text(encoding="utf-8").splitlines()
    assert {"ignore-scripts=true", "omit-lockfile-registry-resolved=true"} <= set(settings)


def test_build_requirements_are_pinned_and_locked() -> None:
    """What builds the wheel is pinned too."""
    wanted = project()["build-system"]["requires"]
    assert wanted
    assert [entry for entry in wanted if not re.fullmatch(r"[a-z-]+==[0-9.]+", entry)] == []
    locked = {entry.split(" ")[0] for entry in requirements(ROOT / "requirements/build.txt")}
    assert set(wanted) <= locked


def test_every_declared_dependency_is_locked() -> None:
    """No dependency without a lock."""
    declared = project()["project"]
    wanted = [
        *declared["dependencies"],
        *declared["optional-dependencies"]["postgres"],
        *declared["optional-dependencies"]["otel"],
    ]
    names = {re.split(r"[\[>=<]", entry)[0] for entry in wanted} - {declared["name"]}
    assert names <= {entry.split("==")[0] for entry in requirements(ROOT / "requirements/run.txt")}


@pytest.mark.parametrize("tampered", [False, True], ids=["as-locked", "tampered"])
def test_a_wrong_hash_makes_the_installation_fail(tampered: bool, tmp_path: Path) -> None:
    """A wrong hash makes the installation fail."""
    (entry,) = (entry for entry in requirements(ROOT / "requirements/run.txt") if entry.startswith("mdurl=="))
    if tampered:
        entry = re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", entry)
    lock = tmp_path / "lock.txt"
    lock.write_text(entry + "\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "-r", lock, "-d", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is not tampered, done.stderr
    assert ("DO NOT MATCH THE HASHES" in done.stderr) is tampered

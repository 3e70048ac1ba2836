"""``make release`` refuses what can't be released, and builds everything that publishing needs."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from release.__main__ import build_release
from release.checks import find_problems, read_notes
from tests.package.conftest import ROOT, run

CHANGELOG = (
    "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-30\n\n### Added\n\n- A part.\n\n## [1.2.2] - 2026-11-01\n"
)


def _git(tree: Path, *words: str) -> str:
    return run("git", "-c", "user.name=n", "-c", "user.email=n@example.net", *words, cwd=tree)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository at a version that can be released."""
    tree = tmp_path / "ari"
    (tree / "src/ari").mkdir(parents=True)
    (tree / "src/ari/__init__.py").write_text('__version__ = "1.2.3"\n')
    (tree / "pyproject.toml").write_text('[project]\nname = "ari-keys"\nversion = "1.2.3"\n')
    (tree / "CHANGELOG.md").write_text(CHANGELOG)
    _git(tree, "init", "-q")
    _git(tree, "add", "-A")
    _git(tree, "commit", "-qm", "Start")
    return tree


def test_a_finished_version_has_no_problems(tree: Path) -> None:
    """Its notes are the section of the changelog."""
    assert find_problems(tree) == []
    assert read_notes(tree, "1.2.3") == "\n### Added\n\n- A part.\n\n"


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("src/ari/__init__.py", "1.2.3", "1.2.4", "pyproject.toml has version 1.2.3, src/ari/__init__.py has 1.2.4."),
        ("CHANGELOG.md", "1.2.3] - 2026-11-30", "1.2.3]", "CHANGELOG.md has no section [1.2.3] with a date."),
        ("CHANGELOG.md", "d]\n", "d]\n\n- More.\n", "CHANGELOG.md has lines under [Unreleased]. Move them to [1.2.3]."),
    ],
)
def test_what_is_not_finished_is_named(tree: Path, file: str, old: str, new: str, problem: str) -> None:
    """Versions that differ, a missing section, lines that belong to no version."""
    path = tree / file
    path.write_text(path.read_text().replace(old, new, 1))
    assert "The working tree has changes that aren't committed." in find_problems(tree)
    _git(tree, "commit", "-qam", "Change")
    assert problem in find_problems(tree)


def test_a_version_is_released_once(tree: Path) -> None:
    """A tag is never moved."""
    _git(tree, "tag", "v1.2.3")
    assert find_problems(tree) == ["The tag v1.2.3 exists already."]


@pytest.mark.slow
def test_a_release_is_built_with_its_checksums(tmp_path: Path) -> None:
    """Three distributions, the notes and the document, each with its checksum; the tree stays clean."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of git")
    tree = tmp_path / "ari"
    _git(tmp_path, "clone", "-q", "--no-hardlinks", "--depth=1", f"file://{ROOT}", str(tree))
    dist = build_release(tree)
    lines = (dist / "SHA256SUMS").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert set(listed) == {path.name for path in dist.iterdir()} - {"SHA256SUMS"}
    assert {Path(name).suffix for name in listed} == {".whl", ".gz", ".json", ".md"}
    for name, digest in listed.items():
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest
    done = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=dist, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    assert _git(tree, "status", "--porcelain") == ""

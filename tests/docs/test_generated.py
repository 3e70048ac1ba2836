"""Generated pages and diagrams are those that docs/generate.py writes now."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_reference_pages_are_fresh() -> None:
    """Nobody changes a command, setting, error, event, route or import layer without its page."""
    ran = subprocess.run([sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_stale_page_is_named(tmp_path: Path) -> None:
    """The check fails naming the page when one differs, and writes nothing."""
    docs = tmp_path / "docs"
    shutil.copytree(ROOT / "docs", docs, ignore=shutil.ignore_patterns("__pycache__", "images"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (docs / "reference" / "cli.md").write_text("old")
    ran = subprocess.run([sys.executable, docs / "generate.py", "--check"], capture_output=True, text=True)
    assert ran.returncode == 1, ran.stderr
    assert "cli.md" in ran.stdout
    assert (docs / "reference" / "cli.md").read_text() == "old"

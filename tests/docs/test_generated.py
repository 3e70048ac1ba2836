"""Generated pages and diagrams are those that docs/generate.py writes now."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


CHECK_TWICE = """
import functools, pathlib, sys
sys.path.insert(0, "docs")
import generate
generate.PAGES = {file: functools.cache(make) for file, make in generate.PAGES.items()}
print(generate.main(check=True), flush=True)
pathlib.Path("docs/reference/cli.md").write_text("old")
print(generate.main(check=True))
"""
"""Writing the pages takes seconds: once is enough for two looks."""


def test_pages_are_fresh_and_a_stale_one_is_named(tmp_path: Path) -> None:
    """Nobody changes a command, setting, error, event, route or import layer without its page; a check writes nothing.

    The copy's pages are those of the repository until one is changed.
    """
    docs = tmp_path / "docs"
    shutil.copytree(ROOT / "docs", docs, ignore=shutil.ignore_patterns("__pycache__", "images"))
    shutil.copytree(ROOT / "src/ari/client", tmp_path / "src/ari/client")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ran = subprocess.run([sys.executable, "-c", CHECK_TWICE], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    fresh, *stale, status = ran.stdout.splitlines()
    assert fresh == "0", ran.stdout
    assert (len(stale), status) == (1, "1"), ran.stdout
    assert "cli.md" in stale[0]
    assert (docs / "reference" / "cli.md").read_text() == "old"

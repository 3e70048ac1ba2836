"""The shape of the house: floors, sizes, public names."""

import ast
import subprocess
import sys
from pathlib import Path

import ari

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50


def test_imports_go_down_only() -> None:
    """The contracts of the floors, in pyproject.toml."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_short() -> None:
    """400 lines at most; a hot file is split by case."""
    long = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES + TESTS
        if len(path.read_text().splitlines()) > MAX_FILE_LINES
    }
    assert not long


def test_functions_fit_a_screen() -> None:
    """50 lines at most in the source; a migration is one long statement."""
    long = [
        f"{path.name}:{node.name}"
        for path in SOURCES
        if path.parent.name != "versions"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES
    ]
    assert not long


def test_public_names_are_listed_sorted_and_there() -> None:
    """Everything else may change."""
    assert ari.__all__ == sorted(ari.__all__)
    assert all(hasattr(ari, name) for name in ari.__all__)


def test_every_test_says_what_it_protects() -> None:
    """A docstring on every test."""
    silent = [
        f"{path.name}:{node.name}"
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert not silent

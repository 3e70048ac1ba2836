"""The shape of the house: floors, sizes, public names, exceptions to the checks."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import ari

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
WRITTEN = [path for path in SOURCES if path.parent.name != "generated"]
"""Without the modules that docs/generate.py writes: nobody edits them."""
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OTHERS = [*ROOT.glob("*.py")] + [
    path
    for name in (".ci", "benchmarks", "dev", "docs", "release", "requirements")
    for path in (ROOT / name).rglob("*.py")
]
MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 50
LET_OFF = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:)")
WITH_A_REASON = re.compile(r"#\s*(noqa: [A-Z0-9, ]+ - .|type: ignore\[[a-z, -]+\]  # .)")

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
CHECKS = re.compile(r"^_?(assert|check|expect|fails_unless)_")


def test_imports_go_down_only() -> None:
    """The contracts of the floors, in pyproject.toml."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_short() -> None:
    """350 lines at most."""
    long = {
        path.relative_to(ROOT).as_posix()
        for path in WRITTEN + TESTS
        if len(path.read_text().splitlines()) > MAX_FILE_LINES
    }
    assert not long


def test_functions_fit_a_screen() -> None:
    """50 lines at most in the source; a migration is one long statement."""
    long = [
        f"{path.name}:{node.name}"
        for path in WRITTEN
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


def test_every_ignored_finding_has_its_reason() -> None:
    """``# noqa`` and ``# type: ignore`` name what they overlook and why; no line is kept from the measured coverage."""
    silent = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (*SOURCES, *TESTS, *OTHERS)
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if LET_OFF.search(line) and not WITH_A_REASON.search(line)
    ]
    assert not silent


def test_types_are_let_off_only_where_they_are_checked() -> None:
    """The type checker reads every test, and a file that it does not read has no exception to it."""
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    checked = [ROOT / name for name in configured["files"]]
    assert ROOT / "tests" in checked
    unread = [
        path
        for path in OTHERS
        if not any(path.is_relative_to(one) for one in checked)
        or any(re.search(pattern, path.relative_to(ROOT).as_posix()) for pattern in configured["exclude"])
    ]
    assert unread
    assert not [path.name for path in unread if "# type: ignore" in path.read_text()]


def test_every_test_checks_something() -> None:
    """An assertion, in the test, in a function of its file, or in a helper whose name says that it checks."""
    idle = []
    for path in TESTS:
        functions = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, FUNCTIONS)]
        checking = {one.name for one in functions if _asserts(one)}
        idle += [
            f"{path.relative_to(ROOT)}:{one.name}"
            for one in functions
            if one.name.startswith("test_")
            and one.name not in checking
            and not any(name in checking or CHECKS.search(name) for name in _list_called(one))
        ]
    assert not idle


def _asserts(function: ast.AST) -> bool:
    return any(isinstance(node, ast.Assert) for node in ast.walk(function)) or bool(
        _list_called(function) & {"raises", "expect", "AssertionError"}
    )


def _list_called(function: ast.AST) -> set[str]:
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in called}

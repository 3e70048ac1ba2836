"""Find the tests of a module: ``python -m tests.find src/ari/keys/token.py``; without a path, of every module.

Prints the mirrored files in ``tests/unit`` and ``tests/contract`` first, then the test files that import the module,
most specific first, or else those whose names match.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
MIRRORS = ("unit", "contract")
"""Folders with the tests of a module at the module's own path."""


def find_tests_of(module: Path) -> list[Path]:
    """The test files of a module under ``src``, relative to the repository."""
    relative = module.relative_to(SOURCE / "ari")
    name = relative.parent if relative.name == "__init__.py" else relative.with_suffix("")  # packages have tests too
    folders = (ROOT / "tests" / folder / name.parent for folder in MIRRORS)
    mirrored = [path for folder in folders if (path := folder / f"test_{name.name}.py").exists()]
    parts = module.relative_to(SOURCE).with_suffix("").parts
    dotted = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    importing = [test for test, names in _imports().items() if dotted in names and test not in mirrored]
    importing.sort(key=lambda test: (len(_imports()[test]), test))
    return [test.relative_to(ROOT) for test in mirrored + importing or _find_named_alike(relative)]


def _find_named_alike(relative: Path) -> list[Path]:
    """Tests with the module's own name, else those whose names contain its package's, else the module's."""
    own, package = f"test_{relative.stem}", relative.parent.name
    others = [test for test in _imports() if test.relative_to(ROOT).parts[1] not in MIRRORS]
    exact = [test for test in others if test.stem == own]
    containing = ([test for test in others if name and name in test.stem] for name in (package, relative.stem))
    return exact or next((tests for tests in containing if tests), [])


@cache
def _imports() -> dict[Path, frozenset[str]]:
    """The modules of ARI that each test file imports."""
    return {test: frozenset(_list_imports(test)) for test in sorted((ROOT / "tests").rglob("test_*.py"))}


def _list_imports(test: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(test.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def main(paths: list[str]) -> None:
    """Print the tests of each path, or of all modules."""
    modules = [Path(path).resolve() for path in paths] or sorted((SOURCE / "ari").rglob("*.py"))
    for module in modules:
        tests = find_tests_of(module)
        print(module.relative_to(ROOT))
        print(
            "".join(f"  {test}\n" for test in tests) or "  (used through tests/doors and tests/browser)\n",
            end="",
        )


if __name__ == "__main__":
    main(sys.argv[1:])

"""Tests use what a module offers: no private attributes, imports or patches, so that its inside can change freely."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PUBLIC = {"_replace", "_asdict", "_fields", "_exit"}
"""Documented names of named tuples and of ``os``."""
PINNED = {
    "unit/serving/test_worker.py": "granian can't serve on a socket that it didn't open; the test pins what is replaced"
}
"""Files that read private names of another project, and why."""
PATCHES = {"setattr", "delattr", "getattr", "hasattr", "patch", "object"}


def is_private(name: str) -> bool:
    """One underscore in front; names of the language have two."""
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC


def private_names(source: str) -> Iterator[tuple[int, str]]:
    """Private names that this code reads or replaces in other objects and modules, by line."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls" | "super")):
                pass
            case ast.Attribute(attr=name) if is_private(name):
                yield node.lineno, name
            case ast.ImportFrom(names=names):
                yield from ((node.lineno, one.name) for one in names if is_private(one.name))
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=given) if called in PATCHES:
                texts = (str(one.value) for one in given[:2] if isinstance(one, ast.Constant))
                yield from ((node.lineno, text) for text in texts if is_private(text.rpartition(".")[2]))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("lock._lines", ["_lines"]),
        ("self._lines; cls._lines; row._replace(); __name__; a.__dict__", []),
        ("self.lock._lines", ["_lines"]),
        ("from ari.base.ids import _LENGTH, new_id", ["_LENGTH"]),
        ("monkeypatch.setattr(ids, '_LENGTH', 1)", ["_LENGTH"]),
        ("monkeypatch.setattr('ari.base.ids._LENGTH', 1)", ["ari.base.ids._LENGTH"]),
        ("getattr(ids, '_LENGTH')", ["_LENGTH"]),
    ],
)
def test_the_search_finds_private_names(source: str, found: list[str]) -> None:
    """The search itself works, or the test below would pass on anything."""
    assert [name for _, name in private_names(source)] == found


def test_no_test_depends_on_private_names() -> None:
    """A test that needs one tests the inside; the module needs a public way instead."""
    files = sorted(TESTS.rglob("*.py"))
    assert len(files) > 500
    found = {
        path.relative_to(TESTS).as_posix(): names for path in files if (names := [*private_names(path.read_text())])
    }
    assert {file: names for file, names in found.items() if file not in PINNED} == {}
    assert found.keys() == PINNED.keys(), "pinned files that read no private name any more"

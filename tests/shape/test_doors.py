"""Doors reach the database through commands and ports; the composition root wires them and runs no query."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src/ari"
DOORS = ("api", "web", "gateway", "jobs", "guard", "http", "cli")
INSTANCE_OPENERS = {
    "open",
    "make_parts",
    "open_lookup",
    "open_thread_lookup",
    "open_provider_lookup",
    "open_ai_rules_lookup",
}
INSTANCE_METHODS = INSTANCE_OPENERS | {"close_connections", "close", "trace_with"}
INSTANCE_FACTS = {"now_ms", "provider_environment"}
"""The clock's time, and the provider keys of the environment."""
OPENED_AND_CLOSED = {
    "open",
    "watch",
    "open_lookup",
    "open_thread_lookup",
    "provider_lookup",
    "ai_rules_lookup",
    "close",
}
"""The methods of the composition root use connections of the database, never rows."""


def find_database_uses(path: Path) -> list[str]:
    """The lines of a module that go through an attribute ``database``."""
    return [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "database"
    ]


def test_doors_reach_no_database() -> None:
    """A rule that a door would have to repeat for every query holds in one place: ``Deps`` and the ports."""
    assert find_database_uses(SOURCE / "deps.py"), "the search finds nothing where there is something"
    for door in DOORS:
        modules = sorted((SOURCE / door).rglob("*.py"))
        assert len(modules) > 3, door
        assert [use for path in modules for use in find_database_uses(path)] == []


def find_plumbing(source: str) -> list[int]:
    """The lines with a function without a name that takes a transaction, or is passed to ``Deps``."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Lambda(args=ast.arguments(args=[ast.arg(arg="tx" | "unit"), *_])):
                found.append(node.lineno)
            case ast.Call(func=ast.Attribute(attr="do" | "do_sync" | "read" | "read_sync"), args=[ast.Lambda(), *_]):
                found.append(node.lineno)
    return found


def test_doors_name_their_commands() -> None:
    """``deps.do(keys.revoke, key_id)``: a lambda there is a query of a door's own, which no port and no test names."""
    assert find_plumbing("deps.read(lambda t: t.keys)\nrun(lambda tx, key: 1)\nsorted(x, key=lambda k: k)") == [1, 2]
    modules = [path for door in DOORS for path in sorted((SOURCE / door).rglob("*.py"))]
    found = {str(path.relative_to(SOURCE)): find_plumbing(path.read_text()) for path in modules}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_the_composition_root_runs_no_query() -> None:
    """``Instance`` opens, wires and closes; a read belongs to its concept, whose port doors use."""
    tree = ast.parse((SOURCE / "instance.py").read_text())
    [instance] = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    methods = {node.name: node for node in instance.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    parts = {name for name, method in methods.items() if _is_part(method)}
    wiring = [methods.pop(name) for name in ("__init__", *parts)]
    assert methods.keys() == INSTANCE_METHODS | INSTANCE_FACTS
    assert {name for method in methods.values() for name in _find_used(method)} == OPENED_AND_CLOSED
    assert len({name for method in wiring for name in _find_used(method)}) > 3
    calls = [node for method in wiring for node in ast.walk(method) if isinstance(node, ast.Call)]
    assert not [node.lineno for node in calls if _is_database_use(node.func)]
    assert len(parts) > 8


def _is_part(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it makes a part of the instance, once."""
    return any(isinstance(one, ast.Name) and one.id == "cached_property" for one in method.decorator_list)


def _find_used(method: ast.AST) -> Iterator[str]:
    """The attributes of the database that a method uses."""
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and _is_database(node.value):
            yield node.attr


def _is_database_use(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
        if _is_database(node):
            return True
    return False


def _is_database(node: ast.AST) -> bool:
    """Whether this is ``database``, ``self.database`` or ``Database``."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.lower() == "database"

"""Every cache is bounded: pure functions by ``functools``, all else by ``cachetools`` (decision 44)."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src/ari"


def find_unbounded(source: str) -> Iterator[int]:
    """The lines of functions whose cache has no stated bound; one without arguments has one result."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        takes_none = not ast.unparse(node.args)
        for decorator in node.decorator_list:
            match decorator:
                case ast.Name(id="cache") | ast.Attribute(attr="cache") if not takes_none:
                    yield node.lineno
                case ast.Name(id="lru_cache") | ast.Attribute(attr="lru_cache"):
                    yield node.lineno
                case ast.Call(func=ast.Name(id="lru_cache") | ast.Attribute(attr="lru_cache")) if "None" in ast.unparse(
                    decorator
                ):
                    yield node.lineno


def test_the_search_finds_unbounded_caches() -> None:
    """The search itself works, or the test below would pass on anything."""
    bad = "@cache\ndef a(b): ...\n@lru_cache\ndef c(): ...\n@lru_cache(maxsize=None)\ndef d(): ...\n"
    assert len(list(find_unbounded(bad))) == 3
    assert list(find_unbounded("@cache\ndef a(): ...\n@lru_cache(64)\ndef b(c): ...")) == []


def test_every_cache_of_a_function_is_bounded() -> None:
    """What callers send must not fill the memory, whichever function caches it."""
    found = {str(path.relative_to(SOURCE)): list(find_unbounded(path.read_text())) for path in SOURCE.rglob("*.py")}
    assert {path: lines for path, lines in found.items() if lines} == {}

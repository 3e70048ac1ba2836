"""Commands in the messages of the command line can be pasted into a shell."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import ari.cli
from ari.cli.lazy_commands import load_all
from ari.cli.main import app

SOURCES = sorted(Path(ari.cli.__file__).parent.rglob("*.py"))
GROUPS = "|".join(sorted(getattr(load_all(app), "commands", {})))
COMMAND = re.compile(rf"\bari (?:{GROUPS})\b[^;\n]*")
TYPOGRAPHIC = set("“”‘’„…–—")


def _list_texts(path: Path) -> Iterator[str]:
    """The texts of a module, in which an expression is a word."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "X" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _list_commands() -> list[str]:
    found = {match[0] for path in SOURCES for text in _list_texts(path) for match in COMMAND.finditer(text)}
    return sorted(found)


def test_there_are_commands() -> None:
    """Otherwise the next test checks nothing."""
    assert len(_list_commands()) > 20


@pytest.mark.parametrize("command", _list_commands())
def test_a_command_can_be_pasted(command: str) -> None:
    """It has straight quotes, which are closed."""
    words = command.split(". ", maxsplit=1)[0]
    assert not TYPOGRAPHIC & set(words)
    if words.count('"') or words.count(" '"):
        shlex.split(words)

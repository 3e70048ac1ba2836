"""The help of every command, as people read it."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from ari.cli.lazy_commands import load_all
from ari.cli.main import app


def _walk(command: Any, context: Any) -> Iterator[tuple[Any, Any]]:
    yield command, context
    for name, nested in getattr(command, "commands", {}).items():
        yield from _walk(nested, typer.Context(nested, parent=context, info_name=name))


def test_no_flag_looks_like_an_option_with_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    """``--json <bool>`` invites people to type a value, which fails; other options show what to type."""
    root: Any = load_all(app)
    helps = {}
    for command, context in _walk(root, typer.Context(root, info_name="ari")):
        command.get_help(context)
        helps[context.command_path] = capsys.readouterr().out
    assert len(helps) > 40
    assert [path for path, text in helps.items() if "bool" in text] == []
    assert all("--help" in text for text in helps.values())
    assert "NUMBER" in helps["ari usage"]

"""The tree of ARI's commands, built once in a process. Typer would build it again for each call, which takes 50 ms."""

from functools import cache
from typing import Any

import typer.main

from ari.cli.lazy_commands import LazyCommand


def keep() -> None:
    """From now on, calls of the same app share one tree."""
    typer.main.get_command = cache(typer.main.get_command)
    load: Any = cache(LazyCommand.load)
    LazyCommand.load = load  # type: ignore[method-assign]  # of this process alone


def build(app: typer.Typer) -> None:
    """Import and build all commands of this app, so that no call does."""
    _load_below(typer.main.get_command(app))


def _load_below(group: Any) -> None:
    for command in getattr(group, "commands", {}).values():
        if isinstance(command, LazyCommand):
            _load_below(command.load())

"""The tree of ARI's commands, built once in a process. Typer would build it again for each call, which takes 50 ms."""

from functools import cache

import typer.main


def keep() -> None:
    """From now on, calls of the same app share one tree."""
    typer.main.get_command = cache(typer.main.get_command)

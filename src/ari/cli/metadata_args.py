"""Metadata as command-line options: ``--metadata plan=pro --metadata seats=5``."""

import json
from collections.abc import Sequence
from typing import Any

import typer


def parse_metadata_options(pairs: Sequence[str] | None) -> dict[str, Any]:
    """An object of ``NAME=VALUE`` pairs; a value that is JSON is that, anything else is text.

    Raises ``typer.BadParameter``.
    """
    found: dict[str, Any] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"--metadata takes NAME=VALUE, not {pair[:60]!r}.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found

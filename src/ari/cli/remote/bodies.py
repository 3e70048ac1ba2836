"""Request bodies of what commands want."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from ari.base.clock import to_rfc3339
from ari.base.errors import Invalid, Problem
from ari.keys import UNSET


def list_given(wanted: Any) -> dict[str, Any]:
    """The fields of a change, such as ``KeyChange``, that are set, under their names in the API."""
    given = {one.name: getattr(wanted, one.name) for one in fields(wanted)}
    return {name.removesuffix("_ms"): _write(name, value) for name, value in given.items() if value is not UNSET}


def _write(name: str, value: Any) -> Any:
    if name.endswith("_at_ms"):
        return None if value is None else to_rfc3339(value)
    return list(value) if isinstance(value, tuple) else value


def require_none(problems: Sequence[Problem]) -> None:
    """Raise ``Invalid`` with the problems of the options, if there are any."""
    if problems:
        raise Invalid(*problems)

"""Parse the filters of a search by the names that callers use."""

from collections.abc import Callable, Mapping
from typing import Any

from ari.base.problems import Problems

Filters = Mapping[str, tuple[str, Callable[[str], Any]]]
"""By the caller's name: the field of the search, and its parser, which raises ``Invalid``."""


def parse_filters(filters: Filters, given: Mapping[str, str | None]) -> dict[str, Any]:
    """The fields of the filters that are given. Raises ``Invalid`` with the problems of all of them."""
    found: dict[str, Any] = {}
    problems = Problems()
    for name, (field, parse) in filters.items():
        text = given.get(name)
        if text is not None:
            found[field] = problems.check(None, parse, text)
    problems.raise_found()
    return found

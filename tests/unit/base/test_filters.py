"""Filters by name: searches of requests and of events report all mistakes at once."""

import pytest

from ari.base.errors import Invalid, Problem
from ari.base.filters import Filters, parse_filters


def _parse(text: str) -> int:
    if not text.isdecimal():
        raise Invalid(Problem("filter", f"{len(text)} letters."))
    return int(text)


FILTERS: Filters = {"low": ("at_least", _parse), "high": ("at_most", _parse)}


def test_given_filters_become_fields() -> None:
    """An absent filter isn't a field, an empty one is parsed, and other names are for others to use."""
    assert parse_filters(FILTERS, {"low": "3", "high": None, "cursor": "x"}) == {"at_least": 3}
    assert parse_filters(FILTERS, {}) == {}
    with pytest.raises(Invalid):
        parse_filters(FILTERS, {"low": ""})


def test_all_mistakes_are_reported_at_once() -> None:
    """A caller who corrects one after the other would send as many requests."""
    with pytest.raises(Invalid) as refused:
        parse_filters(FILTERS, {"low": "a", "high": "bb"})
    assert [problem.message for problem in refused.value.problems] == ["1 letters.", "2 letters."]

"""People see all problems of what they sent, not one after the other."""

import pytest

from ari.base.errors import Invalid, NotFound, Problem
from ari.base.problems import Problems


def _refuse(*fields: str) -> str:
    raise Invalid(*(Problem(field, f"{field} is wrong.") for field in fields))


def test_all_problems_are_raised_together() -> None:
    """In the order in which they were found, those of an earlier reader first."""
    problems = Problems([Problem("a", "a is wrong.")])
    assert problems.check("", str.upper, "fine") == "FINE"
    assert problems.check("instead", _refuse, "b", "c") == "instead"
    problems.add(Problem("d", "d is wrong."))
    with pytest.raises(Invalid) as raised:
        problems.raise_found()
    assert [one.location for one in raised.value.problems] == ["a", "b", "c", "d"]
    assert raised.value.problems == problems.found


def test_other_errors_are_raised_at_once() -> None:
    """Only invalid input can be corrected by the caller."""

    def look_up() -> str:
        raise NotFound

    problems = Problems()
    with pytest.raises(NotFound):
        problems.check("", look_up)
    problems.raise_found()

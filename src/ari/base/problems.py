"""Collect the problems of several checks, so that callers see all of them at once."""

from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from ari.base.errors import Invalid, Problem

P = ParamSpec("P")
T = TypeVar("T")


class Problems:
    """The problems found so far, in order; those of an earlier reader can be passed in."""

    def __init__(self, found: Iterable[Problem] = ()) -> None:
        self._found = list(found)

    @property
    def found(self) -> tuple[Problem, ...]:
        """The problems so far, for the next reader."""
        return tuple(self._found)

    def add(self, *problems: Problem) -> None:
        """Add problems that no check raised."""
        self._found += problems

    def check(self, otherwise: T, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``read``; ``otherwise`` if it raises ``Invalid``, whose problems are added."""
        try:
            return read(*args, **kwargs)
        except Invalid as error:
            self._found += error.problems
            return otherwise

    def raise_found(self) -> None:
        """Raise ``Invalid`` with all problems, if there are any."""
        if self._found:
            raise Invalid(*self._found)

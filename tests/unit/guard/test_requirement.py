"""A guard that is written wrongly stops the start: a forgotten or misspelled scope must not open a route."""

import pytest

from ari.base.errors import ConfigurationError
from ari.guard.requirement import Requirement, make_requirement


def test_scopes_cost_and_limits() -> None:
    """A scope named twice counts once."""
    assert make_requirement(("orders:read", "orders:read")) == Requirement(("orders:read",))
    assert make_requirement((), any_key=True, cost=5, limits=("consumer:default",)) == Requirement(
        (), 5, ("consumer:default",)
    )


@pytest.mark.parametrize(
    ("scopes", "options", "sentence"),
    [
        ((), {}, "Name a scope"),
        (("orders:read",), {"any_key": True}, "name no scope with it"),
        (("orders",), {}, "'orders' is no scope"),
        (("Orders:read",), {}, "is no scope"),
        (("orders:read\n",), {}, "is no scope"),
        (("orders:read",), {"cost": -1}, "cost must be a whole number"),
        (("orders:read",), {"limits": ("Default!",)}, "is no name of a limit"),
    ],
)
def test_wrong_arguments_are_refused(scopes: tuple[str, ...], options: dict[str, object], sentence: str) -> None:
    """Each with its own sentence."""
    with pytest.raises(ConfigurationError, match=sentence):
        make_requirement(scopes, **options)  # type: ignore[arg-type]  # from the table

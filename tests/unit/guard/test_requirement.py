"""A guard that is written wrongly stops the start: a forgotten or misspelled scope must not open a route."""

import pytest

from ari.api import verify_shapes
from ari.api.limit_shapes import MAX_NAMES
from ari.base.errors import ConfigurationError
from ari.guard.requirement import MAX_COST, MAX_LIMITS, MAX_SCOPES, Requirement, make_requirement


def test_scopes_cost_and_limits() -> None:
    """A scope named twice counts once."""
    assert make_requirement(("orders:read", "orders:read")) == Requirement(("orders:read",))
    assert make_requirement((), any_key=True, cost=5, limits=["consumer:default", "2nd"]) == Requirement(
        (), 5, ("consumer:default", "2nd")
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
        (("orders:read",), {"cost": 1_000_001}, "cost must be a whole number"),
        (("orders:read",), {"cost": 1.5}, "cost must be a whole number"),
        (("orders:read",), {"cost": 2.0}, "cost must be a whole number"),
        (("orders:read",), {"cost": True}, "cost must be a whole number"),
        (("orders:read",), {"cost": "5"}, "cost must be a whole number"),
        (("orders:read",), {"limits": ("Default!",)}, "is no name of a limit"),
        (("orders:read",), {"limits": (1,)}, "is no name of a limit"),
        (("orders:read",), {"limits": "default"}, "must be a list of names"),
        (("orders:read",), {"limits": 5}, "must be a list of names"),
        (("orders:read",), {"limits": ["default"] * 23}, "at most 22"),
        ((), {"any_key": 1}, "any_key must be True or False"),
        ((), {"any_key": "no"}, "any_key must be True or False"),
        ((5,), {}, "5 is no scope"),
        (tuple(f"orders:r{n}" for n in range(21)), {}, "at most 20 scopes"),
    ],
)
def test_wrong_arguments_are_refused(scopes: tuple[str, ...], options: dict[str, object], sentence: str) -> None:
    """Each with its own sentence."""
    with pytest.raises(ConfigurationError, match=sentence):
        make_requirement(scopes, **options)  # type: ignore[arg-type]  # from the table


def test_an_instance_takes_as_much() -> None:
    """The guard's bounds are those of the API that it asks."""
    assert (MAX_SCOPES, MAX_LIMITS, MAX_COST) == (verify_shapes.MAX_SCOPES, MAX_NAMES, verify_shapes.MAX_COST)

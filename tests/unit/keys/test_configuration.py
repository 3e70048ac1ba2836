"""A configuration file is read strictly: every mistake is named by its path."""

from typing import Any

import pytest

from ari.base.errors import Invalid
from ari.keys.configuration import Configuration, DeclaredKind, parse_configuration
from ari.keys.presets import Preset

SHOP = {"label": "Shop", "description": "What the shop needs.", "scopes": ["orders:read"]}


def test_sections_are_read_and_others_left_alone() -> None:
    """A missing section is not an empty one: pruning must not remove what a file doesn't speak of."""
    assert parse_configuration({}) == Configuration(None, None, None)
    found = parse_configuration(
        {"scopes": {" orders:read ": "List."}, "presets": {"shop": SHOP}, "default_preset": "shop"}
    )
    assert found.scopes == {"orders:read": "List."}
    assert found.presets == {"shop": Preset("shop", "Shop", "What the shop needs.", ("orders:read",))}
    assert found.default_preset == "shop"
    assert parse_configuration({"scopes": {}}).scopes == {}


def test_kinds_and_rules_are_read() -> None:
    """Defaults that are missing or ``null`` are none; a missing refill is none, too."""
    acme = {"prefix": "acme_", "expires": None, "scopes": ["a:b"], "credits": {"amount": 5}}
    found = parse_configuration({"kinds": {"acme": acme}, "instance_policy": {"max_lifetime_days": None}})
    defaults = {"scopes": ("a:b",), "credits": {"amount": 5, "refill": None}}
    assert found.kinds == {"acme": DeclaredKind("acme_", defaults)}
    assert found.instance_policy == {"max_lifetime_days": None}


@pytest.mark.parametrize(
    ("content", "location"),
    [
        ([], "file"),
        ("text", "file"),
        (None, "file"),
        ({"scope": {}}, "scope"),
        ({"scopes": []}, "scopes"),
        ({"scopes": {"orders:read": 1}}, "scopes.orders:read"),
        ({"scopes": {"orders:read": None}}, "scopes.orders:read"),
        ({"scopes": {f"a:b{number}": "x" for number in range(501)}}, "scopes"),
        ({"presets": {"shop": "x"}}, "presets.shop"),
        ({"presets": {"shop": {**SHOP, "more": 1}}}, "presets.shop.more"),
        ({"presets": {"shop": {"label": "Shop", "scopes": []}}}, "presets.shop.description"),
        ({"presets": {"shop": {**SHOP, "scopes": "orders:read"}}}, "presets.shop.scopes"),
        ({"presets": {"shop": {**SHOP, "scopes": [1]}}}, "presets.shop.scopes.0"),
        ({"default_preset": 1}, "default_preset"),
        ({"kinds": {"acme": {}}}, "kinds.acme.prefix"),
        ({"kinds": {"acme": {"prefix": 1}}}, "kinds.acme.prefix"),
        ({"kinds": {"acme": {"prefix": "a_", "name": "x"}}}, "kinds.acme.name"),
        ({"kinds": {"acme": {"prefix": "a_", "max_lifetime_days": True}}}, "kinds.acme.max_lifetime_days"),
        ({"kinds": {"acme": {"prefix": "a_", "limits": [{"per": 1}]}}}, "kinds.acme.limits.0.per"),
        ({"kinds": {"acme": {"prefix": "a_", "limits": {}}}}, "kinds.acme.limits"),
        ({"kinds": {"acme": {"prefix": "a_", "credits": 5}}}, "kinds.acme.credits"),
        ({"kinds": {"acme": {"prefix": "a_", "credits": {"refill": {"day": 1}}}}}, "kinds.acme.credits.refill.day"),
        ({"kinds": {f"k{number}": {"prefix": "a_"} for number in range(51)}}, "kinds"),
        ({"instance_policy": {"max_lifetime_days": "90"}}, "instance_policy.max_lifetime_days"),
        ({"instance_policy": {"days": 90}}, "instance_policy.days"),
    ],
)
def test_a_mistake_is_named_by_its_path(content: Any, location: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(Invalid) as raised:
        parse_configuration(content)
    assert [one.location for one in raised.value.problems] == [location]

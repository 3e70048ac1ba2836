"""Verification for services: undeclared scopes and unknown limits are the service's mistake, not the key's."""

import pytest

from ari.base.errors import Invalid
from ari.http.verification import make_charge, require_declared
from ari.keys.limits.charge import Charge, RuleOwner
from ari.keys.limits.rules import Limit, LimitRules

OWNERS = (
    RuleOwner("key_1", LimitRules(1, (Limit("default", 5, 60_000),))),
    RuleOwner("con_1", LimitRules(1, (Limit("default", 9, 60_000),)), "consumer:"),
)


def test_undeclared_scopes_are_named_by_their_place() -> None:
    """Declared ones pass."""
    require_declared(("orders:read", "a:b"), set())
    with pytest.raises(Invalid) as caught:
        require_declared(("orders:read", "a:b"), {"a:b"})
    assert [problem.location for problem in caught.value.problems] == ["scopes.1"]


def test_a_charge_has_the_named_limits() -> None:
    """All of them by default; none for a key without limits."""
    assert make_charge(OWNERS, 3, None) == Charge(OWNERS, 3, None)
    assert make_charge(OWNERS, 1, ["consumer:default"]) == Charge(OWNERS, 1, frozenset(["consumer:default"]))
    assert make_charge((), 1, None) is None
    with pytest.raises(Invalid):
        make_charge(OWNERS, 1, ["default", "other"])

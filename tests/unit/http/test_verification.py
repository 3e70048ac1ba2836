"""Verification for services: undeclared scopes and unknown limits are the service's mistake, not the key's."""

import asyncio
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

from ari.base.errors import Invalid, Unavailable
from ari.http.verification import await_both, make_charge, require_declared
from ari.keys.limits.charge import Charge, RuleOwner
from ari.keys.limits.rules import Limit, LimitRules

OWNERS = (
    RuleOwner("key_1", LimitRules(1, (Limit("default", 5, 60_000),))),
    RuleOwner("con_1", LimitRules(1, (Limit("default", 9, 60_000),)), "consumer:"),
)


@pytest.mark.parametrize("at_once", [True, False])
def test_both_lookups_are_awaited(at_once: bool) -> None:
    """Whether or not reads wait. Where the first fails, so does the whole, and nothing stays behind."""
    lookup: Any = SimpleNamespace(reads_at_once=at_once)

    async def give(found: str) -> str:
        return found

    async def fail() -> str:
        raise Unavailable("down")

    assert asyncio.run(await_both(lookup, give("key"), give("scopes"))) == ("key", "scopes")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Unavailable):
            asyncio.run(await_both(lookup, fail(), give("scopes")))


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

"""Several guards on a route are one decision: every scope counts, and what is consumed is never a guess."""

import pytest

from ari.base.errors import ConfigurationError
from ari.guard.combined_requirement import check_charge, combine
from ari.guard.requirement import Requirement

READ = Requirement(("orders:read",))
WRITE = Requirement(("orders:write", "orders:read"), 5, ("default",))


def test_all_scopes_and_the_named_cost_count() -> None:
    """In either order, and with a guard that names nothing."""
    assert combine([READ, WRITE]) == Requirement(("orders:read", "orders:write"), 5, ("default",))
    assert combine([WRITE, READ, WRITE]) == WRITE
    assert combine([Requirement(()), READ]) == READ
    assert combine([READ, READ]) == READ
    assert combine([]) == Requirement(())


def test_costs_that_differ_are_refused() -> None:
    """Also where the second guard runs after the decision."""
    with pytest.raises(ConfigurationError, match="they differ"):
        combine([WRITE, Requirement((), 4, ("default",))])
    with pytest.raises(ConfigurationError, match="they differ"):
        check_charge(WRITE, READ)
    check_charge(READ, WRITE)
    check_charge(WRITE, WRITE)

"""What several guards on one route require together, so that the request is decided once, before its row is logged."""

from collections.abc import Iterable

from ari.base.errors import ConfigurationError
from ari.guard.requirement import Requirement

_DIFFER = "Several guards of this route name a cost or limits, and they differ. Name them in one guard."


def combine(requirements: Iterable[Requirement]) -> Requirement:
    """All scopes, and the cost and limits of the guards that name them.

    Raises ``ConfigurationError`` if these differ: nothing says which of them to consume.
    """
    found = list(requirements)
    if all(one is found[0] for one in found[1:]) and found:
        return found[0]
    scopes = tuple(dict.fromkeys(scope for one in found for scope in one.scopes))
    charges = {(one.cost, one.limits) for one in found if names_charge(one)}
    if len(charges) > 1:
        raise ConfigurationError(_DIFFER)
    cost, limits = next(iter(charges), (1, None))
    return Requirement(scopes, cost, limits)


def check_charge(requirement: Requirement, decided: Requirement) -> None:
    """Raise ``ConfigurationError`` if a later guard names a cost or limits that the decision did not have."""
    if names_charge(requirement) and (requirement.cost, requirement.limits) != (decided.cost, decided.limits):
        raise ConfigurationError(_DIFFER)


def names_charge(requirement: Requirement) -> bool:
    """Whether a cost or limits other than the default are named."""
    return (requirement.cost, requirement.limits) != (1, None)

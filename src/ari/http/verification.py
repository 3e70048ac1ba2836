"""Verification of keys for other services: by ``/api/verify``, and by ``ari.guard`` inside them."""

import asyncio
from collections.abc import Collection, Container, Sequence

from ari.base.errors import Invalid, Problem
from ari.keys.checks import AccessRequest
from ari.keys.limits.charge import CONSUMER_PREFIX, Charge, RuleOwner
from ari.keys.model import Verdict
from ari.keys.scopes import HOW_TO_DECLARE, find_not_built_in
from ari.keys.verify import Rehash, verify
from ari.usage.ports import KeyLookup

_NO_LIMIT = f"The key has no limit with this name. Those of its consumer begin with {CONSUMER_PREFIX}."


async def verify_for_service(lookup: KeyLookup, text: bytes, ask: AccessRequest, rehash: Rehash) -> Verdict:
    """Decide as ``keys.verify``, about the scopes of a service, which must be declared.

    Raises ``Unavailable`` if ARI can't decide, ``Invalid`` for undeclared scopes.
    """
    doubtful = find_not_built_in(ask.more_scopes)
    if not doubtful:
        return await verify(lookup, text, ask, rehash)
    verdict, undeclared = await asyncio.gather(verify(lookup, text, ask, rehash), lookup.find_undeclared(doubtful))
    require_declared(ask.more_scopes, undeclared)
    return verdict


def require_declared(scopes: Sequence[str], undeclared: Container[str]) -> None:
    """Raise ``Invalid`` for undeclared scopes: a no would hide a misspelled scope, ``*`` would turn it into a yes."""
    sentence = f"This scope isn't declared. {HOW_TO_DECLARE}"
    problems = [Problem(f"scopes.{place}", sentence) for place, scope in enumerate(scopes) if scope in undeclared]
    if problems:
        raise Invalid(*problems)


def make_charge(owners: tuple[RuleOwner, ...], units: int, names: Collection[str] | None) -> Charge | None:
    """The units to consume from the limits with these names, or (``None``) from all; ``None`` without limits.

    Raises ``Invalid`` for a name that no owner has.
    """
    if names is not None:
        known = {name for owner in owners for name in owner.names}
        unknown = [number for number, name in enumerate(names) if name not in known]
        if unknown:
            raise Invalid(*(Problem(f"limits.{number}", _NO_LIMIT) for number in unknown))
    return Charge(owners, units, None if names is None else frozenset(names)) if owners else None

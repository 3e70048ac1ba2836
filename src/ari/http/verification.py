"""Verification of keys for other services: by ``/api/verify``, and by ``ari.guard`` inside them."""

import asyncio
from collections.abc import Collection, Container, Coroutine, Sequence
from typing import Any, TypeVar

from ari.base.errors import Invalid, Problem
from ari.keys.checks import AccessRequest
from ari.keys.limits.charge import CONSUMER_PREFIX, Charge, RuleOwner
from ari.keys.model import Verdict
from ari.keys.scopes import HOW_TO_DECLARE, find_not_built_in
from ari.keys.verify import Rehash, verify
from ari.usage.ports import KeyLookup

T = TypeVar("T")
U = TypeVar("U")

_NO_LIMIT = f"The key has no limit with this name. Those of its consumer begin with {CONSUMER_PREFIX}."


async def verify_for_service(lookup: KeyLookup, text: bytes, ask: AccessRequest, rehash: Rehash | None) -> Verdict:
    """Decide as ``keys.verify``, about the scopes of a service, which must be declared.

    Raises ``Unavailable`` if ARI can't decide, ``Invalid`` for undeclared scopes.
    """
    doubtful = find_not_built_in(ask.more_scopes)
    if not doubtful:
        return await verify(lookup, text, ask, rehash)
    checked = verify(lookup, text, ask, rehash), lookup.find_undeclared(doubtful)
    verdict, undeclared = await await_both(lookup, *checked)
    require_declared(ask.more_scopes, undeclared)
    return verdict


async def await_both(lookup: KeyLookup, first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """Await two lookups that can share a round trip. Where reads don't wait, no tasks are made: 10 µs less."""
    if not lookup.reads_at_once:
        one, other = await asyncio.gather(first, second)
        return one, other
    try:
        one = await first
    except BaseException:
        second.close()
        raise
    return one, await second


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

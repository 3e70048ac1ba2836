"""The requirements of routes: scopes, cost and limits."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from ari.base.errors import ConfigurationError

MAX_COST = 1_000_000
MAX_SCOPES, MAX_LIMITS = 20, 22
"""The most that an instance takes in one verification."""
_SCOPE = re.compile(r"\*|[a-z][a-z0-9_-]{0,30}:(?:\*|[a-z][a-z0-9_-]{0,30})")
_LIMIT = re.compile(r"(?:consumer:)?[a-z0-9][a-z0-9_-]{0,39}")
_NO_SCOPE = 'Name a scope, such as "orders:read". To accept every active key, write any_key=True.'


class Requirement(msgspec.Struct, frozen=True):
    """``scopes`` are all required; without one, any active key will do. ``cost`` is consumed from ``limits``.

    ``limits`` ``None`` means all limits of the key and its consumer.
    """

    scopes: tuple[str, ...]
    cost: int = 1
    limits: tuple[str, ...] | None = None


def make_requirement(
    scopes: Sequence[str], *, any_key: bool = False, cost: int = 1, limits: Sequence[str] | None = None
) -> Requirement:
    """Check the arguments of a guard. Raises ``ConfigurationError``: a forgotten scope must not open a route."""
    if type(any_key) is not bool:
        raise ConfigurationError("any_key must be True or False.")
    if any_key is bool(scopes):
        raise ConfigurationError("any_key=True accepts every key; name no scope with it." if scopes else _NO_SCOPE)
    for scope in scopes:
        if not _is_name(scope, _SCOPE):
            raise ConfigurationError(f"{scope!r} is no scope. Write resource:action, such as orders:read.")
    names = tuple(dict.fromkeys(scopes))
    if len(names) > MAX_SCOPES:
        raise ConfigurationError(f"A route can require at most {MAX_SCOPES} scopes.")
    if type(cost) is not int or not 0 <= cost <= MAX_COST:
        raise ConfigurationError(f"cost must be a whole number from 0 to {MAX_COST:,}.")
    return Requirement(names, cost, None if limits is None else _check_limits(limits))


def _check_limits(limits: Sequence[str]) -> tuple[str, ...]:
    if isinstance(limits, str | bytes) or not isinstance(limits, Iterable):
        raise ConfigurationError('limits must be a list of names, such as limits=["default"].')
    names = tuple(limits)
    for name in names:
        if not _is_name(name, _LIMIT):
            raise ConfigurationError(f"{name!r} is no name of a limit.")
    if len(names) > MAX_LIMITS:
        raise ConfigurationError(f"limits can hold at most {MAX_LIMITS} names.")
    return names


def _is_name(found: object, shape: re.Pattern[str]) -> bool:
    return isinstance(found, str) and shape.fullmatch(found) is not None

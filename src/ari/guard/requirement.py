"""The requirements of routes: scopes, cost and limits."""

import re

import msgspec

from ari.base.errors import ConfigurationError

MAX_COST = 1_000_000
_SCOPE = re.compile(r"\*|[a-z][a-z0-9_-]{0,30}:(?:\*|[a-z][a-z0-9_-]{0,30})")
_LIMIT = re.compile(r"(?:consumer:)?[a-z][a-z0-9_-]{0,39}")
_NO_SCOPE = 'Name a scope, such as "orders:read". To accept every active key, write any_key=True.'


class Requirement(msgspec.Struct, frozen=True):
    """``scopes`` are all required; without one, any active key will do. ``cost`` is consumed from ``limits``.

    ``limits`` ``None`` means all limits of the key and its consumer.
    """

    scopes: tuple[str, ...]
    cost: int = 1
    limits: tuple[str, ...] | None = None


def make_requirement(
    scopes: tuple[str, ...], *, any_key: bool = False, cost: int = 1, limits: tuple[str, ...] | None = None
) -> Requirement:
    """Check the arguments of a guard. Raises ``ConfigurationError``: a forgotten scope must not open a route."""
    if any_key is bool(scopes):
        raise ConfigurationError("any_key=True accepts every key; name no scope with it." if scopes else _NO_SCOPE)
    for scope in scopes:
        if _SCOPE.fullmatch(scope) is None:
            raise ConfigurationError(f"{scope!r} is no scope. Write resource:action, such as orders:read.")
    if not 0 <= cost <= MAX_COST:
        raise ConfigurationError(f"cost must be a whole number from 0 to {MAX_COST:,}.")
    for name in limits or ():
        if _LIMIT.fullmatch(name) is None:
            raise ConfigurationError(f"{name!r} is no name of a limit.")
    return Requirement(tuple(dict.fromkeys(scopes)), cost, limits)

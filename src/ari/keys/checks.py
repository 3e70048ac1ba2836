"""The ordered checks of a found key. Each is pure and returns its refusal or ``None``; the first refusal counts."""

from collections.abc import Callable

import msgspec

from ari.keys import reasons, scopes
from ari.keys.model import ApiKey
from ari.keys.policy import allows_address
from ari.keys.reasons import Reason


class AccessRequest(msgspec.Struct, frozen=True):
    """The scope that a request needs (``None`` = any active key will do) at the instant ``now_ms``.

    ``more_scopes`` are required as well. ``client_address`` is where the request comes from, as far as it is known.
    ``revokes_self``: it only revokes the key, which a disabled key may do, and from any address.
    """

    scope: str | None
    now_ms: int
    more_scopes: tuple[str, ...] = ()
    client_address: str | None = None
    revokes_self: bool = False


def check_revoked(key: ApiKey, ask: AccessRequest) -> Reason | None:
    """A tombstone counts as revoked unless it expired: ARI deletes inactive keys only, but a database may be edited."""
    if key.revoked_at_ms is None and (key.deleted_at_ms is None or key.is_expired(ask.now_ms)):
        return None
    return reasons.REVOKED


def check_expired(key: ApiKey, ask: AccessRequest) -> Reason | None:
    return reasons.EXPIRED if key.is_expired(ask.now_ms) else None


def check_disabled(key: ApiKey, ask: AccessRequest) -> Reason | None:
    return reasons.DISABLED if key.disabled and not ask.revokes_self else None


def check_secret(key: ApiKey, ask: AccessRequest) -> Reason | None:
    return reasons.RETIRED if key.secret is not None and key.secret.is_retired(ask.now_ms) else None


def check_address(key: ApiKey, ask: AccessRequest) -> Reason | None:
    addresses = key.policy.addresses
    if ask.revokes_self or not addresses or allows_address(addresses, ask.client_address):
        return None
    return reasons.IP_NOT_ALLOWED


def check_scope(key: ApiKey, ask: AccessRequest) -> Reason | None:
    if ask.scope is not None and not scopes.holds(key.scopes, ask.scope):
        return reasons.INSUFFICIENT_SCOPE
    if ask.more_scopes and not all(scopes.holds(key.scopes, scope) for scope in ask.more_scopes):
        return reasons.INSUFFICIENT_SCOPE
    return None


CHECKS: tuple[Callable[[ApiKey, AccessRequest], Reason | None], ...] = (
    check_revoked,
    check_expired,
    check_disabled,
    check_secret,
    check_address,
    check_scope,
)

"""The ordered checks of a found key; the first refusal counts."""

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


def find_refusal(key: ApiKey, ask: AccessRequest) -> Reason | None:
    """Why this key may not do that; ``None`` if it may. Pure.

    A tombstone counts as revoked unless it expired: ARI deletes inactive keys only, but a database may be edited.
    """
    is_expired = key.is_expired(ask.now_ms)
    if key.revoked_at_ms is not None or (key.deleted_at_ms is not None and not is_expired):
        return reasons.REVOKED
    if is_expired:
        return reasons.EXPIRED
    if key.disabled and not ask.revokes_self:
        return reasons.DISABLED
    if key.secret is not None and key.secret.is_retired(ask.now_ms):
        return reasons.RETIRED
    addresses = key.policy.addresses
    if addresses and not ask.revokes_self and not allows_address(addresses, ask.client_address):
        return reasons.IP_NOT_ALLOWED
    if ask.scope is not None and not scopes.holds(key.scopes, ask.scope):
        return reasons.INSUFFICIENT_SCOPE
    if ask.more_scopes and not scopes.holds_all(key.scopes, ask.more_scopes):
        return reasons.INSUFFICIENT_SCOPE
    return None

"""Rotate a key: a new secret for the same key; the old secret works until the overlap ends."""

from dataclasses import dataclass, field, replace

from ari.base.clock import to_rfc3339
from ari.base.errors import Conflict
from ari.keys import granting, token
from ari.keys.events import record_key
from ari.keys.model import ApiKey, KeySecret
from ari.keys.overlap import DEFAULT_OVERLAP, parse_overlap
from ari.keys.ports import KeyTransaction
from ari.keys.queries import get, get_secrets


@dataclass(frozen=True, slots=True)
class Rotation:
    """``overlap`` is how long the old secret still works, from ``0s`` to ``30d``.

    ``retire_old_now`` retires a secret of an earlier rotation that is still in its overlap.
    """

    overlap: str = DEFAULT_OVERLAP
    retire_old_now: bool = False


@dataclass(frozen=True, slots=True)
class Rotated:
    """The key and, this once, the text of its new secret. ``old`` is the secret that retires at ``retires_at_ms``."""

    key: ApiKey
    secret: str = field(repr=False)
    new: KeySecret
    old: KeySecret
    retires_at_ms: int


def rotate(tx: KeyTransaction, key_id: str, wanted: Rotation) -> Rotated:
    """Give a key a new secret. A disabled key stays disabled.

    Raises ``Invalid``, ``NotFound``, ``ReauthRequired``, ``Forbidden`` if the caller may not act as this key,
    ``Conflict("key_inactive")`` for a revoked or expired key, and ``Conflict("rotation_in_progress")`` if two secrets
    are active and the older one is not to retire now.
    """
    overlap_ms = parse_overlap(wanted.overlap)
    key = get(tx, key_id)
    require_may_rotate(tx, key)
    if key.is_inactive(tx.now_ms):
        raise Conflict("key_inactive", "Revoked and expired keys can't be rotated. Create a new key.")
    newest, *older = get_secrets(tx, key_id)
    _require_lasting_secret(tx, key, newest)
    retiring = [secret for secret in older if not secret.is_retired(tx.now_ms)]
    if retiring and not wanted.retire_old_now:
        raise Conflict(
            "rotation_in_progress",
            f"The secret {retiring[0].hint} is still in its overlap. Wait, or retire it now: retire_old_now, or "
            "--retire-old-now on the command line.",
        )
    for secret in retiring:
        _retire_now(tx, key, secret)
    retires_at_ms = tx.now_ms + overlap_ms
    old = replace(newest, retires_at_ms=retires_at_ms)
    tx.key_secrets.save_secret(key_id, old if overlap_ms else replace(old, retired_seen_at_ms=tx.now_ms))
    kind = None if key.kind is None else tx.kinds.get(key.kind)
    text = token.mint() if kind is None else token.mint(kind.prefix)
    new = KeySecret(newest.number + 1, token.hint(text), tx.now_ms)
    tx.key_secrets.add_secret(key_id, new, token.digest(text.encode()))
    rotated = replace(key, hint=new.hint)
    tx.keys.save(rotated)
    granting.record_takeover(tx, key)
    ends = {"old_number": old.number, "old_hint": old.hint, "retires_at": to_rfc3339(retires_at_ms)}
    record_key(tx, "key_rotated", rotated, {"number": new.number} | ends)
    return Rotated(rotated, text, new, old, retires_at_ms)


def retire_old(tx: KeyTransaction, key_id: str) -> ApiKey:
    """Retire the old secret of a rotated key before the end of its overlap. A repeat changes nothing.

    Raises ``NotFound``, ``Forbidden``.
    """
    key = get(tx, key_id)
    granting.require_may_touch(tx, key)
    for secret in get_secrets(tx, key_id)[1:]:
        if not secret.is_retired(tx.now_ms):
            _retire_now(tx, key, secret)
    return key


def require_may_rotate(tx: KeyTransaction, key: ApiKey) -> None:
    """Raise ``Forbidden`` or ``ReauthRequired`` unless the caller may learn a new secret of the key."""
    if tx.caller.key_id == key.id:
        granting.require_self_rotation(key)
    else:
        granting.require_takeover(tx, key)


def _require_lasting_secret(tx: KeyTransaction, key: ApiKey, newest: KeySecret) -> None:
    """Refuse a holder whose secret retires: a secret that was replaced must not get itself a successor."""
    number = tx.caller.secret_number
    if tx.caller.key_id == key.id and number is not None and number != newest.number:
        raise Conflict("rotation_in_progress", "This secret was already replaced. Use the new one to rotate again.")


def _retire_now(tx: KeyTransaction, key: ApiKey, secret: KeySecret) -> None:
    now_ms = tx.now_ms
    tx.key_secrets.save_secret(key.id, replace(secret, retires_at_ms=now_ms, retired_seen_at_ms=now_ms))
    record_key(tx, "key_secret_retired", key, {"number": secret.number, "old_hint": secret.hint})

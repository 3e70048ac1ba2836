"""Secrets kept sealed: AES-256-GCM under a key derived from the master key, bound to what they belong to.

An envelope is version (1 byte), id of the master key (8), nonce (12, random), ciphertext and tag. Its context is
authenticated but not in it: whoever moves a row to another account, provider or address gets nothing opened.
``cryptography`` is loaded at the first use, so that it costs no start.
"""

import json
import os
from dataclasses import dataclass, field
from typing import Protocol

from ari.base.errors import ConfigurationError, Conflict, Unavailable
from ari.base.master_key import MasterKey, MasterKeys

_VERSION = b"\x01"
_ID_END, _NONCE_END = 9, 21
_LABEL = "ari seal 1"


@dataclass(frozen=True, slots=True)
class Context:
    """What a secret belongs to: its kind (``totp``), the id of its owner, and what else must not be exchanged."""

    kind: str
    subject: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed secret with its context."""

    context: Context
    envelope: bytes = field(repr=False)

    @property
    def key_id(self) -> bytes:
        """Which master key opens it."""
        return self.envelope[1:_ID_END]


class SealedStore(Protocol):
    """Sealed secrets inside one transaction, at most one for each kind and subject."""

    def lock(self) -> None:
        """Until the transaction ends nobody else seals: a new master key reaches all that is sealed."""

    def get(self, kind: str, subject: str) -> Sealed | None: ...

    def put(self, sealed: Sealed) -> None:
        """Store it, in place of the one before."""

    def drop(self, kind: str, subject: str) -> None: ...

    def all(self) -> list[Sealed]:
        """Every sealed secret, of whatever kind."""


class CannotOpen(Unavailable):
    """A sealed secret does not open: its master key is not here, or it or its context was changed."""


def keep(store: SealedStore, keys: MasterKeys, context: Context, secret: bytes) -> None:
    """Seal a secret and store it. The first one of an instance makes the master key.

    Raises ``CannotOpen`` where secrets are sealed but their master key is gone: a new one would hide that for good.
    """
    store.lock()
    present = _present(keys)
    orphans = [] if present else store.all()
    if orphans:
        raise _key_is_gone(keys, orphans[0].context)
    key = present[0] if present else keys.make()
    store.put(Sealed(context, seal(key, context, secret)))


def opened(store: SealedStore, keys: MasterKeys, context: Context) -> bytes | None:
    """The secret of this very context, ``None`` if none is kept. Raises ``CannotOpen``."""
    found = store.get(context.kind, context.subject)
    return None if found is None else open_one(keys, Sealed(context, found.envelope))


def open_one(keys: MasterKeys, sealed: Sealed) -> bytes:
    """The secret. Raises ``CannotOpen``."""
    key = next((one for one in _present(keys) if one.id == sealed.key_id), None)
    if key is None:
        raise _key_is_gone(keys, sealed.context)
    return unseal(key, sealed)


def seal(key: MasterKey, context: Context, secret: bytes) -> bytes:
    """The envelope of a secret."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

    head, nonce = _VERSION + key.id, os.urandom(_NONCE_END - _ID_END)
    return head + nonce + AESGCM(key.derived(_LABEL)).encrypt(nonce, secret, _bound(head, context))


def unseal(key: MasterKey, sealed: Sealed) -> bytes:
    """What is in the envelope. Raises ``CannotOpen``."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

    envelope, context = sealed.envelope, sealed.context
    head, nonce = envelope[:_ID_END], envelope[_ID_END:_NONCE_END]
    try:
        if head != _VERSION + key.id:
            raise InvalidTag
        return AESGCM(key.derived(_LABEL)).decrypt(nonce, envelope[_NONCE_END:], _bound(head, context))
    except (InvalidTag, ValueError):
        raise CannotOpen(f"The {words_for(context)} does not open: it was changed or moved.") from None


def reseal_all(store: SealedStore, keys: MasterKeys) -> tuple[MasterKey, int]:
    """Seal everything with a new master key, or with the first of those given; that key, and how many were sealed.

    Until the transaction has committed and ``forget_unused`` ran, the older keys stay beside it: whatever dies
    meanwhile, everything opens. Raises ``Conflict`` where there is no master key yet, ``CannotOpen``.
    """
    store.lock()
    if not keys.all():
        raise Conflict("no_master_key", "Nothing was sealed yet, so there is no master key to replace.")
    sealed = [(one.context, open_one(keys, one)) for one in store.all()]
    key = keys.put_new_in_front() if keys.is_own else keys.all()[0]
    for context, secret in sealed:
        store.put(Sealed(context, seal(key, context, secret)))
    return key, len(sealed)


def forget_unused(store: SealedStore, keys: MasterKeys) -> None:
    """Remove the older master keys from the data directory that seal nothing any more."""
    store.lock()
    if keys.is_own:
        keys.forget_all_but({one.key_id for one in store.all()})


def missing_keys(sealed: list[Sealed], keys: MasterKeys) -> list[Sealed]:
    """Those whose master key is not here. Raises ``ConfigurationError`` if the keys cannot be read."""
    present = {key.id for key in keys.all()} if sealed else set()
    return [one for one in sealed if one.key_id not in present]


def words_for(context: Context) -> str:
    """What is sealed, for people."""
    kind = {"totp": "two-factor secret"}.get(context.kind, context.kind)
    return f"{kind} of {context.subject}"


def _present(keys: MasterKeys) -> list[MasterKey]:
    """The keys while ARI serves, when a file that cannot be read is a fault and no reason not to start."""
    try:
        return keys.all()
    except ConfigurationError as error:
        raise CannotOpen(str(error)) from None


def _key_is_gone(keys: MasterKeys, context: Context) -> CannotOpen:
    return CannotOpen(f"The {words_for(context)} is sealed with a master key that is not in {keys.place}.")


def _bound(head: bytes, context: Context) -> bytes:
    """The context without ambiguity: no two contexts write the same bytes."""
    return head + json.dumps([context.kind, context.subject, *context.parts]).encode()

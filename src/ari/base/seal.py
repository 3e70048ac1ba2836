"""Encrypt stored secrets with AES-256-GCM: each has its own data key, wrapped by the master key, bound to its owner.

An envelope of version 2 is::

    version (1 byte) · id of the master key (8) · nonce (12) · data key, wrapped (32 + 16) · nonce (12) · secret and tag

A new master key rewraps the data keys and leaves the rest untouched. The context, which names the secret's owner, is
authenticated with both parts but isn't stored in them: a row moved to another account, provider or address can't be
decrypted. Version 1, from older instances, has no data key; it can be decrypted, and a rotation converts it to
version 2. ``cryptography`` is imported at the first use, which keeps startup fast.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from ari.base.errors import ConfigurationError, Conflict, Unavailable
from ari.base.master_key import KEY_BYTES, MasterKey, MasterKeys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FIRST, _SECOND = b"\x01", b"\x02"
_NONCE_BYTES = 12
_ID_END = 9
_WRAPPED_END = _ID_END + _NONCE_BYTES + KEY_BYTES + 16
_LABELS = {_FIRST: "ari seal 1", _SECOND: "ari wrap 2"}
_WORDS = {
    "totp": "two-factor secret",
    "provider_key": "provider key",
    "idempotency": "key for stored responses",
    "webhook_url": "URL",
    "webhook_secret": "signing secret",
    "webhook_old_secret": "old signing secret",
}


@dataclass(frozen=True, slots=True)
class Context:
    """The owner of a secret: its kind (``totp``), the id of its subject, and other values it is bound to."""

    kind: str
    subject: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted secret with its context."""

    context: Context
    envelope: bytes = field(repr=False)

    @property
    def key_id(self) -> bytes:
        """The id of the master key that decrypts it."""
        return self.envelope[1:_ID_END]

    @property
    def is_latest(self) -> bool:
        """Whether it has a data key of its own."""
        return self.envelope[:1] == _SECOND


class SealedStore(Protocol):
    """The encrypted secrets inside one transaction, at most one for each kind and subject."""

    def lock(self) -> None:
        """Lock out other writers until the transaction ends, so that a new master key reaches every secret."""

    def get(self, kind: str, subject: str) -> Sealed | None: ...

    def put(self, sealed: Sealed) -> None:
        """Store it, in place of the one before."""

    def drop(self, kind: str, subject: str) -> None: ...

    def has_signed_log(self) -> bool:
        """Whether a master key signed the audit log, so that it isn't the first secret of an instance."""

    def all(self) -> list[Sealed]:
        """Every encrypted secret, of any kind."""


class SealedTransaction(Protocol):
    """One transaction over encrypted secrets."""

    @property
    def sealed(self) -> SealedStore: ...


def get_sealed(tx: SealedTransaction) -> list[Sealed]:
    """Every encrypted secret, of any kind."""
    return tx.sealed.all()


class CannotOpen(Unavailable):
    """A secret can't be decrypted: its master key is missing, or the row or its context was changed."""


def keep(store: SealedStore, keys: MasterKeys, context: Context, secret: bytes) -> None:
    """Encrypt a secret and store it. The first one of an instance makes the master key.

    Raises ``CannotOpen`` if any secret is encrypted with a missing master key: the present one may be the wrong one,
    and a new one would hide that permanently. So it does if none is present but one signed the audit log.
    """
    store.lock()
    present = _present(keys)
    _require_all(keys, store.all(), present)
    if not present and store.has_signed_log():
        raise CannotOpen(keys.describe_missing())
    key = present[0] if present else keys.make()
    store.put(Sealed(context, seal(key, context, secret)))


def open_secret(store: SealedStore, keys: MasterKeys, context: Context) -> bytes | None:
    """The secret of exactly this context, ``None`` if none is stored. Raises ``CannotOpen``."""
    _present(keys)  # before the row: then a key is known that a rotation replaces and forgets between the two
    found = store.get(context.kind, context.subject)
    return None if found is None else open_one(keys, Sealed(context, found.envelope))


def open_one(keys: MasterKeys, sealed: Sealed) -> bytes:
    """The secret. Raises ``CannotOpen``."""
    return unseal(_key_of(keys, sealed), sealed)


def seal(key: MasterKey, context: Context, secret: bytes) -> bytes:
    """The envelope of a secret."""
    data_key, body = _body(context, secret)
    return _wrap(key, context, data_key) + body


def unseal(key: MasterKey, sealed: Sealed) -> bytes:
    """The decrypted secret. Raises ``CannotOpen``."""
    if not sealed.is_latest:
        return _open_box(_cipher(key, _FIRST), sealed, _FIRST + key.id, sealed.envelope[_ID_END:])
    return _open_box(_aes(_data_key(key, sealed)), sealed, _SECOND, sealed.envelope[_WRAPPED_END:])


def reseal_all(store: SealedStore, keys: MasterKeys) -> tuple[MasterKey, int]:
    """Wrap every data key with a new master key, or with the first configured one; return it and the number wrapped.

    The older keys stay until the transaction has committed and ``forget_unused`` ran: after a crash at any point,
    everything can be decrypted. Raises ``Conflict`` if there is no master key yet, and ``CannotOpen``; then nothing
    is changed.
    """
    store.lock()
    present, sealed = _present(keys), store.all()
    _require_all(keys, sealed, present)
    if not present:
        raise Conflict("no_master_key", "There are no encrypted secrets yet, so there's no master key to rotate.")
    if not keys.is_own:
        sealed = [one for one in sealed if one.key_id != present[0].id or not one.is_latest]
    parts = [(one.context, *_apart(_key_of(keys, one), one)) for one in sealed]
    key = keys.put_new_in_front() if keys.is_own else present[0]
    for context, data_key, body in parts:
        store.put(Sealed(context, _wrap(key, context, data_key) + body))
    return key, len(parts)


def forget_unused(store: SealedStore, keys: MasterKeys, *, keep_files: bool = True) -> None:
    """Remove older master keys that no secret needs any more from ``master.key``, each to a file of its own."""
    store.lock()
    if keys.is_own:
        keys.forget_all_but({one.key_id for one in store.all()}, keep_files=keep_files)


def find_missing_keys(sealed: list[Sealed], keys: MasterKeys) -> list[Sealed]:
    """Those whose master key is not here. Raises ``ConfigurationError`` if the keys cannot be read."""
    present = {key.id for key in keys.all()} if sealed else set()
    return [one for one in sealed if one.key_id not in present]


def words_for(context: Context) -> str:
    """Describe the encrypted secret, for people."""
    # A provider key that is one of several is bound to its provider, and its subject is its own id.
    owner = context.parts[0] if context.subject.startswith("pky_") else context.subject
    return f"{_WORDS.get(context.kind, context.kind)} of {owner}"


def _present(keys: MasterKeys) -> list[MasterKey]:
    """The keys while ARI serves, when an unreadable file is a temporary fault, not a configuration error."""
    try:
        return keys.all()
    except ConfigurationError as error:
        raise CannotOpen(str(error)) from None


def _require_all(keys: MasterKeys, sealed: list[Sealed], present: Sequence[MasterKey]) -> None:
    ids = {key.id for key in present}
    orphan = next((one for one in sealed if one.key_id not in ids), None)
    if orphan is not None:
        raise _make_missing_key_error(keys, orphan.context)


def _key_of(keys: MasterKeys, sealed: Sealed) -> MasterKey:
    try:
        key = keys.find(sealed.key_id)
    except ConfigurationError as error:
        raise CannotOpen(str(error)) from None
    if key is None:
        raise _make_missing_key_error(keys, sealed.context)
    return key


def _make_missing_key_error(keys: MasterKeys, context: Context) -> CannotOpen:
    return CannotOpen(f"The {words_for(context)} is encrypted with a master key that isn't in {keys.place}.")


def _apart(key: MasterKey, sealed: Sealed) -> tuple[bytes, bytes]:
    """Split an envelope into data key and body; version 1 gets a data key now. Raises ``CannotOpen``."""
    if not sealed.is_latest:
        return _body(sealed.context, unseal(key, sealed))
    return _data_key(key, sealed), sealed.envelope[_WRAPPED_END:]


def _body(context: Context, secret: bytes) -> tuple[bytes, bytes]:
    """A new data key, and the secret under it."""
    data_key, nonce = os.urandom(KEY_BYTES), os.urandom(_NONCE_BYTES)
    return data_key, nonce + _aes(data_key).encrypt(nonce, secret, _encode_context(_SECOND, context))


def _wrap(key: MasterKey, context: Context, data_key: bytes) -> bytes:
    head, nonce = _SECOND + key.id, os.urandom(_NONCE_BYTES)
    return head + nonce + _cipher(key, _SECOND).encrypt(nonce, data_key, _encode_context(head, context))


def _data_key(key: MasterKey, sealed: Sealed) -> bytes:
    return _open_box(_cipher(key, _SECOND), sealed, _SECOND + key.id, sealed.envelope[_ID_END:_WRAPPED_END])


def _open_box(cipher: "AESGCM", sealed: Sealed, head: bytes, box: bytes) -> bytes:
    """Decrypt a box (nonce and ciphertext) that is bound to a head and the context. Raises ``CannotOpen``."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see above

    try:
        if not sealed.envelope.startswith(head):
            raise InvalidTag
        return cipher.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], _encode_context(head, sealed.context))
    except (InvalidTag, ValueError):
        raise CannotOpen(f"Can't decrypt the {words_for(sealed.context)}: it was changed or moved.") from None


@lru_cache(maxsize=8)
def _cipher(key: MasterKey, version: bytes) -> "AESGCM":
    return _aes(key.derive_key(_LABELS[version]))


def _aes(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

    return AESGCM(key)


def _encode_context(head: bytes, context: Context) -> bytes:
    """Encode the context unambiguously: different contexts give different bytes."""
    return head + json.dumps([context.kind, context.subject, *context.parts]).encode()

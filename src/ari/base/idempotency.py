"""Repeated requests get the first response (draft-ietf-httpapi-idempotency-key-header).

A stored response can contain a secret that is shown only once. It is encrypted twice: with a key derived from the
caller's Idempotency-Key, and then with the master key. The Idempotency-Key and the request body are stored only as
keyed digests, so the database reveals no secret, even together with the master key.
"""

import hmac
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ari.base.clock import DAY_MS
from ari.base.errors import Conflict, Invalid, Problem
from ari.base.master_key import KEY_BYTES, MasterKeys, hkdf
from ari.base.seal import Context, Sealed, SealedStore, find_missing_keys, keep, open_secret, seal
from ari.base.transaction import CommandTransaction

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEADER = "idempotency-key"
KEPT_MS = DAY_MS
MAX_LENGTH = 255
RESPONSE_KIND = "response"
"""The kind of encrypted responses."""
_DIGEST_KEY = Context("idempotency", "instance")
PASSING_KINDS = (RESPONSE_KIND, _DIGEST_KEY.kind)
"""The kinds of encrypted secrets that only this cache of a day needs."""
_LABEL = b"ari idempotent response 1"
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request that can be repeated; ``caller`` is the actor, ``key`` the value of the header.

    ``body`` is the canonical content, so that identical requests have identical bodies.
    """

    caller: str
    operation: str
    key: str = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A stored response: keyed digests (HMAC-SHA256) of caller, operation and key, and of the request body."""

    digest: bytes
    body_digest: bytes
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The body of the response; ``is_replay``: from an earlier request."""

    body: bytes = field(repr=False)
    is_replay: bool


class ResponseStore(Protocol):
    """Stored responses, in one transaction."""

    def get(self, digest: bytes) -> StoredResponse | None: ...

    def put(self, response: StoredResponse) -> None:
        """Store a response; it replaces an expired one."""

    def forget_expired(self, now_ms: int) -> int:
        """Delete expired responses; how many."""

    def forget_all(self) -> None:
        """Delete all responses, also from the encrypted secrets."""


class IdempotencyTransaction(CommandTransaction, Protocol):
    """One transaction over stored responses and encrypted secrets."""

    @property
    def sealed(self) -> SealedStore: ...

    @property
    def master_keys(self) -> MasterKeys: ...

    @property
    def responses(self) -> ResponseStore: ...


class FirstResponse(Protocol):
    """Runs the request and returns the body of its response."""

    def __call__(self) -> bytes: ...


def key_of(header: str | None) -> str | None:
    """The key in a header, which may be a quoted string (RFC 9651 §3.3.3); ``None`` without a header.

    Raises ``Invalid`` for anything but 1 to 255 printable ASCII characters.
    """
    if header is None:
        return None
    text = header.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not 1 <= len(text) <= MAX_LENGTH or not (text.isascii() and text.isprintable()):
        raise Invalid(Problem(HEADER, f"Use 1 to {MAX_LENGTH} printable ASCII characters, such as a UUID."))
    return text


def once(tx: IdempotencyTransaction, request: IdempotentRequest, respond: FirstResponse) -> Outcome:
    """Return the response to the first of identical requests within 24 hours, and store it in this transaction.

    Raises ``Conflict("idempotency_key_reused")`` if the key came with another body, ``CannotOpen``, and what
    ``respond`` raises; then nothing is stored and the request can be repeated.
    """
    secret = _digest_key(tx.sealed, tx.master_keys)
    digest = _digest(secret, request.caller, request.operation, request.key)
    body_digest = hmac.digest(secret, request.body, "sha256")
    known = tx.responses.get(digest)
    context = context_of(digest)
    if known is not None and known.expires_at_ms > tx.now_ms:
        if not hmac.compare_digest(known.body_digest, body_digest):
            raise Conflict(
                "idempotency_key_reused",
                "This Idempotency-Key was used with a different request. Use a new one.",
            )
        box = open_secret(tx.sealed, tx.master_keys, context)
        if box is not None:
            return Outcome(_inner(request.key).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], digest), is_replay=True)
    body = respond()
    nonce = os.urandom(_NONCE_BYTES)
    box = nonce + _inner(request.key).encrypt(nonce, body, digest)
    # Not ``keep``, which checks all encrypted secrets: a master key that decrypts the digest key is here.
    tx.sealed.put(Sealed(context, seal(tx.master_keys.all()[0], context, box)))
    tx.responses.put(StoredResponse(digest, body_digest, tx.now_ms + KEPT_MS))
    return Outcome(body, is_replay=False)


def forget_undecryptable(tx: IdempotencyTransaction) -> int:
    """Delete all stored responses if any needs a missing master key; returns how many encrypted secrets need one.

    Repeats of the requests since then are new requests. Raises ``ConfigurationError`` if the keys can't be read.
    """
    tx.sealed.lock()
    passing = [one for one in tx.sealed.all() if one.context.kind in PASSING_KINDS]
    missing = find_missing_keys(passing, tx.master_keys)
    if missing:
        tx.responses.forget_all()
        tx.sealed.drop(_DIGEST_KEY.kind, _DIGEST_KEY.subject)
    return len(missing)


def context_of(digest: bytes) -> Context:
    """The context of the encrypted response with this digest; 160 bits identify it."""
    return Context(RESPONSE_KIND, digest[:20].hex())


def _digest_key(store: SealedStore, keys: MasterKeys) -> bytes:
    """The key of the digests: 32 random bytes, encrypted like any secret, so it survives a master key rotation."""
    store.lock()  # before the look: two requests at once must make one key, and one response
    found = open_secret(store, keys, _DIGEST_KEY)
    if found is None:
        found = os.urandom(KEY_BYTES)
        keep(store, keys, _DIGEST_KEY, found)
    return found


def _digest(secret: bytes, *parts: str) -> bytes:
    """The digest of the parts, each prefixed with its length so that they are unambiguous."""
    encoded = [part.encode() for part in parts]
    return hmac.digest(secret, b"".join(b"%d:%s" % (len(part), part) for part in encoded), "sha256")


def _inner(key: str) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - loaded at the first use

    return AESGCM(hkdf(key.encode(), _LABEL))

"""Repeats of one request get the first response (draft-ietf-httpapi-idempotency-key-header).

What is stored can hold a secret that was shown once, so it is sealed twice: under a key derived from the caller's
Idempotency-Key, and that under the master key. The Idempotency-Key and the request body are stored as keyed digests
only. Who steals the database, even with the master key, has no secret.
"""

import hmac
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ari.base.clock import DAY_MS
from ari.base.errors import Conflict, Invalid, Problem
from ari.base.master_key import KEY_BYTES, MasterKeys, hkdf
from ari.base.seal import Context, Sealed, SealedStore, keep, opened, seal
from ari.base.transaction import CommandTransaction

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEADER = "idempotency-key"
KEPT_MS = DAY_MS
MAX_LENGTH = 255
RESPONSE_KIND = "response"
"""The kind of the sealed responses."""
_DIGEST_KEY = Context("idempotency", "instance")
_LABEL = b"ari idempotent response 1"
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request that may be repeated: ``caller`` is the actor, ``key`` the text of the header.

    ``body`` is the content in one spelling, so that equal requests have equal bodies.
    """

    caller: str
    operation: str
    key: str = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """That a request was answered: keyed digests (HMAC-SHA256) of who, what and key, and of the body."""

    digest: bytes
    body_digest: bytes
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The response's body; ``is_replay``: of an earlier request."""

    body: bytes = field(repr=False)
    is_replay: bool


class ResponseStore(Protocol):
    """Which requests were answered, inside one transaction."""

    def get(self, digest: bytes) -> StoredResponse | None: ...

    def put(self, response: StoredResponse) -> None:
        """Store it, in place of an expired one."""

    def forget_expired(self, now_ms: int) -> int:
        """Delete expired responses; how many."""


class IdempotencyTransaction(CommandTransaction, Protocol):
    """One transaction over answered requests and what is sealed."""

    @property
    def sealed(self) -> SealedStore: ...

    @property
    def master_keys(self) -> MasterKeys: ...

    @property
    def responses(self) -> ResponseStore: ...


class FirstResponse(Protocol):
    """Does what the request asks for, and gives the body of its response."""

    def __call__(self) -> bytes: ...


def key_of(header: str | None) -> str | None:
    """The key in a header, which may be a quoted string (RFC 9651 §3.3.3); ``None`` without one.

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
    """The response to the first of equal requests within 24 hours, in the transaction that makes it.

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
        box = opened(tx.sealed, tx.master_keys, context)
        if box is not None:
            return Outcome(_inner(request.key).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], digest), is_replay=True)
    body = respond()
    nonce = os.urandom(_NONCE_BYTES)
    box = nonce + _inner(request.key).encrypt(nonce, body, digest)
    # Not ``keep``, which looks at all that is sealed: a key that opens the digest key is here.
    tx.sealed.put(Sealed(context, seal(tx.master_keys.all()[0], context, box)))
    tx.responses.put(StoredResponse(digest, body_digest, tx.now_ms + KEPT_MS))
    return Outcome(body, is_replay=False)


def context_of(digest: bytes) -> Context:
    """Under which the response to the request of this digest is sealed; 160 bits name it."""
    return Context(RESPONSE_KIND, digest[:20].hex())


def _digest_key(store: SealedStore, keys: MasterKeys) -> bytes:
    """A key for digests that outlives a rotation of the master key: 32 random bytes, sealed like any secret."""
    store.lock()  # before the look: two requests at once must make one key, and one response
    found = opened(store, keys, _DIGEST_KEY)
    if found is None:
        found = os.urandom(KEY_BYTES)
        keep(store, keys, _DIGEST_KEY, found)
    return found


def _digest(secret: bytes, *parts: str) -> bytes:
    """Unambiguous: lengths come before the parts."""
    encoded = [part.encode() for part in parts]
    return hmac.digest(secret, b"".join(b"%d:%s" % (len(part), part) for part in encoded), "sha256")


def _inner(key: str) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - loaded at the first use

    return AESGCM(hkdf(key.encode(), _LABEL))

"""Sign statements with a key that the master key gives, so that a database or a file cannot vouch for itself.

Ed25519 (RFC 8032), with a seed by HKDF from the master key. The public key travels with each signature: a reader that
has another master key, or none, still knows whether the text is whole and who signed it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from ari.base.errors import ConfigurationError
from ari.base.master_key import MasterKey, MasterKeys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
_LABEL = "ari sign 1"
_FINGERPRINT_BYTES = 8

Trust = Literal["ours", "foreign", "wrong"]
"""``ours``: signed with a master key that is here. ``foreign``: with another one. ``wrong``: not by whom it names."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the public key that checks it."""

    public: bytes
    value: bytes

    @property
    def fingerprint(self) -> str:
        """Names the signing key: 16 hexadecimal digits."""
        return hashlib.sha256(self.public).hexdigest()[: 2 * _FINGERPRINT_BYTES]

    def fits(self, message: bytes) -> bool:
        """Whether the holder of the key signed exactly this message."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - loaded at the first use, no start pays
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as above

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(self.value, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def trust(self, message: bytes, keys: Sequence[MasterKey]) -> Trust:
        """Whether one of these master keys signed this message."""
        if not self.fits(message):
            return "wrong"
        return "ours" if any(public_of(key) == self.public for key in keys) else "foreign"


def sign(key: MasterKey, message: bytes) -> Signature:
    """Sign a message. Its first words must say what it is, so that no other statement can pass for it."""
    return Signature(public_of(key), _private(key).sign(message))


@lru_cache(maxsize=8)
def public_of(key: MasterKey) -> bytes:
    """The public part of the signing key."""
    return _private(key).public_key().public_bytes_raw()


def fingerprint_of(key: MasterKey) -> str:
    """Names the signing key of this master key."""
    return Signature(public_of(key), b"").fingerprint


def present_keys(keys: MasterKeys) -> list[MasterKey]:
    """The master keys that are here; none where they cannot be read, since a change must not fail for that."""
    try:
        return keys.all()
    except ConfigurationError:
        return []


@lru_cache(maxsize=8)
def _private(key: MasterKey) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as above

    return Ed25519PrivateKey.from_private_bytes(key.derive_key(_LABEL))

"""Alerts of GitHub's secret scanning partner program: JSON lists of tokens, signed with ECDSA P-256 and SHA-256.

https://docs.github.com/code-security/secret-scanning/secret-scanning-partner-program
"""

import binascii
from base64 import b64decode


def is_signed(body: bytes, signature: str, public_key: str) -> bool:
    """Whether the holder of this key (PEM) signed exactly these bytes; the signature is base64 of DER."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415 - used by few instances
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - as above

    try:
        key = load_pem_public_key(public_key.encode())
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            return False
        key.verify(b64decode(signature, validate=True), body, ec.ECDSA(SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, binascii.Error):
        return False
    return True

"""Only bytes that GitHub signed are its alert; the vector is that of GitHub's documentation."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ari.keys.github_alerts import is_signed

BODY = b'[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]'
SIGNATURE = "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY="
PUBLIC_KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP
HzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==
-----END PUBLIC KEY-----
"""


def test_the_documented_example_is_signed() -> None:
    """https://docs.github.com/code-security/secret-scanning/secret-scanning-partner-program"""
    assert is_signed(BODY, SIGNATURE, PUBLIC_KEY)


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (BODY + b"\n", SIGNATURE),
        (BODY.replace(b"some_url", b"sOme_url"), SIGNATURE),
        (b"", SIGNATURE),
        (BODY, ""),
        (BODY, SIGNATURE[:-4]),
        (BODY, SIGNATURE + "\n"),
        (BODY, "é" * 96),
        (BODY, base64.b64encode(bytes(72)).decode()),
        (BODY, base64.b64encode(bytes.fromhex("3006020100020100")).decode()),
    ],
)
def test_nothing_else_is(body: bytes, signature: str) -> None:
    """Another byte, a damaged signature, and r = s = 0, which a careless check accepts."""
    assert not is_signed(body, signature, PUBLIC_KEY)


def _as_pem(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_only_keys_of_the_documented_kind_count() -> None:
    """Another curve, another algorithm, no key at all: refused, never an error."""
    other = ec.generate_private_key(ec.SECP384R1())
    signature = base64.b64encode(other.sign(BODY, ec.ECDSA(SHA256()))).decode()
    assert not is_signed(BODY, signature, _as_pem(other.public_key()))
    assert not is_signed(BODY, SIGNATURE, _as_pem(rsa.generate_private_key(65537, 2048).public_key()))
    for text in ("", "nonsense", PUBLIC_KEY[:80], "-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----"):
        assert not is_signed(BODY, SIGNATURE, text)

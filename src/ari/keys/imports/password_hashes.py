"""Salted hashes: those of djangorestframework-api-key, as Django stores them (``ALGORITHM$…``), and plain bcrypt.

Version 3 uses ``sha512$$HEX`` without a salt; earlier ones use Django's password hashers. A hash says how much work its
check takes, and its importer chose that, so the work is bounded.
"""

import binascii
import hmac
import re
from base64 import b64decode
from collections.abc import Callable
from hashlib import pbkdf2_hmac, scrypt, sha256, sha512

MAX_ITERATIONS = 5_000_000
"""Of PBKDF2, about 2 s. Django 5.2 makes 1,000,000."""
MAX_MEMORY_KIB = 256 * 1024
"""Of Argon2 and scrypt. Django's defaults take 100 MiB and 16 MiB."""
MAX_PASSES = 16
MAX_COST = 14
"""Of bcrypt, about 1 s. 10 and 12 are usual."""
BCRYPT_BYTES = 72
"""bcrypt ignores what follows; some libraries refuse it."""
_SALT = r"[!-#%-~]{1,128}"
_BASE64 = r"[0-9A-Za-z+/]{20,128}={0,2}"

_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./0-9A-Za-z]{53}")
_SHA512 = re.compile(r"sha512\$\$([0-9a-f]{128})")
_PBKDF2 = re.compile(rf"pbkdf2_(sha256|sha1)\$([0-9]{{1,7}})\$({_SALT})\$({_BASE64})")
_SCRYPT = re.compile(rf"scrypt\$([0-9]{{1,8}})\$({_SALT})\$([0-9]{{1,3}})\$([0-9]{{1,2}})\$({_BASE64})")
_ARGON2 = re.compile(
    r"argon2(\$argon2id?\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,3}),p=([0-9]{1,2})"
    r"\$[0-9A-Za-z+/]{8,128}\$[0-9A-Za-z+/]{8,128})"
)


def is_supported(encoded: str) -> bool:
    """Whether ``check`` can read this hash, within bounded work."""
    algorithm = ALGORITHMS.get(encoded.partition("$")[0])
    return algorithm is not None and algorithm(encoded, None)


def check(text: bytes, encoded: str) -> bool:
    """Whether ``text`` has this hash. Takes up to 2 s, and releases Python's lock for most of it."""
    algorithm = ALGORITHMS.get(encoded.partition("$")[0])
    return algorithm is not None and algorithm(encoded, text)


def _check_sha512(encoded: str, text: bytes | None) -> bool:
    found = _SHA512.fullmatch(encoded)
    if found is None or text is None:
        return found is not None
    return hmac.compare_digest(sha512(text).hexdigest(), found[1])


def _check_pbkdf2(encoded: str, text: bytes | None) -> bool:
    found = _PBKDF2.fullmatch(encoded)
    if found is None or not 1 <= int(found[2]) <= MAX_ITERATIONS:
        return False
    digest = _decode(found[4])
    if digest is None or text is None:
        return digest is not None
    return hmac.compare_digest(pbkdf2_hmac(found[1], text, found[3].encode(), int(found[2])), digest)


def _check_scrypt(encoded: str, text: bytes | None) -> bool:
    found = _SCRYPT.fullmatch(encoded)
    if found is None:
        return False
    cost, size, lanes = int(found[1]), int(found[3]), int(found[4])
    memory = 128 * cost * size
    is_power = cost > 1 and cost & (cost - 1) == 0
    if not is_power or size < 1 or not 1 <= lanes <= MAX_PASSES or memory > MAX_MEMORY_KIB * 1024:
        return False
    digest = _decode(found[5])
    if digest is None or text is None:
        return digest is not None
    most = 2 * memory + 1024 * 1024
    made = scrypt(text, salt=found[2].encode(), n=cost, r=size, p=lanes, maxmem=most, dklen=64)
    return hmac.compare_digest(made, digest)


def _check_argon2(encoded: str, text: bytes | None) -> bool:
    found = _ARGON2.fullmatch(encoded)
    if found is None or int(found[2]) > MAX_MEMORY_KIB or int(found[3]) > MAX_PASSES or int(found[4]) > MAX_PASSES:
        return False
    if text is None:
        return True
    from argon2 import PasswordHasher  # noqa: PLC0415 - the command line must start fast
    from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415 - as above

    try:
        return PasswordHasher().verify(found[1], text)
    except (Argon2Error, InvalidHashError):
        return False


def is_bcrypt(text: str) -> bool:
    """Whether this is a hash of bcrypt itself, whose check is bounded."""
    found = _BCRYPT.fullmatch(text)
    return found is not None and 4 <= int(found[1]) <= MAX_COST


def check_bcrypt(text: bytes, hashed: str) -> bool:
    """Whether ``text`` has this hash of bcrypt. Takes up to 1 s, and releases Python's lock."""
    from bcrypt import checkpw  # noqa: PLC0415 - the command line must start fast

    return is_bcrypt(hashed) and checkpw(text[:BCRYPT_BYTES], hashed.encode())


def _check_django_bcrypt(encoded: str, text: bytes | None) -> bool:
    hashed = encoded.partition("$")[2]
    return is_bcrypt(hashed) if text is None else check_bcrypt(text, hashed)


def _check_django_bcrypt_sha256(encoded: str, text: bytes | None) -> bool:
    digest = None if text is None else sha256(text).hexdigest().encode()
    return _check_django_bcrypt(encoded, digest)


def _decode(encoded: str) -> bytes | None:
    try:
        return b64decode(encoded, validate=True)
    except binascii.Error:
        return None


ALGORITHMS: dict[str, Callable[[str, bytes | None], bool]] = {
    "sha512": _check_sha512,
    "pbkdf2_sha256": _check_pbkdf2,
    "pbkdf2_sha1": _check_pbkdf2,
    "scrypt": _check_scrypt,
    "argon2": _check_argon2,
    "bcrypt_sha256": _check_django_bcrypt_sha256,
    "bcrypt": _check_django_bcrypt,
}
"""Each checks the text; without one, whether the hash is one that it can check."""

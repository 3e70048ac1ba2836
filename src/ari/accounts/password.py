"""Passwords: which are good enough, how they are hashed, and how many at once.

Parameters: Argon2id with 46 MiB, one pass, one lane, the first of the equal choices in OWASP's Password Storage Cheat
Sheet; about 50 ms here. RFC 9106's second choice (64 MiB, 3 passes, 4 lanes) took 116 ms on four threads, which is more
than a small server can spare while it verifies keys.
"""

import asyncio
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError

from ari.accounts.networks import AddressNetworks
from ari.accounts.work_queue import WorkQueue
from ari.base.errors import Invalid, Problem, Unavailable
from ari.base.threads import lower_priority

MIN_LENGTH = 12
MAX_BYTES = 1_024
HASHES_AT_ONCE = 2
QUEUE = 8
T = TypeVar("T")

HASHER = PasswordHasher(time_cost=1, memory_cost=46 * 1_024, parallelism=1, hash_len=32, salt_len=16)
_GUESSABLE = 10**8
"""Fewer guesses than this are refused (zxcvbn scores 0 to 2). At 50 ms a guess, 10^8 keep one core of a database thief
busy for two months; the limits at the door allow some 27,000 a day, so ten years."""
_GUESSED_CHARACTERS = 32
"""zxcvbn takes 2 s for 72 hostile characters, 0.1 s for 32; more characters only make a password better."""
_TOO_LONG = f"Passwords can be at most {MAX_BYTES:,} bytes long."
CROWDED = "Too many people are signing in at once. Try again in a moment."
_CANNOT_HASH = "Passwords can't be checked right now. Try again."


def _dummy_hash() -> str:
    salt, digest = (b64encode(bytes(size)).rstrip(b"=").decode() for size in (HASHER.salt_len, HASHER.hash_len))
    costs = f"m={HASHER.memory_cost},t={HASHER.time_cost},p={HASHER.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


_DUMMY_HASH = _dummy_hash()
"""No password leads to it; checking one against it takes as long as against a real hash."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password was right; ``new_hash`` replaces a hash that was made with older parameters."""

    right: bool
    new_hash: str | None = field(default=None, repr=False)


def hash_password(password: str) -> str:
    """Argon2id in PHC form; takes about 50 ms and 46 MiB.

    Raises ``Invalid`` for more than 1,024 bytes, unhashed; ``Unavailable`` if the machine cannot hash now.
    """
    secret = _bytes(password)
    if secret is None:
        raise Invalid(Problem("password", _TOO_LONG))
    try:
        return HASHER.hash(secret)
    except HashingError:
        raise Unavailable(_CANNOT_HASH) from None


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password belongs to the hash; ``None`` (no such account) takes the same time and is never right.

    More than 1,024 bytes are wrong, unhashed. Raises ``Unavailable`` if the machine cannot hash now.
    """
    secret = _bytes(password)
    if secret is None:
        return False
    try:
        HASHER.verify(password_hash or _DUMMY_HASH, secret)
    except (VerifyMismatchError, InvalidHashError):
        return False
    except VerificationError:
        raise Unavailable(_CANNOT_HASH) from None
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(password_hash)


def check_new_password(password: str, email: str) -> None:
    """Raise ``Invalid`` unless the password may protect this account.

    It has 12 characters or more, at most 1,024 bytes, no control characters (no form can type them again), and is
    neither common nor easily guessed from a dictionary, a keyboard, a date or the email address.
    """
    problem = _problem_of(password, email)
    if problem is not None:
        raise Invalid(Problem("password", problem))


def _problem_of(password: str, email: str) -> str | None:
    secret = _bytes(password)
    if secret is None:
        return _TOO_LONG
    text = unicodedata.normalize("NFC", password)
    if len(text) < MIN_LENGTH:
        return f"Use at least {MIN_LENGTH} characters."
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        return "Passwords can't contain line breaks, tabs or other control characters."
    if _guesses(text, email) < _GUESSABLE:
        return "This password is too easy to guess. Use a longer or less common one, such as four random words."
    return None


def _guesses(password: str, email: str) -> float:
    from zxcvbn import zxcvbn  # noqa: PLC0415 - 25 ms and 4 MB, needed once in years

    name, _, host = email.partition("@")
    known = [email, name, host, *host.split("."), "ari"]
    return float(zxcvbn(password[:_GUESSED_CHARACTERS], user_inputs=[word for word in known if word])["guesses"])


def _bytes(password: str) -> bytes | None:
    """The bytes to hash: NFC as UTF-8, the same from every keyboard (SP 800-63B-4); ``None``: too long."""
    if len(password) > MAX_BYTES:
        return None
    secret = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return secret if len(secret) <= MAX_BYTES else None


class PasswordHasherPool:
    """Hashes passwords in threads: at most two at once and eight waiting; beyond that, raises ``Unavailable``.

    One per process. Known visitors and strangers have separate queues (``turns``). The threads run at a lower priority
    than the rest of the process.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, "ari-password", initializer=lower_priority)
        self._turns = WorkQueue(HASHES_AT_ONCE, QUEUE, CROWDED)

    @property
    def under_way(self) -> int:
        """How many passwords are being hashed or wait for it."""
        return self._turns.under_way

    def has_room(self, stranger: AddressNetworks) -> bool:
        """Whether a stranger's password would be checked now; ask before anything is written for it."""
        return self._turns.has_room(stranger)

    async def verify(
        self, password_hash: str | None, password: str, stranger: AddressNetworks | None = None
    ) -> Verdict:
        """Check a password; no hash for an account that does not exist, no place for a visitor who is known."""
        return await self._run(lambda: _verdict(password_hash, password), stranger)

    async def hash_new(self, password: str, email: str) -> str:
        """Check a new password as ``check_new_password`` does and hash it, for a visitor who may set it."""
        return await self._run(lambda: _new_hash(password, email), None)

    def close(self) -> None:
        """Forget what waits; what is being hashed ends within 0.1 s."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T], stranger: AddressNetworks | None) -> T:
        await self._turns.take(stranger)
        try:
            future = self._threads.submit(work)
        except BaseException:
            self._turns.give_back()
            raise
        future.add_done_callback(lambda _: self._turns.give_back())
        return await asyncio.wrap_future(future)


def _verdict(password_hash: str | None, password: str) -> Verdict:
    if not verify_password(password_hash, password) or password_hash is None:
        return Verdict(False)
    return Verdict(True, hash_password(password) if needs_rehash(password_hash) else None)


def _new_hash(password: str, email: str) -> str:
    check_new_password(password, email)
    return hash_password(password)

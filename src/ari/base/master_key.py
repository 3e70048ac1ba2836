"""The master key that encrypts secrets: 32 random bytes, from the environment, a file or the data directory.

The text holds one or more keys, each as base64 or 64 hexadecimal digits, separated by spaces, commas or line breaks.
The first encrypts; the others only decrypt older secrets, so a key can be replaced (``ari master-key rotate``).
"""

import fcntl
import os
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ari.base.errors import ConfigurationError, Unavailable
from ari.base.file_identity import Identity, find_settled_identity, identity_of, open_regular

KEY_BYTES = 32
KEY_FILE = "master.key"
_ID_BYTES = 8
GRACE_SECONDS = 60.0
"""How long a process keeps a key that left the file: rows that it has read may be encrypted with that key."""
_BETWEEN = re.compile(r"[\s,]+")
_LEAST_DIFFERENT = 12
"""Of 32 random bytes fewer different ones are unheard of; typed, repeated or empty ones have them."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key; ``id`` identifies it in envelopes and reveals nothing about it."""

    secret: bytes = field(repr=False)
    id: bytes

    def derive_key(self, label: str) -> bytes:
        """A key of 32 bytes for one purpose (HKDF-SHA256); it reveals neither the master key nor other derived keys."""
        return hkdf(self.secret, label.encode())


def hkdf(secret: bytes, info: bytes, salt: bytes = b"") -> bytes:
    """32 bytes by HKDF with SHA-256 (RFC 5869)."""
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - 0.05 s that a start should not cost
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 - as above

    return HKDF(SHA256(), KEY_BYTES, salt or None, info).derive(secret)


@dataclass(frozen=True, slots=True)
class _Remembered:
    """The keys read from a file. Without ``identity``, read it again; ``before`` are keys that recently left it."""

    identity: Identity | None
    keys: tuple[MasterKey, ...]
    before: tuple[MasterKey, ...] = ()
    before_until: float = 0.0


class MasterKeys:
    """The keys of one instance as they are at each use: another process may have put a new one in front.

    A file is read again only when it is another, or was changed, which costs one look at its state (2 µs, not 20).
    """

    def __init__(self, data_dir: Path, given: str | None = None, named: Path | None = None) -> None:
        self._given = given
        self._named = named
        self.own_file = data_dir / KEY_FILE
        self._remembered: _Remembered | None = None

    @property
    def is_own(self) -> bool:
        """Whether ARI keeps the key itself, in the data directory."""
        return self._given is None and self._named is None

    @property
    def place(self) -> str:
        """The source of the keys, for messages."""
        if self._given is not None:
            return "ARI_MASTER_KEY"
        return str(self._named or self.own_file)

    def describe_missing(self) -> str:
        """Why no new key is made: another one signed the audit log."""
        return (
            f"The master key that signed the audit log is missing: ARI looks in {self.place}. Put it there, or set "
            "ARI_MASTER_KEY_FILE as for the service. If it is lost, put a new one there: openssl rand -base64 32."
        )

    def all(self) -> list[MasterKey]:
        """The keys, the encrypting one first; empty if none was made yet. Raises ``ConfigurationError``."""
        return list(self._now().keys)

    def find(self, key_id: bytes) -> MasterKey | None:
        """The key of this id, also if it left the file a moment ago. Raises ``ConfigurationError``."""
        now = self._now()
        found = next((key for key in now.keys if key.id == key_id), None)
        if found is None and now.keys and time.monotonic() < now.before_until:
            found = next((key for key in now.before if key.id == key_id), None)
        return found

    def _now(self) -> _Remembered:
        known = self._remembered
        if self._given is not None:
            now = known or _Remembered(None, tuple(keys_of(self._given, "ARI_MASTER_KEY")))
        else:
            path = self._named or self.own_file
            if known is not None and known.identity is not None and known.identity == identity_of(path):
                return known
            identity, keys = self._read(path)
            now = _after(known, identity, keys)
        self._remembered = now
        return now

    def _read(self, path: Path) -> tuple[Identity | None, tuple[MasterKey, ...]]:
        self._remembered = None  # a file that is gone or spoiled is not stood in for
        try:
            with open_regular(path) as file:
                status = os.fstat(file.fileno())
                text = file.read().decode("ascii")
        except FileNotFoundError:
            if self._named is None:
                return None, ()
            raise ConfigurationError(f"ARI_MASTER_KEY_FILE: no such file: {path}.") from None
        except OSError as error:
            raise ConfigurationError(f"Can't read the master key in {path}: {error.strerror}.") from None
        except ValueError:
            text = ""
        keys = keys_of(text, "ARI_MASTER_KEY_FILE" if self._named else str(path))
        return find_settled_identity(status), tuple(keys)

    def make(self) -> MasterKey:
        """Make the instance's key in the data directory, or return the one that another process has just made."""
        with _alone_in(self.own_file.parent):
            _write_new(self.own_file, f"{_text(secrets.token_bytes(KEY_BYTES))}\n")
        return self.all()[0]

    def put_new_in_front(self) -> MasterKey:
        """Make a new key that encrypts from now on; the older ones still decrypt."""
        kept = [key.secret for key in self.all()]
        self._replace([secrets.token_bytes(KEY_BYTES), *kept])
        return self.all()[0]

    def forget_all_but(self, used: set[bytes], *, keep_files: bool = True) -> None:
        """Remove the keys whose ids are not among these; the one in front stays.

        Each is kept in a file of its own, for backups that it signed, unless ``keep_files`` is false.
        """
        front, *rest = self.all()
        for key in rest if keep_files else ():
            if key.id not in used:
                _write_new(self.name_aside(key), f"{_text(key.secret)}\n")
        self._replace([front.secret, *(key.secret for key in rest if key.id in used)])

    def name_aside(self, key: MasterKey) -> Path:
        """The file in which a key is kept that was replaced."""
        return self.own_file.with_name(f"{self.own_file.name}.{key.id.hex()}")

    def list_earlier(self) -> list[tuple[Path, MasterKey]]:
        """Keys in files next to that of the present ones, such as ``master.key.ID``. They open and trust nothing."""
        beside, found = self._named or self.own_file, list[tuple[Path, MasterKey]]()
        for path in sorted(beside.parent.glob(f"{beside.name}.*")):
            with suppress(OSError, ValueError, ConfigurationError):
                found += [(path, key) for key in keys_of(path.read_text("ascii"), str(path))]
        return found

    def _replace(self, keys: list[bytes]) -> None:
        fresh = _write_temporary(self.own_file, "".join(f"{_text(key)}\n" for key in keys))
        fresh.replace(self.own_file)
        _sync(self.own_file.parent)


def _after(known: _Remembered | None, identity: Identity | None, keys: tuple[MasterKey, ...]) -> _Remembered:
    if known is None or not known.keys:
        return _Remembered(identity, keys)
    if known.keys == keys:
        return _Remembered(identity, keys, known.before, known.before_until)
    return _Remembered(identity, keys, known.keys, time.monotonic() + GRACE_SECONDS)


def keys_of(text: str, place: str) -> list[MasterKey]:
    """The keys of a text. Raises ``ConfigurationError`` that names the place and never shows the text."""
    parts = [part for part in _BETWEEN.split(text) if part]
    found = [_bytes(part) for part in parts]
    if not found or None in found:
        raise ConfigurationError(
            f"{place}: must be 32 random bytes as base64 or 64 hexadecimal digits, such as the output of "
            "openssl rand -base64 32. Passphrases aren't accepted."
        )
    return [MasterKey(key, hkdf(key, b"ari master key id 1")[:_ID_BYTES]) for key in found if key is not None]


def _bytes(text: str) -> bytes | None:
    try:
        if len(text) == 2 * KEY_BYTES:
            key = bytes.fromhex(text)
        else:
            plain = text.rstrip("=").replace("+", "-").replace("/", "_")
            key = urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
            if _text(key) != plain:
                return None
    except (Base64Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES and len(set(key)) >= _LEAST_DIFFERENT else None


def _text(key: bytes) -> str:
    return urlsafe_b64encode(key).rstrip(b"=").decode()


def _write_temporary(path: Path, text: str) -> Path:
    """The text in a file of its own. Callers hold a lock, so what lies there is left from a crash."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        for left in path.parent.glob(f".{path.name}.*"):
            left.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise Unavailable(f"Can't write the master key to {path}: {error.strerror}.") from None
    return fresh


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """One process at a time makes the key: the first event and the first encrypted secret may need it at once."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Unavailable(f"Can't write the master key to {folder}: {error.strerror}.") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_new(path: Path, text: str) -> None:
    """Whole or not at all, and never over another: a link fails where its name is taken."""
    fresh = _write_temporary(path, text)
    try:
        os.link(fresh, path)
        _sync(path.parent)
    except FileExistsError:
        pass
    except OSError as error:
        raise Unavailable(f"Can't write the master key to {path}: {error.strerror}.") from None
    finally:
        fresh.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The signature of a backup: an empty gzip member at the end of the file, over every byte before it.

gzip and tar read past it. Its extra field (RFC 1952, 2.3.1.1) holds the id of the instance, the public key and the
signature, so its length never changes::

    gzip head with FEXTRA (10 bytes) · length (2) · "AR" · length (2) · version (1) · instance (30) · public key (32) ·
    signature (64) · empty deflate block (2) · CRC-32 and length, both zero (8)
"""

import hashlib
import io
import re
import shlex
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ari.base.errors import Invalid, Problem
from ari.base.master_key import MasterKey, MasterKeys
from ari.base.signing import (
    PUBLIC_BYTES,
    SIGNATURE_BYTES,
    Signature,
    Trust,
    fingerprint_of,
    present_keys,
    public_of,
    sign,
)

_VERSION = 1
_INSTANCE_BYTES = 30
_FIELD = struct.Struct(f"<B{_INSTANCE_BYTES}s{PUBLIC_BYTES}s{SIGNATURE_BYTES}s")
_HEAD = bytes.fromhex("1f8b0804 00000000 00ff") + struct.pack("<H2sH", _FIELD.size + 4, b"AR", _FIELD.size)
_TAIL = bytes.fromhex("0300 00000000 00000000")
LENGTH = len(_HEAD) + _FIELD.size + len(_TAIL)
"""Bytes of every signature."""
_INSTANCE = re.compile(r"ins_[0-9A-Z]{26}")
_CHUNK = 1_000_000
UNKNOWN_INSTANCE = "ins_" + "0" * 26
"""Used if the audit log has lost its head: then nothing identifies the instance."""


@dataclass(frozen=True, slots=True)
class Signer:
    """The signer that a backup names."""

    instance: str
    signature: Signature


class SigningFile(io.RawIOBase):
    """Passes what is written on to ``file``, and signs it at the end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha512()
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        view = memoryview(data)
        self._digest.update(view)
        self._size += view.nbytes
        self._file.write(view)
        return view.nbytes

    def sign(self, key: MasterKey, instance: str) -> None:
        """Write the signature; nothing may follow it."""
        signature = sign(key, _message(instance, self._size, self._digest.digest()))
        field = _FIELD.pack(_VERSION, instance.encode(), signature.public, signature.value)
        self._file.write(_HEAD + field + _TAIL)


class SignedFile(io.RawIOBase):
    """Reads a backup up to its signature, and checks it over the very bytes that were read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END)
        self.signer = self._read_signer()
        if self.signer is not None:
            self._size -= LENGTH
        self._rewind()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Back to the beginning only."""
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("a signed file is read in order")
        self._rewind()
        return 0

    def tell(self) -> int:
        return self._read

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        data = self._file.read(min(view.nbytes, self._size - self._read))
        view[: len(data)] = data
        self._digest.update(data)
        self._read += len(data)
        return len(data)

    def is_signed_by(self, keys: Sequence[MasterKey]) -> Trust | None:
        """Read what is left and say whether one of these keys signed all of it; ``None`` if nobody signed."""
        while self.read(_CHUNK):
            pass
        if self.signer is None:
            return None
        message = _message(self.signer.instance, self._read, self._digest.digest())
        return self.signer.signature.trust(message, keys)

    def _rewind(self) -> None:
        self._file.seek(0)
        self._digest = hashlib.sha512()
        self._read = 0

    def _read_signer(self) -> Signer | None:
        if self._size < LENGTH:
            return None
        self._file.seek(self._size - LENGTH)
        end = self._file.read(LENGTH)
        if not (end.startswith(_HEAD) and end.endswith(_TAIL)):
            return None
        version, instance, public, value = _FIELD.unpack(end[len(_HEAD) : -len(_TAIL)])
        name = instance.decode("ascii", "replace")
        if version != _VERSION or not _INSTANCE.fullmatch(name):
            return None
        return Signer(name, Signature(public, value))


def require_ours(file: SignedFile, keys: MasterKeys) -> None:
    """Raise ``Invalid`` unless a master key that is here signed the whole file; the sentence says what is wrong."""
    present = present_keys(keys)
    trust, signer = file.is_signed_by(present), file.signer
    if trust == "ours":
        return
    if signer is None or trust is None:
        raise _make_untrusted_error("it has no signature, so anyone could have changed it")
    if trust == "wrong":
        raise _make_untrusted_error(f"it was changed, truncated or damaged after {signer.instance} signed it")
    earlier = _find_earlier(keys, signer.signature.public)
    if earlier is not None:
        raise _make_earlier_key_error(keys, earlier)
    here = f"the key here is {fingerprint_of(present[0])}" if present else f"there is no master key in {keys.place}"
    raise _make_untrusted_error(
        f"a different instance or master key signed it ({signer.instance} with key "
        f"{signer.signature.fingerprint}), and {here}. If that instance is yours, put its master key in {keys.place}"
    )


def _find_earlier(keys: MasterKeys, public: bytes) -> Path | None:
    """The file of the master key that signed, if it is kept next to the present one."""
    return next((path for path, key in keys.list_earlier() if public_of(key) == public), None)


def _make_earlier_key_error(keys: MasterKeys, path: Path) -> Invalid:
    from_file = keys.place != "ARI_MASTER_KEY"
    how = f"cat {shlex.quote(str(path))} >> {shlex.quote(keys.place)}"
    fix = (
        f"To use it, add that key: {how}" if from_file else "To use it, add that key to ARI_MASTER_KEY, after a comma."
    )
    why = f"This backup belongs to an earlier master key, which is kept in {path}. Nothing was changed."
    return Invalid(Problem("file", f"{why} {fix}"))


def _make_untrusted_error(why: str) -> Invalid:
    sentence = (
        f"This backup can't be trusted: {why}. Nothing was changed. "
        "Use --untrusted to restore it with all keys disabled."
    )
    return Invalid(Problem("file", sentence))


def _message(instance: str, size: int, digest: bytes) -> bytes:
    return b"ari backup 1\n" + f"{instance}\n{size}\n".encode() + digest

"""Identify a file in a place of backups by its first and last bytes. Nothing is verified."""

import io
import struct
from dataclasses import dataclass

from ari.backups.backup_name import BackupName
from ari.backups.ports import BackupTarget
from ari.base.clock import to_rfc3339
from ari.base.errors import Unavailable
from ari.storage.backup.signature import LENGTH, SignedFile

_GZIP = struct.Struct("<3sxIxx")
_MAGIC = b"\x1f\x8b\x08"


@dataclass(frozen=True, slots=True)
class StoredBackup:
    """The time and the instance that a backup names; the instance is ``None`` if it isn't signed."""

    created_ms: int
    instance: str | None


def identify(target: BackupTarget, name: str) -> StoredBackup | None:
    """The time and signer of the file of this name; ``None`` if it isn't a backup. Raises ``Unavailable``."""
    start = target.read_start(name, _GZIP.size)
    if len(start) < _GZIP.size:
        return None
    magic, seconds = _GZIP.unpack(start)
    signer = SignedFile(io.BytesIO(target.read_end(name, LENGTH))).signer
    return StoredBackup(seconds * 1000, signer.instance if signer else None) if magic == _MAGIC else None


def find_problem(target: BackupTarget, text: str) -> tuple[int | None, str | None]:
    """The time of the backup of this name, if it is one, and a sentence if the name doesn't say what it is.

    Both are ``None`` for a file of another kind with a name of its own.
    """
    name = BackupName.parse(text)
    try:
        found = identify(target, text)
    except Unavailable as error:
        return (None, None) if name is None else (name.at_ms, str(error))
    if name is not None:
        if found is None:
            return name.at_ms, f"{text} isn't a backup: it is damaged, or another file has its name."
        return found.created_ms, name.describe_mismatch(found.created_ms, found.instance)
    if found is None or found.instance is None:
        return None, None
    what = f"{text} is a backup of {to_rfc3339(found.created_ms)} by {found.instance} with another name"
    return found.created_ms, f"{what}: ARI neither removes it nor takes it for the latest. Give its path to restore it."

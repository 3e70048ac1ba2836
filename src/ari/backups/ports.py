"""What scheduled backups need: a place to keep them, and a transaction for their state."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ari.base.transaction import CommandTransaction


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the target."""

    name: str
    size_bytes: int


class ByteSink(Protocol):
    """A file that is only written."""

    def write(self, data: bytes, /) -> int: ...


class BackupTarget(Protocol):
    """Where backups are kept. Every method raises ``Unavailable`` with one sentence for operators."""

    @property
    def place(self) -> str:
        """The target, for messages: the directory, or ``s3://bucket/prefix``."""

    @property
    def folder(self) -> Path:
        """The directory in which a new backup is written before ``store``."""

    def list_files(self) -> list[StoredFile]:
        """The files of the target, without its folders."""

    def store(self, path: Path, name: str) -> None:
        """Keep the file in ``path``, which is gone then. ``name`` appears only once it is complete."""

    def fetch(self, name: str, file: ByteSink) -> None:
        """Write the whole content to ``file``."""

    def read_start(self, name: str, length: int) -> bytes:
        """The first ``length`` bytes, and never more."""

    def read_end(self, name: str, length: int) -> bytes:
        """The last ``length`` bytes, and never more."""

    def remove(self, name: str) -> None:
        """Remove a file; nothing if it is gone."""

    def clean(self, writer: str) -> None:
        """Remove what a killed ``store`` of this writer (``BackupName.writer``) left. None may run."""


class BackupKeyValues(Protocol):
    """The key-value entry that holds the state."""

    def get(self, name: str) -> str | None: ...

    def swap(self, name: str, before: str | None, after: str) -> bool:
        """Set a value that is still ``before`` (``None``: missing); of several at once exactly one succeeds."""


class BackupTransaction(CommandTransaction, Protocol):
    """A transaction over the state."""

    @property
    def key_value(self) -> BackupKeyValues: ...

"""The last signed head that this node has committed, in a file of its own next to the master key.

A database that was replaced by an older copy of itself has an older head, with a signature that is good. This file
shows that a later one existed. It is a lower bound: a crash between commit and write leaves it one head behind.
"""

import json
import os
import threading
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path

from ari.base.audit import Head, Mark
from ari.base.signing import Signature
from ari.storage.pending_restore import WITNESS_FILE

_mutex = threading.Lock()


class Witness:
    """The file in the data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / WITNESS_FILE

    def read(self) -> Mark | None:
        """The head that was kept; ``None`` if there is none, or nothing that can be read."""
        try:
            facts = json.loads(self.path.read_bytes())
            public, value = b64decode(facts["public_key"]), b64decode(facts["signature"])
            return Mark(str(facts["statement"]), Signature(public, value))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def head(self) -> Head | None:
        """The content of the file; its signature isn't checked."""
        mark = self.read()
        return None if mark is None else Head.parse(mark.text)

    def keep(self, mark: Mark) -> None:
        """Keep this head. A full disk is no reason to fail: what it is about has been committed."""
        facts = {
            "statement": mark.text,
            "public_key": b64encode(mark.signature.public).decode(),
            "signature": b64encode(mark.signature.value).decode(),
        }
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with _mutex, suppress(OSError):
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                json.dump(facts, file)
            fresh.replace(self.path)

    def find_fault(self) -> str | None:
        """Why the head can't be kept, as a sentence; ``None`` if it can, or if there is no file yet."""
        if not os.path.lexists(self.path):
            return None
        if not self.path.is_file():
            return f"{self.path} isn't a regular file. Move it away."
        if not os.access(self.path, os.R_OK):
            return f"Can't read {self.path}: permission denied."
        return None

    def forget(self) -> None:
        """Remove the file: another database takes this one's place."""
        self.path.unlink(missing_ok=True)

"""The locations where a scan found keys, and the things that it left out."""

import os
from collections import Counter
from dataclasses import dataclass, field

from ari.base.token_shape import find_tokens
from ari.keys.token import hint

UNREADABLE = "unreadable path"
SYMBOLIC_LINK = "symbolic link"
SPECIAL = "special file"


@dataclass(frozen=True, slots=True)
class TokenLocation:
    """A key in a file, or in a git object: then ``object_id`` is set.

    ``commit`` is the oldest commit that has it, if any. Without a ``path``, it is in the commit's message.
    """

    token: str = field(repr=False)
    path: str | None
    line: int
    commit: str | None = None
    object_id: str | None = None

    def describe(self) -> str:
        """``path:line``, or in the history ``commit:path:line``."""
        parts = [] if self.path is None else [show_path(self.path)]
        if self.commit is not None:
            parts = [self.commit[:12], *(parts or ["message"])]
        elif self.object_id is not None:
            parts = [f"object {self.object_id[:12]}"]
        return ":".join([*parts, str(self.line)])


@dataclass(slots=True)
class ScanReport:
    """Everything a scan found and left out. ``skipped`` counts by reason, ``problems`` are sentences."""

    locations: list[TokenLocation] = field(default_factory=list)
    files: int = 0
    objects: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def is_complete(self) -> bool:
        """Whether everything was read that should have been."""
        return not self.problems and not self.skipped[UNREADABLE]


def show_path(path: str) -> str:
    """The path as text, with the keys in it cut to their hints."""
    name, shown, end = os.fsencode(path), [], 0
    for start, token in find_tokens(name):
        shown += [name[end:start], hint(token.decode()).encode()]
        end = start + len(token)
    return b"".join([*shown, name[end:]]).decode("utf-8", "backslashreplace")

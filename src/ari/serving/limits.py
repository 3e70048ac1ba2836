"""What the operating system allows the processes of a run."""

import resource
from contextlib import suppress

MOST_FILES = 65_536
"""More open files than this are not asked for; some systems would allow a billion."""
_KEPT_FILES = 256
"""Open files of a worker that are no connections: its databases, its own pipes, and room."""


def no_core_dumps() -> None:
    """Memory holds secrets; a crash must not write it to a disk."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def reachable_files() -> int:
    """How many files a process may open once it has asked for all it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_finite(soft), min(_finite(hard), MOST_FILES))


def raise_open_files() -> None:
    """Ask for all the open files that this process may have: each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (reachable_files(), hard))


def most_connections() -> int:
    """How many connections a worker holds at once; it leaves further ones to the others, or waiting."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_KEPT_FILES, _finite(soft) - _KEPT_FILES)


def _finite(limit: int) -> int:
    return MOST_FILES if limit == resource.RLIM_INFINITY else limit

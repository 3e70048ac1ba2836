"""Operating system limits of ARI's processes."""

import resource
from contextlib import suppress

MAX_FILES = 65_536
"""Upper bound for the limit of open files; some systems allow a billion."""
_RESERVED_FILES = 256
"""Files of a worker that aren't connections: databases, pipes, and a margin."""

FEW_CONNECTIONS = 32
"""Of an address that isn't ARI's own, such as that of the metrics."""


def no_core_dumps() -> None:
    """Memory holds secrets, so a crash must not write it to disk."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def reachable_files() -> int:
    """How many files a process may open after ``raise_open_files``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_finite(soft), min(_finite(hard), MAX_FILES))


def raise_open_files() -> None:
    """Raise the soft limit of open files to the hard limit: each connection uses one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (reachable_files(), hard))


def share_connections(addresses: int) -> list[int]:
    """How many connections each address of a worker accepts: the first all that its files allow, but for a few.

    So no number of connections to the others keeps the first from its files.
    """
    few = [FEW_CONNECTIONS] * (addresses - 1)
    return [max_connections() - sum(few), *few]


def max_connections() -> int:
    """How many connections a worker accepts; others wait or go to other workers."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_RESERVED_FILES, _finite(soft) - _RESERVED_FILES)


def _finite(limit: int) -> int:
    return MAX_FILES if limit == resource.RLIM_INFINITY else limit

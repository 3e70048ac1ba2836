"""The files of an instance, which no setting and no command may write over.

They are known by their names in the data directory, and by what other names lead to them.
"""

import re
from collections.abc import Iterable
from pathlib import Path

_NAMES = re.compile(
    r"""\.?(?:
      (?:ari|usage|usage-staging)\.db(?:-wal|-shm|-journal)?
    | master\.key | audit\.head | audit-file\.json | had-owner | server-url | live-.+\.sock
    | seen-.+\.json | [a-z-]+\.lock | backup\.work | restore\.(?:json|new|ready)
    )(?:\..*)?""",
    re.VERBOSE,
)


def is_own_file(path: Path, data_dir: Path, others: Iterable[Path | None] = ()) -> bool:
    """Whether the path is, or leads to, a file of the instance, also by another name (a link).

    ``others`` are files of the instance outside of the data directory, such as that of the master key.
    """
    folder, place = data_dir.resolve(), path.resolve()
    if place == folder or (place.parent == folder and _NAMES.fullmatch(place.name)):
        return True
    if folder in place.parents and _NAMES.fullmatch(place.relative_to(folder).parts[0]):
        return True
    known = [one for one in others if one is not None]
    if folder.is_dir():
        known += [one for one in folder.iterdir() if _NAMES.fullmatch(one.name)]
    return any(_is_same(place, one) for one in known)


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path == other.resolve() or path.samefile(other)
    except OSError:
        return False

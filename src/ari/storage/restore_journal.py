"""The record of a restore that counts: the files it puts in place, and those that were there when it began to count.

An interrupted restore is completed later. Until then a person may put files back by hand, or others into its folder.
The record shows that, by size and time of change, so that neither is moved nor overwritten.
"""

import json
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ari.base.errors import Conflict

JOURNAL_FILE = "restore.json"
LOGS = ("-wal", "-journal")
"""What SQLite adds to the name of a database: files with changes that aren't in the database yet."""
_MAX_BYTES = 100_000

State = list[int]
"""The size of a file in bytes, and its time of change in ns."""


@dataclass(frozen=True, slots=True)
class RestoreJournal:
    """The states of the new files, and of those in the data directory that they replace."""

    new: Mapping[str, State]
    old: Mapping[str, State]

    @classmethod
    def describe(cls, folder: Path, data_dir: Path, names: Collection[str]) -> "RestoreJournal":
        """The record of a restore that puts these files of the folder into the data directory. Raises ``OSError``."""
        new = {name: state for name in names if (state := _find_state(folder / name)) is not None}
        old = {path.name: state for path in list_replaced(data_dir, names) if (state := _find_state(path)) is not None}
        return cls(new, old)

    @classmethod
    def read(cls, folder: Path, names: Collection[str]) -> "RestoreJournal | None":
        """The record in the folder; ``None`` if there is none of a restore with only these names."""
        try:
            with (folder / JOURNAL_FILE).open("rb") as file:
                facts = json.loads(file.read(_MAX_BYTES))
            journal = cls(**facts)
            is_whole = all(map(_is_state, (*journal.new.values(), *journal.old.values())))
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return None
        return journal if is_whole and journal.new.keys() <= set(names) else None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    def find_foreign(self, folder: Path) -> list[str]:
        """The names in the folder that aren't files of the restore as it wrote them. Raises ``OSError``."""
        left = sorted(path.name for path in folder.iterdir() if path.name != JOURNAL_FILE)
        return [
            name for name in left if not _is_file(folder / name) or _find_state(folder / name) != self.new.get(name)
        ]

    def find_lost(self, folder: Path, data_dir: Path) -> list[str]:
        """The files that were moved into place, and aren't there as the restore wrote them. Raises ``OSError``."""
        moved = [name for name in self.new if not (folder / name).exists()]
        return [name for name in moved if _find_state(data_dir / name) != self.new[name]]

    def find_put_back(self, folder: Path, data_dir: Path) -> list[str]:
        """The files that it would overwrite, and that weren't there when it began to count. Raises ``OSError``."""
        found = []
        for path in list_replaced(data_dir, self.new):
            is_moved = path.name in self.new and not (folder / path.name).exists()
            if not is_moved and _find_state(path) != self.old.get(path.name):
                found.append(path.name)
        return found


def require_untouched(ready: Path, data_dir: Path, names: Collection[str]) -> None:
    """Raise ``Conflict`` unless the folder and the data directory have what the restore left there."""
    if ready.is_symlink() or not ready.is_dir():
        raise _make_foreign_error(ready, "It isn't a folder.")
    journal = RestoreJournal.read(ready, names)
    if journal is None:
        if any(ready.iterdir()):
            raise _make_foreign_error(ready, "The record of the restore is missing in it.")
        return
    foreign = journal.find_foreign(ready)
    if foreign:
        raise _make_foreign_error(ready, f"The restore didn't write this: {', '.join(foreign)}.")
    begun = f"A restore of {data_dir} was interrupted, and files were changed since"
    given_up = f"move {ready} away, then restore a backup or put back every file of one instance"
    lost = journal.find_lost(ready, data_dir)
    if lost:
        raise _make_changed_error(f"{begun}: {', '.join(lost)} of the restore. It can't be completed: {given_up}.")
    put_back = journal.find_put_back(ready, data_dir)
    if put_back:
        raise _make_changed_error(
            f"{begun}: {', '.join(put_back)}. It would overwrite them. To complete it, move them away; to give it up, "
            f"{given_up}."
        )


def _make_foreign_error(ready: Path, why: str) -> Conflict:
    return _make_changed_error(f"{ready} isn't as ari restore left it. {why} Nothing was moved: move it away.")


def _make_changed_error(message: str) -> Conflict:
    return Conflict("restore_changed", message)


def list_replaced(data_dir: Path, names: Collection[str]) -> Iterator[Path]:
    """The files in the data directory with these names, and SQLite's logs of them that have content."""
    for name in names:
        if (data_dir / name).exists():
            yield data_dir / name
        for log in LOGS:
            state = _find_state(data_dir / f"{name}{log}")
            if state is not None and state[0] > 0:
                yield data_dir / f"{name}{log}"


def _find_state(path: Path) -> State | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _is_file(path: Path) -> bool:
    """Whether it is a file and no link to one."""
    return stat.S_ISREG(path.lstat().st_mode)


def _is_state(value: object) -> bool:
    return isinstance(value, list) and [type(one) for one in value] == [int, int]

"""Usage that PostgreSQL loses after its response: ``python -m tests.proof.database_loss [--seconds N]``.

Threads log requests one by one, each after the last response; then the server crashes or an asynchronous standby
takes over, and what is missing from the log is counted. Uses servers of its own.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ari.base.errors import Unavailable
from ari.storage.engine import Database
from ari.storage.migrate import migrate
from ari.storage.tables import usage_rows
from ari.usage.ports import Batch
from tests.support import postgres as servers
from tests.support.instances import settings_for
from tests.support.usage import make_row

WAYS = ("crash", "asynchronous standby")
_THREADS = 8


class _Callers:
    """Threads that log requests until the database fails; ``answered`` are the ids that were committed."""

    def __init__(self, folder: Path, url: str, durability: str) -> None:
        self.answered: list[str] = []
        self._settings = [
            settings_for(_folder(folder / str(number)), url, usage_durability=durability) for number in range(_THREADS)
        ]
        self._threads = [threading.Thread(target=self._log, args=(one,)) for one in self._settings]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _log(self, settings: Any) -> None:
        with closing(Database.open(settings)) as database:
            while True:
                rows = [make_row() for _ in range(4)]
                try:
                    database.usage.commit(Batch(rows))
                except Unavailable:
                    return
                self.answered += [row.id for row in rows]


def _folder(path: Path) -> Path:
    path.mkdir(mode=0o700)
    return path


def count_lost(way: str, durability: str, seconds: float) -> tuple[int, int]:
    """How many confirmed requests are missing afterwards, and of how many."""
    with servers.own_server() as primary, tempfile.TemporaryDirectory() as folder:
        if primary is None:
            raise RuntimeError(servers.MISSING)
        primary.execute("CREATE DATABASE ari")
        with _target(primary, way) as target:
            url = primary.url_of("ari")
            with closing(Database.open(settings_for(_folder(Path(folder) / "first"), url))) as database:
                migrate(database)
            callers = _Callers(Path(folder), url, durability)
            callers.start()
            time.sleep(seconds)
            primary.crash()
            callers.join()
            if target is primary:
                primary.start()
            else:
                target.promote()
            return _count_missing(target.url_of("ari"), _folder(Path(folder) / "last"), callers.answered)


@contextmanager
def _target(primary: Any, way: str) -> Iterator[Any]:
    if way == "crash":
        yield primary
        return
    with servers.standby_of(primary) as standby:
        yield standby


def _count_missing(url: str, folder: Path, answered: Sequence[str]) -> tuple[int, int]:
    with closing(Database.open(settings_for(folder, url))) as database:
        database.usage.fold_all()
        with database.log.connect() as connection:
            kept = set(connection.scalars(select(usage_rows.c.id)))
    return len(set(answered) - kept), len(answered)


def main() -> None:
    """Print what each setting loses in each way."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=5.0)
    given = words.parse_args()
    for way in WAYS:
        for durability in ("commit", "fsync"):
            missing, answered = count_lost(way, durability, given.seconds)
            print(f"{way}, {durability}: {missing} of {answered} answered requests are missing", flush=True)


if __name__ == "__main__":
    main()

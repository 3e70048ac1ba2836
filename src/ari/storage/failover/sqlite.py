"""The same distrust for SQLite: a keys file that was replaced with an older copy."""

import sqlite3
from typing import Any

from sqlalchemy import Engine, event

from ari.storage.failover import facts
from ari.storage.failover.history import History, WentBack
from ari.storage.pending_restore import require_whole


def examine_sqlite(engine: Engine, history: History) -> None:
    """Compare the file with what this node has seen whenever the engine opens it."""

    @event.listens_for(engine, "connect")
    def _check(connection: Any, _entry: object) -> None:
        examine_file(connection, history)
        history.persist()


def examine_file(connection: sqlite3.Connection, history: History) -> None:
    """Raises ``WentBack``, after it was logged what the file lost, and ``Unavailable`` while a restore is pending."""
    require_whole(history.file.data_dir)
    record = history.current()
    try:
        history.examine(record, facts.read_sqlite(connection, 0 if record is None else record.head.seq))
    except WentBack as error:
        history.report(error, facts.find_lost_in_sqlite(connection, error.record.events))
        raise

"""The note in PostgreSQL that the log's rows are in ClickHouse: no process may then read or store them here."""

from typing import Literal

from sqlalchemy import Connection, text

from ari.base.errors import Unavailable

Mark = Literal["moving", "moved"]
_NUMBERS: dict[Mark, int] = {"moving": 0, "moved": 1}
_READ = text("SELECT seq FROM usage_folds WHERE name = 'clickhouse'")
_SET = text("""INSERT INTO usage_folds (name, seq) VALUES ('clickhouse', :number)
    ON CONFLICT (name) DO UPDATE SET seq = excluded.seq""")
_REMOVE = text("DELETE FROM usage_folds WHERE name IN ('clickhouse', 'clickhouse_table', 'dropped')")
_ADD_REDUCED = text("""INSERT INTO usage_folds (name, seq) VALUES ('reduced', :count)
    ON CONFLICT (name) DO UPDATE SET seq = usage_folds.seq + excluded.seq""")
_READ_REDUCED = text("SELECT seq FROM usage_folds WHERE name = 'reduced'")
_WAIT = text("SET LOCAL synchronous_commit TO local")


def read_mark(connection: Connection) -> Mark | None:
    """Whether rows are being moved to ClickHouse, or all were; ``None`` if PostgreSQL has them."""
    number = connection.scalar(_READ)
    return None if number is None else "moved" if number else "moving"


def set_mark(connection: Connection, mark: Mark) -> None:
    """Note it in the caller's transaction."""
    connection.execute(_SET, {"number": _NUMBERS[mark]})


def remove_mark(connection: Connection) -> None:
    """From now on, rows are in PostgreSQL again."""
    connection.execute(_REMOVE)


def add_reduced(connection: Connection, count: int) -> None:
    """Count rows that lost values which ClickHouse refused, in the caller's transaction."""
    connection.execute(_ADD_REDUCED, {"count": count})


def count_reduced(connection: Connection) -> int:
    """How many rows ever lost values that ClickHouse refused."""
    return connection.scalar(_READ_REDUCED) or 0


def wait_for_disk(connection: Connection) -> None:
    """Let the commit of this transaction wait for the server's disk, whatever ``ARI_USAGE_DURABILITY`` says."""
    connection.execute(_WAIT)


def refuse_if_elsewhere(connection: Connection) -> None:
    """Raise ``Unavailable`` if ClickHouse has the rows, for a process without ``ARI_USAGE_LOG_URL``."""
    if read_mark(connection) is not None:
        raise Unavailable(
            "The rows of the usage log can't be read or written now.",
            reason="They are in ClickHouse: set ARI_USAGE_LOG_URL for this process too.",
        )
